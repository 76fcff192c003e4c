// What the page says, in English and Russian. `t("key", {name: ...})`; a form for each plural.
// What stands in a sentence may be anybody's: it can't turn the rest of it around.

import { apart } from "./bidi.js";
import * as english from "./words-en.js";
import * as russian from "./words-ru.js";

let language = "en";
let words = english;
let plural = new Intl.PluralRules("en");

export const lang = () => language;

export function setLanguage(wanted) {
  language = wanted === "ru" ? "ru" : "en";
  words = language === "ru" ? russian : english;
  plural = new Intl.PluralRules(language);
  document.documentElement.lang = language;
  formats.clear();
}

export function t(key, values = {}) {
  let form = words.WORDS[key] ?? english.WORDS[key] ?? key;
  if (typeof form === "object") form = form[plural.select(values.n ?? 1)] ?? form.other;
  return form.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name] ?? "";
    return Array.isArray(value) ? listed(value) : apart(String(value));
  });
}

// Names one after the other: `most` of them, and how many others.
export function listed(names, most = 4) {
  const found = names.slice(0, most).map(apart);
  if (names.length > most) found.push(t("others", { n: names.length - most }));
  return new Intl.ListFormat(local(), { type: "conjunction" }).format(found);
}

const local = () =>
  navigator.languages.find((one) => one.toLowerCase().startsWith(language)) ?? language;

export function why(error) {
  return words.CODES[error?.code] ?? error?.message ?? String(error);
}

const formats = new Map();
function format(name, options) {
  if (!formats.has(name)) formats.set(name, new Intl.DateTimeFormat(local(), options));
  return formats.get(name);
}

export const clockTime = (ms) => format("time", { hour: "2-digit", minute: "2-digit" }).format(ms);
export const fullTime = (ms) =>
  format("full", { dateStyle: "long", timeStyle: "short" }).format(ms);
export const shortDate = (ms) =>
  format("short", { day: "numeric", month: "short", year: "numeric" }).format(ms);

// Why somebody did it, behind a sentence without its end.
export const because = (text) => (text ? t("because", { text }) : "");

// That one is muted: `where`, by whom if that is known, how long.
export function mutedBy({ nick, until }, where) {
  const end = until ? t("until", { time: moment(Date.parse(until)) }) : t("untilUnmuted");
  return `${nick ? t("mutedYou", { nick, where }) : t("mutedYouBySomebody", { where })} ${end}`;
}

// A time of today by the clock, another one with its date.
export function moment(ms) {
  const today = new Date(ms).toDateString() === new Date().toDateString();
  return today ? clockTime(ms) : `${shortDate(ms)}, ${clockTime(ms)}`;
}

export function dayName(ms, now = Date.now()) {
  const days = Math.round(
    (new Date(now).setHours(0, 0, 0, 0) - new Date(ms).setHours(0, 0, 0, 0)) / 864e5,
  );
  if (days === 0) return t("today");
  if (days === 1) return t("yesterday");
  const far = new Date(ms).getFullYear() !== new Date(now).getFullYear();
  return far
    ? format("dayYear", { weekday: "long", day: "numeric", month: "long", year: "numeric" }).format(
        ms,
      )
    : format("day", { weekday: "long", day: "numeric", month: "long" }).format(ms);
}

export function bytes(n) {
  const units = language === "ru" ? ["Б", "КБ", "МБ", "ГБ"] : ["B", "KB", "MB", "GB"];
  let i = 0;
  while (n >= 1000 && i < 3) {
    n /= 1000;
    i += 1;
  }
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: i && n < 10 ? 1 : 0 }).format(n)} ${units[i]}`;
}
