// What one may do to somebody in a room, as items of a menu; and what is asked before it harms.

import { choice, form, lead } from "./dialogs.js";
import { el } from "./dom.js";
import { t } from "./i18n.js";
import { nickKey } from "./store.js";

const SPANS = [600, 3600, 86400, 0]; // seconds; 0 is without an end
const ROLES = { owner: "star", moderator: "star", member: "person" };

export function deeds(chat, talk, nick, act) {
  const { rights } = talk;
  const mine = nickKey(nick) === nickKey(chat.me.nick);
  const write = { icon: "chat", text: t("privateOther", { nick }), run: () => act("person", nick) };
  if (mine) return rights.moderates(nick) ? [giveUp(chat, talk)] : [];
  if (!rights.over(chat.me.nick, nick)) return [write];
  const found = [write, null, silence(chat, talk, nick, act)];
  if (here(talk, nick)) found.push(putOut(chat, talk, nick, "kick"));
  if (!rights.bans.has(nickKey(nick))) found.push(putOut(chat, talk, nick, "ban"));
  if (rights.owns(chat.me.nick)) found.push(null, ...roles(chat, talk, nick, act));
  return found;
}

const here = (talk, nick) =>
  [...talk.members.values()].some((member) => nickKey(member.nick) === nickKey(nick));

function silence(chat, talk, nick, act) {
  const room = talk.name;
  if (talk.rights.muted(nick)) {
    const run = () => act("attempt", chat.ask("unmute", { room, nick }));
    return { icon: "chat", text: t("unmute"), run };
  }
  let seconds = SPANS[0];
  const take = (key) => {
    seconds = Number(key);
  };
  const options = SPANS.map((span) => [String(span), t(`span${span}`)]);
  const mute = () => chat.ask("mute", { room, nick, ...(seconds ? { seconds } : {}) });
  const run = () =>
    form(
      t("muteAsk", { nick }),
      [lead(t("muteLead", { room })), choice("span", t("howLong"), options, "600", take)],
      t("mute"),
      mute,
      { harms: true },
    );
  return { icon: "silence", text: `${t("mute")} …`, harms: true, run };
}

// A kick, or a ban: the same question.
function putOut(chat, talk, nick, op) {
  const room = talk.name;
  const field = () =>
    el("input", { type: "text", maxlength: "200", autocomplete: "off", name: "reason" });
  const run = () => {
    const reason = field();
    form(
      t(`${op}Ask`, { nick, room }),
      [
        lead(t(talk.private && op === "kick" ? "kickLeadPrivate" : `${op}Lead`, { nick })),
        el("label", { class: "labelled" }, el("span", {}, t("reason")), reason),
      ],
      t(op),
      () => chat.ask(op, { room, nick, reason: reason.value.trim() || undefined }),
      { harms: true },
    );
  };
  return { icon: op === "kick" ? "leave" : "ban", text: `${t(op)} …`, harms: true, run };
}

function roles(chat, talk, nick, act) {
  const now = talk.rights.role(nick);
  const give = (role) => chat.ask("role", { room: talk.name, nick, role });
  return Object.entries(ROLES)
    .filter(([role]) => role !== now)
    .map(([role, icon]) => {
      const text = t(`make_${role}`);
      if (role === "moderator" && now === "member")
        return { icon, text, run: () => act("attempt", give(role)) };
      const content = [lead(t(`make_${role}Lead`, { nick, room: talk.name }))];
      const run = () =>
        form(t("roleAsk", { nick }), content, text, () => give(role), { harms: true });
      return { icon, text: `${text} …`, run };
    });
}

function giveUp(chat, talk) {
  const { nick } = chat.me;
  const give = () => chat.ask("role", { room: talk.name, nick, role: "member" });
  const content = [lead(t("giveUpLead", { room: talk.name }))];
  const run = () => form(t("giveUp"), content, t("giveUp"), give, { harms: true });
  return { icon: "person", text: `${t("giveUp")} …`, run };
}
