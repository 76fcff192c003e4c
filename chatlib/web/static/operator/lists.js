// Lists in dialogs, each entry with a button that takes it back: bans, invitations, and of a room
// who is muted there and who is banned from it.

import { el } from "../js/dom.js";
import { dialog } from "../js/dialogs.js";
import { banAddress } from "./deeds.js";
import { action, asked, deed, facts, form, labelled, reason, said } from "./forms.js";
import { number, t, when } from "./words.js";

// Entries of [name, what is told of it, undo]; where there is none (any more), `none` says so.
function undoable(entries, word, none) {
  const box = el("div", { class: "entries", tabindex: "-1" });
  const nothing = () => box.replaceChildren(el("p", { class: "soft" }, t(none)));
  const rows = entries.map(([name, told, undo]) => {
    const button = action(word, "quiet", async () => {
      button.disabled = true;
      if (await undo()) {
        row.remove();
        said(t("done", { what: `${t(word)}: ${name}` }));
        if (!list.childElementCount) nothing();
        box.focus();
      }
      button.disabled = false;
    });
    button.setAttribute("aria-label", `${t(word)}: ${name}`);
    const row = el("li", {}, el("div", {}, el("b", {}, name), el("small", {}, told)), button);
    return row;
  });
  const list = el("ul", { class: "list" }, ...rows);
  if (rows.length) box.append(list);
  else nothing();
  return box;
}

const banned = ({ at, reason: why }) => [t("since", { time: when(at) }), why].filter(Boolean).join(" · ");

export async function bans(line) {
  const found = await asked(line, "bans");
  if (!found) return;
  const entries = found.bans.map((one) => [one.who, banned(one), () => asked(line, "unban", { who: one.who })]);
  const node = dialog(t("bans"), undoable(entries, "lift", "noBans"), found.more ? el("p", { class: "soft" }, t("moreBans")) : "",
    el("div", { class: "buttons" }, action("banAddress", "danger ghosted", () => { node.close(); banAddress(line); })));
}

export async function invitations(line) {
  const found = await asked(line, "invitations");
  if (!found) return;
  const entries = found.invitations.map((one) => [`#${one.room}`, t("left", { n: one.uses, time: when(one.expires) }), () => asked(line, "uninvite", { invitation: one.invitation })]);
  dialog(t("invitations"), undoable(entries, "takeBack", "noInvitations"));
}

// A room: who is muted and banned there, and closing it. Of a private one nobody is told who that is.
export async function room(line, { room: name, members, events, closed, private: hidden }) {
  const known = hidden ? null : await asked(line, "roles", { room: name });
  if (!hidden && !known) return;
  const lists = hidden ? [el("p", { class: "soft" }, t("privateLists")), unbanByName(line, name)] : [
    el("h3", {}, t("mutedHere")), undoable(known.mutes.map((one) => [one.nick, one.until ? t("untilTime", { time: when(one.until) }) : t("forever"), () => asked(line, "unmute", { room: name, nick: one.nick })]), "unmuteDo", "nobodyMuted"),
    el("h3", {}, t("bannedHere")), undoable(known.bans.map((one) => [one.who, banned(one), () => asked(line, "unban", { room: name, who: one.who })]), "lift", "nobodyBanned"),
  ];
  const node = dialog(`#${name}`, facts([["members", number(members)], ["events", number(events)]]), el("div", { class: "entries sides" }, ...lists),
    el("div", { class: "buttons" }, closed ? action("reopenRoom", "primary", () => { node.close(); reopen(line, name); }) : action("closeRoom", "danger", () => { node.close(); close(line, name); })));
}

function unbanByName(line, name) {
  const nick = el("input", { type: "text", maxlength: 32, required: true, autocomplete: "off", spellcheck: "false" });
  return form([labelled("nick", nick)], [el("button", { class: "quiet" }, t("liftBan"))], async () => {
    await line.ask("unban", { room: name, who: nick.value });
    said(t("done", { what: `${t("liftBan")}: ${nick.value}` }));
    nick.value = "";
  });
}

function close(line, name) {
  const text = reason();
  deed(`${t("closeRoom")}: #${name}`, t("closeLead"), [labelled("reason", text)], t("closeDo"), () => line.ask("close", { room: name, reason: text.value }));
}

function reopen(line, name) {
  deed(`${t("reopenRoom")}: #${name}`, t("reopenLead"), [], t("reopenRoom"), () => line.ask("reopen", { room: name }), { bad: false });
}
