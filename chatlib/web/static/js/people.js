// Who is in a room, with roles; and for its moderators, who is kept out of it or silent.

import { plain } from "./bidi.js";
import { avatar, clear, el, icon, roving } from "./dom.js";
import { moment, shortDate, t, why } from "./i18n.js";
import { nickKey } from "./store.js";

export class People {
  constructor(chat, act) {
    Object.assign(this, { chat, act });
    this.list = el("ul", { class: "folk" });
    this.out = el("section", { class: "out", "aria-labelledby": "outhead", hidden: true });
    this.node = el("div", { class: "people" });
    roving(this.list, ".person");
    chat.on("rights", (talk) => talk === this.talk && this.fill());
    chat.on("items", (talk, fresh) => {
      const moved = fresh?.some((event) => ["join", "leave", "nick"].includes(event.kind));
      if (talk === this.talk && moved) this.fill();
    });
  }

  async show(talk) {
    this.talk = talk;
    clear(this.node, el("p", { class: "part" }, t("loading")));
    try {
      await this.chat.lookUp(talk);
    } catch (error) {
      if (this.talk === talk)
        clear(this.node, el("div", { class: "hint" }, icon("warn"), el("b", {}, why(error))));
    }
  }

  hide() {
    this.talk = null;
  }

  fill() {
    const focused = this.node.contains(document.activeElement)
      ? document.activeElement.dataset
      : null;
    const all = [...this.talk.members].sort(([, a], [, b]) => a.nick.localeCompare(b.nick));
    const at = Math.max(
      0,
      all.findIndex(([, { nick }]) => nick === focused?.nick),
    );
    clear(
      this.list,
      all.map(([author, member], i) => el("li", {}, this.person(author, member, i === at))),
    );
    this.fillOut();
    clear(this.node, all.length ? this.list : el("p", { class: "part" }, t("nobody")), this.out);
    if (focused) this.refocus(focused);
  }

  // Where the button that had the focus is gone, the next best thing in the panel.
  refocus({ nick, lift }) {
    const buttons = [...this.node.querySelectorAll("button")];
    const same = buttons.find((one) => one.dataset.nick === nick && one.dataset.lift === lift);
    const others = lift ? this.out.querySelector("button") : null;
    (same ?? others ?? this.list.querySelector('[tabindex="0"]'))?.focus({ preventScroll: true });
  }

  person(author, { nick, bot }, first) {
    const { rights } = this.talk;
    const tag = (text) => el("span", { class: "tag" }, text);
    const mute = rights.muted(nick);
    const role = rights.role(nick);
    return el(
      "button",
      {
        type: "button",
        class: "person",
        "data-nick": nick,
        tabindex: first ? "0" : "-1",
        "aria-haspopup": rights.moderates(this.chat.me.nick) ? "menu" : undefined,
        onclick: (event) => this.chosen({ author, nick }, event.currentTarget),
      },
      avatar(nick),
      el("span", { class: "name" }, plain(nick)),
      nickKey(nick) === nickKey(this.chat.me.nick) ? tag(t("you")) : null,
      bot ? tag(t("bot")) : null,
      mute ? tag(t("mutedTag")) : null,
      role === "member" ? null : el("span", { class: "role" }, t(role)),
    );
  }

  // Who may do nothing to anybody goes where the name leads.
  chosen(whom, button) {
    const back = () =>
      [...this.list.querySelectorAll(".person")].find((one) => one.dataset.nick === whom.nick);
    if (!this.talk.rights.moderates(this.chat.me.nick)) this.act("person", whom.nick);
    else this.act("name", whom, button.getBoundingClientRect(), back);
  }

  // -- kept out, and silent -------------------------------------------------------------------

  fillOut() {
    const { rights, members } = this.talk;
    const here = new Set([...members.values()].map(({ nick }) => nickKey(nick)));
    const away = [...rights.mutes].filter(
      ([key, { nick }]) => !here.has(key) && rights.muted(nick),
    );
    this.out.hidden = !rights.moderates(this.chat.me.nick) || !(rights.bans.size + away.length);
    clear(
      this.out,
      el("h3", { id: "outhead" }, t("keptOut")),
      el(
        "ul",
        {},
        [...rights.bans.values()].map((ban) => this.banned(ban)),
        away.map(([, mute]) => this.muted(mute)),
      ),
    );
  }

  banned({ who, at, reason }) {
    const since = t("bannedSince", { date: shortDate(Date.parse(at)) });
    const lift = { op: "unban", fields: { who }, label: t("liftBan", { nick: who }) };
    return this.kept(who, reason ? `${since}${t("because", { text: reason })}` : since, lift);
  }

  muted({ nick, until }) {
    const text = until ? t("mutedUntil", { time: moment(Date.parse(until)) }) : t("mutedTag");
    return this.kept(nick, text, {
      op: "unmute",
      fields: { nick },
      label: `${t("unmute")}: ${nick}`,
    });
  }

  kept(nick, text, { op, fields, label }) {
    const room = this.talk.name;
    return el(
      "li",
      {},
      avatar(nick),
      el(
        "span",
        { class: "texts" },
        el("span", { class: "name" }, plain(nick)),
        el("span", { class: "more", title: plain(text) }, text),
      ),
      el(
        "button",
        {
          type: "button",
          class: "quiet",
          "data-nick": nick,
          "data-lift": op,
          "aria-label": label,
          onclick: () => this.act("attempt", this.chat.ask(op, { room, ...fields })),
        },
        t("lift"),
      ),
    );
  }
}
