// What an operator does: each deed in a dialog that names whom it is done to, and what follows.

import { announce, el } from "../js/dom.js";
import { dialog } from "../js/dialogs.js";
import { t, when, why } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const MINUTES = [5, 30, 60, 24 * 60];
const HOURS = [1, 24, 7 * 24, 30 * 24];
let ids = 0;

function labelled(word, control) {
  control.id = `f${++ids}`;
  return el("div", { class: "pair" }, el("label", { for: control.id }, t(word)), control);
}

export const choice = (options, chosen) => el("select", {}, ...options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
const minutes = (m) => (m < 60 ? t("min", { n: m }) : t("hour", { n: m / 60 }));
const hours = (h) => (h <= 24 ? t("hour", { n: h }) : t("days", { n: h / 24 }));

export function said(text) {
  announce(text);
  const note = el("div", { class: "toast opnote" }, text);
  document.body.append(note);
  setTimeout(() => note.remove(), 5000);
}

// A form in a dialog; `send` asks the broker. It stays open, and says why, where that is refused.
export function deed(title, lead, fields, button, send, { bad = true } = {}) {
  const fault = el("p", { class: "fault", role: "alert" });
  const yes = el("button", { class: bad ? "danger" : "primary" }, button);
  const form = el("form", {}, ...fields, fault, el("div", { class: "buttons" }, el("button", { type: "button", class: "quiet", onclick: () => node.close() }, t("cancel")), yes));
  const node = dialog(title, lead ? el("p", { class: "lead" }, lead) : "", form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    yes.disabled = true;
    fault.textContent = "";
    try {
      await send();
      node.close();
      said(t("done", { what: title }));
    } catch (error) {
      fault.textContent = why(error);
      yes.disabled = false;
    }
  });
  return node;
}

const reason = () => el("input", { type: "text", maxlength: 120, placeholder: t("reasonHint"), autocomplete: "off" });
const roomChoice = (rooms) => choice(rooms.map((room) => [room, room]), rooms[0]);

export function person(line, session, rooms) {
  const facts = [["key", session.key || t("noKey")], ["address", session.address || t("unknown")], ["client", session.client || t("unknown")]];
  const name = session.nick;
  const open = (form) => { node.close(); form(); };
  const withRoom = (word, lead, button, send, more = () => []) => {
    const [where, why_] = [roomChoice(rooms), reason()];
    const extra = more();
    deed(`${t(word)}: ${name}`, t(lead), [labelled("inRoom", where), ...extra.map(([w, c]) => labelled(w, c)), ...(extra.length ? [] : [labelled("reason", why_)])], t(button), () => send(where.value, why_.value, ...extra.map(([, c]) => c.value)));
  };
  const far = session.address && !/^(127\.|::1|localhost)/.test(session.address);
  const node = dialog(name,
    el("dl", { class: "facts" }, ...facts.flatMap(([word, value]) => [el("dt", {}, t(word)), el("dd", {}, value)])),
    el("div", { class: "deeds" },
      el("button", { type: "button", class: "quiet", onclick: () => open(() => withRoom("kick", "kickLead", "kickDo", (room, text) => line.ask("kick", { room, nick: name, reason: text }))) }, t("kick")),
      el("button", { type: "button", class: "quiet", onclick: () => open(() => withRoom("mute", "muteLead", "muteDo", (room, _, seconds) => line.ask("mute", { room, nick: name, ...(seconds ? { seconds: Number(seconds) } : {}) }),
        () => [["howLong", choice([...MINUTES.map((m) => [m * 60, minutes(m)]), ["", t("forever")]], 30 * 60)]])) }, t("mute")),
      el("button", { type: "button", class: "quiet", onclick: () => open(() => withRoom("banRoom", "banRoomLead", "banDo", (room, text) => line.ask("ban", { room, nick: name, reason: text }))) }, t("banRoom")),
      el("button", { type: "button", class: "danger", onclick: () => open(() => { const text = reason(); deed(`${t("ban")}: ${name}`, t("banLead"), [labelled("reason", text)], t("banDo"), () => line.ask("ban", { nick: name, reason: text.value })); }) }, t("ban")),
      far ? el("button", { type: "button", class: "danger ghosted", onclick: () => open(() => { const text = reason(); deed(`${t("banAddress")}: ${session.address}`, t("addressLead"), [labelled("reason", text)], t("banDo"), () => line.ask("ban", { address: session.address, reason: text.value })); }) }, t("banAddress")) : null));
}

export function room(line, { room: name, closed }) {
  if (closed) {
    deed(`${t("reopenRoom")}: ${name}`, "", [], t("reopenRoom"), () => line.ask("reopen", { room: name }), { bad: false });
    return;
  }
  const text = reason();
  deed(`${t("closeRoom")}: ${name}`, t("closeLead"), [labelled("reason", text)], t("closeDo"), () => line.ask("close", { room: name, reason: text.value }));
}

export const drain = (line) => deed(t("drainTitle"), t("drainLead"), [], t("drainYes"), () => line.ask("drain"));

export async function backup(line) {
  try {
    said(t("backupBegan", { file: (await line.ask("backup")).file }));
  } catch (error) {
    said(why(error));
  }
}

function qr({ size, path }) {
  const picture = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ viewBox: `0 0 ${size} ${size}`, class: "qr", role: "img", "aria-label": t("qr"), "shape-rendering": "crispEdges" })) picture.setAttribute(name, value);
  const dark = document.createElementNS(SVG, "path");
  dark.setAttribute("d", path);
  picture.append(dark);
  return picture;
}

function copied(word, text) {
  const field = el("input", { type: "text", readonly: true, value: text, onfocus: () => field.select() });
  const button = el("button", { type: "button", class: "quiet", onclick: async () => {
    await navigator.clipboard?.writeText(text);
    field.select();
    said(t("copied"));
  } }, t("copy"));
  const pair = labelled(word, field);
  pair.append(button);
  pair.classList.add("copied");
  return pair;
}

export function invite(line, rooms) {
  const where = el("input", { type: "text", value: "lobby", maxlength: 50, required: true, list: "oprooms", autocomplete: "off" });
  const uses = el("input", { type: "number", min: 1, max: 10000, value: "1", required: true });
  const long = choice(HOURS.map((h) => [h * 3600, hours(h)]), 24 * 3600);
  const fault = el("p", { class: "fault", role: "alert" });
  const yes = el("button", { class: "primary" }, t("makeLink"));
  const form = el("form", {}, labelled("inviteRoom", where), el("datalist", { id: "oprooms" }, ...rooms.map((value) => el("option", { value }))),
    el("div", { class: "two" }, labelled("uses", uses), labelled("hours", long)), fault, el("div", { class: "buttons" }, yes));
  const node = dialog(t("invite"), el("p", { class: "lead" }, t("inviteLead")), form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    yes.disabled = true;
    try {
      const made = await line.ask("invite", { room: where.value, uses: Number(uses.value), seconds: Number(long.value), page: location.origin });
      form.replaceWith(el("div", { class: "invited" }, qr(made.qr), copied("forPage", made.page), copied("forTerminal", made.link), el("p", { class: "lead" }, t("until", { time: when(made.expires), n: made.uses }))));
      node.querySelector(".invited input").focus();
    } catch (error) {
      fault.textContent = why(error);
      yes.disabled = false;
    }
  });
}

// Bans and invitations, with a button that takes each back.
export async function listing(line, word) {
  const [op, field, lift, undo, none] = word === "bans" ? ["bans", "bans", "lift", (one) => line.ask("unban", { who: one.who }), "noBans"]
    : ["invitations", "invitations", "takeBack", (one) => line.ask("uninvite", { invitation: one.invitation }), "noInvitations"];
  let found;
  try {
    found = (await line.ask(op))[field];
  } catch (error) {
    said(why(error));
    return;
  }
  const rows = found.map((one) => {
    const told = op === "bans" ? [one.who, [t("since", { time: when(one.at) }), one.reason].filter(Boolean).join(" · ")] : [one.room, t("left", { n: one.uses, time: when(one.expires) })];
    const row = el("li", {}, el("div", {}, el("b", {}, told[0]), el("small", {}, told[1])), el("button", { type: "button", class: "quiet", onclick: async () => {
      try {
        await undo(one);
        row.remove();
        said(t("done", { what: t(lift) }));
      } catch (error) {
        said(why(error));
      }
    } }, t(lift)));
    return row;
  });
  dialog(t(word), rows.length ? el("ul", { class: "list" }, ...rows) : el("p", { class: "lead" }, t(none)));
}
