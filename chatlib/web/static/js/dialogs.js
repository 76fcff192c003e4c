// What opens above the page: finding rooms and people, settings, keys, questions, reactions.

import { avatar, clear, el, graphemes, icon, iconButton, roving } from "./dom.js";
import { lang, t, why } from "./i18n.js";
import { nickKey } from "./store.js";
import { plain } from "./text.js";

const SIGNS = ["👍", "❤️", "😂", "🎉", "👀", "✅", "🙏", "🔥", "😮", "😢", "🤔", "👎", "🚀", "💯", "☕", "👋"];

export function dialog(title, ...content) {
  const node = el("dialog", { class: "sheet", "aria-label": title }, el("div", { class: "shead" }, el("h2", {}, title), iconButton("close", t("close"), () => node.close())), ...content);
  node.addEventListener("click", (event) => event.target === node && node.close());
  node.addEventListener("close", () => node.remove());
  document.body.append(node);
  node.showModal();
  return node;
}

export function ask(title, lead, yes) {
  return new Promise((answer) => {
    let granted = false;
    const confirm = el("button", { type: "button", class: "danger", onclick: () => { granted = true; node.close(); } }, yes);
    const node = dialog(title, el("p", { class: "lead" }, lead), el("div", { class: "buttons" }, el("button", { type: "button", class: "quiet", onclick: () => node.close() }, t("cancel")), confirm));
    node.addEventListener("close", () => answer(granted));
    confirm.focus();
  });
}

// A field above a list that it narrows; Enter takes the first.
function finder(title, placeholder, fill, more = null) {
  const field = el("input", { type: "text", placeholder, "aria-label": placeholder, autocomplete: "off", spellcheck: "false", maxlength: "64" });
  const list = el("div", { class: "picks" });
  const node = dialog(title, el("div", { class: "field" }, icon("search"), field), more, list);
  const draw = () => {
    clear(list, fill(field.value.trim(), node));
    const first = list.querySelector(".pick");
    if (first) first.tabIndex = 0;
  };
  field.addEventListener("input", draw);
  field.addEventListener("keydown", (event) => {
    const first = list.querySelector(".pick");
    if (event.key === "Enter" && first) { event.preventDefault(); first.click(); }
    if (event.key === "ArrowDown" && first) { event.preventDefault(); first.focus(); }
  });
  roving(list, ".pick");
  list.addEventListener("keydown", (event) => event.key === "ArrowUp" && document.activeElement === list.querySelector(".pick") && field.focus());
  field.focus();
  draw();
  return { node, draw, list };
}

function pick(lead, name, more, onclick) {
  return el("button", { type: "button", class: "pick", tabindex: "-1", onclick }, lead, el("span", { class: "texts" }, el("span", { class: "name" }, name), more ? el("span", { class: "more" }, more) : null));
}

export function quick(chat, act) {
  const fill = (words, node) => {
    const key = nickKey(words.replace(/^[#@]/, ""));
    return [...chat.talks.values()].filter((talk) => nickKey(talk.name).includes(key)).sort((a, b) => (b.unread > 0) - (a.unread > 0) || nickKey(a.name).indexOf(key) - nickKey(b.name).indexOf(key) || a.name.localeCompare(b.name)).slice(0, 40)
      .map((talk) => pick(talk.isRoom ? icon(talk.private ? "lock" : "hash") : avatar(talk.name, "tiny"), plain(talk.name), talk.unread ? t("unread", { n: talk.unread }) : plain(talk.topic), () => { node.close(); act("go", talk); }));
  };
  finder(t("quick"), t("quickPlaceholder"), fill);
}

export async function browse(chat, act) {
  let rooms = [];
  const hidden = el("input", { type: "checkbox" });
  const fill = (words, node) => {
    const name = words.replace(/^#+/, "");
    const found = rooms.filter(({ room, topic }) => room.includes(name.toLowerCase()) || (topic ?? "").toLowerCase().includes(name.toLowerCase())).slice(0, 200);
    const go = (room, create) => { node.close(); act("enterRoom", room, create); };
    const rows = found.map(({ room, members, topic, private: closed }) => pick(icon(closed ? "lock" : "hash"), plain(room), [t("memberCount", { n: members }), chat.talks.has(`r:${room}`) ? t("joinedMark") : "", plain(topic ?? "")].filter(Boolean).join(" · "), () => go(room, null)));
    if (name && !rooms.some(({ room }) => room === name.toLowerCase())) rows.push(pick(icon("plus"), plain(t("createRoom", { name })), found.length ? "" : t("noRooms"), () => go(name, { private: hidden.checked })));
    return rows;
  };
  const { draw, list } = finder(t("browseTitle"), t("browseFilter"), fill, el("label", { class: "check" }, hidden, el("span", {}, t("createPrivate"), el("small", {}, t("privateHint")))));
  try {
    rooms = (await chat.ask("rooms")).rooms;
    draw();
  } catch (error) {
    clear(list, el("p", { class: "lead" }, why(error)));
  }
}

export async function newPrivate(chat, act) {
  let people = [];
  const fill = (words, node) => {
    const key = nickKey(words.replace(/^@/, ""));
    const go = (nick) => { node.close(); act("person", nick); };
    const rows = people.filter(({ nick }) => nickKey(nick).includes(key)).slice(0, 200).map(({ nick, bot }) => pick(avatar(nick, "tiny"), plain(nick), bot ? t("bot") : "", () => go(nick)));
    if (key && !people.some(({ nick }) => nickKey(nick) === key) && !/[\s/]/.test(key)) rows.push(pick(icon("chat"), plain(t("privateOther", { nick: words })), "", () => go(words)));
    if (!rows.length) rows.push(el("p", { class: "lead" }, t("privateNoOne")));
    return rows;
  };
  const { draw, list } = finder(t("privateTitle"), t("privateFilter"), fill);
  try {
    people = (await chat.ask("who", {})).members.filter(({ nick }) => nick !== chat.me.nick);
    draw();
  } catch (error) {
    clear(list, el("p", { class: "lead" }, why(error)));
  }
}

export function line(title, label, value, most, save, { empty = false } = {}) {
  const field = el("input", { type: "text", "aria-label": label, value, maxlength: String(most), autocomplete: "off" });
  const fault = el("p", { class: "fault", role: "alert" });
  const form = el("form", { onsubmit: async (event) => {
    event.preventDefault();
    if (!empty && !field.value.trim()) return;
    try {
      await save(field.value.trim());
      node.close();
    } catch (error) {
      fault.textContent = why(error) + (error.suggestion ? ` ${t("useSuggestion", { nick: error.suggestion })}?` : "");
      field.focus();
    }
  } }, el("div", { class: "field" }, field), fault, el("div", { class: "buttons" }, el("button", { type: "button", class: "quiet", onclick: () => node.close() }, t("cancel")), el("button", { class: "primary" }, t("save"))));
  const node = dialog(title, form);
  field.focus();
  field.select();
}

function choice(name, label, options, value, change) {
  return el("fieldset", { class: "choice" }, el("legend", {}, label), el("div", { class: "segments" }, options.map(([key, text]) => {
    const input = el("input", { type: "radio", name, value: key, onchange: () => change(key) });
    input.checked = key === value;
    return el("label", {}, input, el("span", {}, text));
  })));
}

export function settings(chat, store, act) {
  const notify = el("input", { type: "checkbox", onchange: async () => {
    if (notify.checked && Notification.permission !== "granted" && await Notification.requestPermission() !== "granted") {
      notify.checked = false;
      told.textContent = t("notifyDenied");
    }
    store.set("notify", notify.checked);
  } });
  const can = "Notification" in window;
  notify.checked = can && store.get("notify", false) && Notification.permission === "granted";
  notify.disabled = !can || Notification.permission === "denied";
  const told = el("small", {}, !can ? t("notifyNone") : notify.disabled ? t("notifyDenied") : t("notifyHow"));
  const node = dialog(t("settings"),
    el("div", { class: "mecard" }, avatar(chat.me.nick || "?", "big"), el("b", {}, plain(chat.me.nick)), el("button", { type: "button", class: "quiet", onclick: () => { node.close(); act("rename"); } }, t("change"))),
    choice("theme", t("theme"), [["auto", t("themeAuto")], ["light", t("themeLight")], ["dark", t("themeDark")]], store.get("theme", "auto"), (key) => store.set("theme", key)),
    choice("language", t("language"), [["en", "English"], ["ru", "Русский"]], lang(), (key) => { store.set("language", key); node.close(); act("language"); act("settings"); }),
    el("label", { class: "check" }, notify, el("span", {}, t("notifyOn"), told)),
    el("div", { class: "buttons split" }, el("button", { type: "button", class: "quiet", onclick: () => { node.close(); keys(); } }, icon("keys"), t("shortcuts")), el("button", { type: "button", class: "danger ghosted", onclick: () => { node.close(); act("signOut"); } }, t("signOut"))));
}

export function keys() {
  const all = [["Enter", "kSend"], ["Shift Enter", "kNewline"], ["↑", "kEditLast"], ["@ Tab", "kComplete"], ["Ctrl K", "kQuick"], ["Alt ↑ ↓", "kNextPrev"], ["Alt Shift ↓", "kUnread"], ["Ctrl Shift F", "kSearch"], ["Shift ↑", "kFeed"], ["R", "kReply"], ["E", "kEdit"], ["+", "kReact"], ["C", "kCopy"], ["Delete", "kDelete"], ["Esc", "kEscape"], ["Ctrl /", "kHelp"]];
  dialog(t("keysTitle"), el("dl", { class: "keys" }, all.flatMap(([key, text]) => [el("dt", {}, key.split(" ").map((one) => el("kbd", {}, one))), el("dd", {}, t(text))])));
}

// Choose a sign to react with; `near` is the message.
export function signs(near, chosen) {
  const node = el("div", { class: "signbox", role: "dialog", "aria-label": t("react") });
  const before = document.activeElement;
  const close = (sign) => {
    if (!node.isConnected) return;
    node.remove();
    removeEventListener("pointerdown", outside, true);
    before?.isConnected && before.focus({ preventScroll: true });
    if (sign) chosen(sign);
  };
  const outside = (event) => node.contains(event.target) || close();
  const own = el("input", { type: "text", maxlength: "16", "aria-label": t("reactOther"), placeholder: t("reactOther"), autocomplete: "off" });
  const buttons = SIGNS.map((sign, i) => el("button", { type: "button", tabindex: i ? "-1" : "0", "aria-label": t("reactWith", { sign }), onclick: () => close(sign) }, sign));
  node.append(el("div", { class: "grid" }, buttons), el("form", { onsubmit: (event) => {
    event.preventDefault();
    const sign = own.value.trim().split(/\s/)[0];
    if (sign) close(graphemes(sign).slice(0, 8).join(""));
  } }, own));
  node.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const at = buttons.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8 }[event.key];
    if (event.key === "Escape") close();
    else if (at >= 0 && step) { event.preventDefault(); (buttons[at + step] ?? (step === 8 ? own : buttons[at])).focus(); }
  });
  document.body.append(node);
  const box = near.getBoundingClientRect();
  const { width, height } = node.getBoundingClientRect();
  node.style.left = `${Math.max(8, Math.min(innerWidth - width - 8, box.right - width - 8))}px`;
  node.style.top = `${Math.max(8, Math.min(innerHeight - height - 8, box.top - height + 16 < 8 ? box.top + 28 : box.top - height + 16))}px`;
  buttons[0].focus();
  addEventListener("pointerdown", outside, true);
}
