// What an operator does: each deed in a dialog that names whom it is done to, and what follows.

import { el } from "../js/dom.js";
import { dialog } from "../js/dialogs.js";
import { action, asked, choice, deed, facts, form, labelled, reason, roomChoice, roomField, said } from "./forms.js";
import { lasting, t, when, why } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const MUTES = [300, 1800, 3600, 24 * 3600];
const GOOD = [3600, 24 * 3600, 7 * 24 * 3600, 30 * 24 * 3600];

export const isFar = (address) => Boolean(address) && !/^(127\.|::1$|::ffff:127\.|process )/.test(address);

// -- people ------------------------------------------------------------------------------------

// Where somebody is has to be asked: what takes a room waits for that.
export async function person(line, session, rooms) {
  const nick = session.nick;
  const where = el("span", {}, "…");
  const inRooms = [["kick", kick], ["mute", mute], ["unmute", unmute]].map(([word, open]) => {
    const button = action(word, "quiet", () => { node.close(); open(line, nick, button.places); });
    button.disabled = true;
    return button;
  });
  const other = (word, kind, open) => action(word, kind, () => { node.close(); open(); });
  const node = dialog(nick,
    facts([["key", session.key || t("noKey")], ["address", session.address || t("unknown")], ["client", session.client || t("unknown")], ["rooms", where]]),
    el("div", { class: "deeds" }, ...inRooms,
      other("banRoom", "quiet", () => banFromRoom(line, nick, inRooms[0].places ?? [], rooms)),
      other("ban", "danger", () => ban(line, nick)),
      isFar(session.address) ? other("banAddress", "danger ghosted", () => banAddress(line, session.address)) : null));
  const found = await line.ask("whereis", { nick }).catch((error) => {
    where.textContent = why(error);
    return null;
  });
  if (!found) return;
  where.textContent = found.places.map(({ room, muted }) => (muted ? t("mutedIn", { room }) : `#${room}`)).join(", ") || t("nowhere");
  const [all, muted] = [found.places, found.places.filter((place) => place.muted)].map((places) => places.map(({ room }) => room));
  [all, all, muted].forEach((places, i) => { Object.assign(inRooms[i], { places, disabled: !places.length }); });
}

function kick(line, nick, places) {
  const [where, text] = [roomChoice(places), reason()];
  deed(`${t("kick")}: ${nick}`, t("kickLead"), [labelled("inRoom", where), labelled("reason", text)], t("kickDo"), () => line.ask("kick", { room: where.value, nick, reason: text.value }));
}

function mute(line, nick, places) {
  const where = roomChoice(places);
  const long = choice([...MUTES.map((s) => [s, lasting(s)]), ["", t("forever")]], 1800);
  deed(`${t("mute")}: ${nick}`, t("muteLead"), [labelled("inRoom", where), labelled("howLong", long)], t("muteDo"),
    () => line.ask("mute", { room: where.value, nick, ...(long.value ? { seconds: Number(long.value) } : {}) }));
}

function unmute(line, nick, places) {
  const where = roomChoice(places);
  deed(`${t("unmute")}: ${nick}`, t("unmuteLead"), [labelled("inRoom", where)], t("unmuteDo"), () => line.ask("unmute", { room: where.value, nick }), { bad: false });
}

function banFromRoom(line, nick, places, rooms) {
  const { field, list } = roomField([...new Set([...places, ...rooms])], places[0] ?? "");
  const text = reason();
  deed(`${t("banRoom")}: ${nick}`, t("banRoomLead"), [labelled("inRoom", field), list, labelled("reason", text)], t("banDo"), () => line.ask("ban", { room: field.value, nick, reason: text.value }));
}

function ban(line, nick) {
  const text = reason("noteHint");
  deed(`${t("ban")}: ${nick}`, t("banLead"), [labelled("reason", text)], t("banDo"), () => line.ask("ban", { nick, reason: text.value }));
}

export function banAddress(line, address = "") {
  const where = el("input", { type: "text", value: address, maxlength: 45, required: true, autocomplete: "off", spellcheck: "false" });
  const text = reason("noteHint");
  deed(t("banAddress"), t("addressLead"), [labelled("address", where), labelled("reason", text)], t("banDo"), () => line.ask("ban", { address: where.value.trim(), reason: text.value }));
}

// -- the broker --------------------------------------------------------------------------------

export const drain = (line) => deed(t("drainTitle"), t("drainLead"), [], t("drainYes"), () => line.ask("drain"));

export async function backup(line) {
  const begun = await asked(line, "backup");
  if (begun) said(t("backupBegan", { file: begun.file }));
}

// -- invitations -------------------------------------------------------------------------------

function qr({ size, path }) {
  const picture = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ viewBox: `0 0 ${size} ${size}`, class: "qr", role: "img", "aria-label": t("qr"), "shape-rendering": "crispEdges" })) picture.setAttribute(name, value);
  const dark = document.createElementNS(SVG, "path");
  dark.setAttribute("d", path);
  picture.append(dark);
  return picture;
}

// Without TLS a browser lets no page reach the clipboard from another machine: then it is marked.
function copied(word, text) {
  const field = el("input", { type: "text", readonly: true, value: text, onfocus: () => field.select() });
  const button = action("copy", "quiet", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(text);
      said(t("copied"));
    } catch {
      said(t("copyYourself"));
    }
  });
  button.setAttribute("aria-label", `${t("copy")}: ${t(word)}`);
  const pair = labelled(word, field);
  pair.append(button);
  pair.classList.add("copied");
  return pair;
}

export function invite(line, rooms) {
  const { field, list } = roomField(rooms, "lobby");
  const uses = el("input", { type: "number", min: 1, max: 10000, value: "1", required: true });
  const long = choice(GOOD.map((s) => [s, lasting(s)]), 24 * 3600);
  const body = form([labelled("inviteRoom", field), list, el("div", { class: "two" }, labelled("uses", uses), labelled("hours", long))], [el("button", { class: "primary" }, t("makeLink"))], async () => {
    const made = await line.ask("invite", { room: field.value, uses: Number(uses.value), seconds: Number(long.value), page: location.origin });
    body.replaceWith(el("div", { class: "invited" }, qr(made.qr), copied("forPage", made.page), copied("forTerminal", made.link), el("p", { class: "lead" }, t("until", { time: when(made.expires), n: made.uses }))));
    node.querySelector(".invited input").focus();
  });
  field.autofocus = true;
  const node = dialog(t("invite"), el("p", { class: "lead" }, t("inviteLead")), body);
}
