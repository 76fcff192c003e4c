// Beside the conversation: what a search found, or who is here.

import { announce, avatar, clear, el, icon, iconButton, roving } from "./dom.js";
import { clockTime, shortDate, t, why } from "./i18n.js";
import { plain, summary } from "./text.js";

export class Panel {
  constructor(chat, act) {
    this.chat = chat;
    this.act = act;
    this.what = "";
    this.node = el("aside", { class: "panel", hidden: true });
    this.node.addEventListener(
      "keydown",
      (event) => event.key === "Escape" && (event.stopPropagation(), this.close()),
    );
    chat.on(
      "items",
      (talk, fresh) =>
        this.what === "members" &&
        talk === chat.current &&
        fresh?.some((event) => ["join", "leave", "nick", "role"].includes(event.kind)) &&
        this.fillMembers(),
    );
  }

  head(title) {
    this.node.setAttribute("aria-label", title);
    return el(
      "div",
      { class: "phead" },
      el("h2", {}, title),
      iconButton("close", t("close"), () => this.close()),
    );
  }

  open(what) {
    if (this.what === what) return this.close();
    this.what = what;
    this.node.hidden = false;
    this.act("panel");
    if (what === "search") this.search();
    else this.members();
  }

  close() {
    this.what = "";
    this.node.hidden = true;
    clear(this.node);
    this.act("panel");
    this.act("compose");
  }

  again() {
    const { what } = this;
    if (what) {
      this.what = "";
      this.open(what);
    }
  }

  // -- search ---------------------------------------------------------------------------------

  search() {
    this.words = el("input", {
      type: "search",
      placeholder: t("searchPlaceholder"),
      "aria-label": t("search"),
      autocomplete: "off",
      spellcheck: "false",
    });
    this.from = el("input", {
      type: "text",
      placeholder: t("searchFrom"),
      "aria-label": t("searchFrom"),
      autocomplete: "off",
    });
    this.here = el("input", { type: "checkbox" });
    this.found = el("div", { class: "found" }, this.hint("search", t("searchLead")));
    roving(this.found, ".hit");
    const form = el(
      "form",
      {
        class: "find",
        role: "search",
        onsubmit: (event) => {
          event.preventDefault();
          this.look();
        },
      },
      el("div", { class: "field" }, icon("search"), this.words),
      this.from,
      this.chat.current?.isRoom
        ? el("label", { class: "check" }, this.here, el("span", {}, t("searchHere")))
        : null,
      el("button", { class: "hidden", tabindex: "-1" }, t("search")),
    );
    form.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.look(), 350);
    });
    clear(this.node, this.head(t("search")), form, this.found);
    this.words.focus();
  }

  hint(name, title, lead = "") {
    return el(
      "div",
      { class: "hint" },
      icon(name),
      el("b", {}, title),
      lead ? el("p", {}, lead) : null,
    );
  }

  async look(below) {
    const words = this.words.value.trim();
    const from = this.from.value.trim();
    const asked = (this.asked = `${words}\n${from}\n${this.here.checked}`);
    if (!words && !from) return clear(this.found, this.hint("search", t("searchLead")));
    try {
      const room =
        this.here.checked && this.chat.current?.isRoom ? this.chat.current.name : undefined;
      const answer = await this.chat.wire.ask("search", {
        words: words || undefined,
        from: from || undefined,
        room,
        below,
        limit: 30,
      });
      if (asked !== this.asked || this.what !== "search") return;
      if (!below) clear(this.found);
      this.found.querySelector(".more")?.remove();
      if (!answer.events.length && !below) {
        clear(
          this.found,
          this.hint(
            "search",
            t("searchNone", { words: plain(words || from) }),
            t("searchNoneLead"),
          ),
        );
        announce(t("searchNone", { words }));
        return;
      }
      const had = this.found.querySelectorAll(".hit").length;
      this.found.append(...answer.events.reverse().map((event, i) => this.hit(event, !had && !i)));
      announce(t("found", { n: this.found.querySelectorAll(".hit").length }));
      if (answer.more)
        this.found.append(
          el(
            "button",
            {
              type: "button",
              class: "more quiet",
              onclick: () => this.look(answer.events.at(-1).seq),
            },
            t("searchMore"),
          ),
        );
      if (!answer.complete && !below)
        this.found.append(el("p", { class: "part" }, t("searchPart")));
    } catch (error) {
      if (asked === this.asked) clear(this.found, this.hint("warn", why(error)));
    }
  }

  hit(event, first) {
    const mine = this.chat.isMe({ author: event.user ?? event.sid });
    const place = event.room ? `#${event.room}` : mine ? event.to : event.nick;
    const at = Date.parse(event.at);
    return el(
      "button",
      {
        type: "button",
        class: "hit",
        tabindex: first ? "0" : "-1",
        onclick: () => this.act("goTo", event),
      },
      el(
        "span",
        { class: "where" },
        el("b", {}, plain(event.nick)),
        el("span", {}, plain(place)),
        el("time", { datetime: event.at }, `${shortDate(at)}, ${clockTime(at)}`),
      ),
      el("span", { class: "said" }, summary(event.text ?? "")),
    );
  }

  // -- people ---------------------------------------------------------------------------------

  async members() {
    clear(
      this.node,
      this.head(t("members")),
      (this.list = el("div", { class: "people" }, el("p", { class: "part" }, t("loading")))),
    );
    roving(this.list, ".person");
    const talk = this.chat.current;
    try {
      this.all = await this.chat.who(talk);
      this.roles = new Map();
      if (talk.isRoom)
        for (const { nick, role } of (await this.chat.wire.ask("roles", { room: talk.name })).roles)
          this.roles.set(nick, role);
    } catch (error) {
      if (this.what === "members") clear(this.list, this.hint("warn", why(error)));
      return;
    }
    if (this.what === "members" && talk === this.chat.current) this.fillMembers();
  }

  fillMembers() {
    const talk = this.chat.current;
    const all = [...(talk.isRoom ? talk.members : (this.all ?? new Map())).values()].sort((a, b) =>
      a.nick.localeCompare(b.nick),
    );
    clear(
      this.list,
      all.length
        ? all.map((member, i) =>
            el(
              "button",
              {
                type: "button",
                class: "person",
                tabindex: i ? "-1" : "0",
                onclick: () => this.act("person", member.nick),
              },
              avatar(member.nick),
              el("span", { class: "name" }, plain(member.nick)),
              member.nick === this.chat.me.nick ? el("span", { class: "tag" }, t("you")) : null,
              member.bot ? el("span", { class: "tag" }, t("bot")) : null,
              this.roles?.get(member.nick)
                ? el("span", { class: "role" }, t(this.roles.get(member.nick)))
                : null,
            ),
          )
        : this.hint("people", t("nobody")),
    );
  }
}
