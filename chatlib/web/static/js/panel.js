// Beside the conversation: what a search found, or who is here.

import { plain } from "./bidi.js";
import { announce, clear, el, icon, iconButton, roving } from "./dom.js";
import { clockTime, shortDate, t, why } from "./i18n.js";
import { People } from "./people.js";
import { summary } from "./text.js";

export class Panel {
  constructor(chat, act) {
    this.chat = chat;
    this.act = act;
    this.what = "";
    this.node = el("aside", { class: "panel", hidden: true });
    this.people = new People(chat, act);
    this.node.addEventListener(
      "keydown",
      (event) => event.key === "Escape" && (event.stopPropagation(), this.close()),
    );
  }

  head(title) {
    this.node.setAttribute("aria-label", title);
    return el(
      "div",
      { class: "phead" },
      el("h2", { tabindex: "-1" }, title),
      iconButton("close", t("close"), () => this.close()),
    );
  }

  open(what) {
    if (this.what === what) return this.close();
    this.what = what;
    this.node.hidden = false;
    this.act("panel");
    this.people.hide();
    if (what === "search") this.search();
    else this.members();
  }

  members() {
    clear(this.node, this.head(t("members")), this.people.node);
    this.node.querySelector("h2").focus(); // where one is; who is there comes when it is known
    this.people.show(this.chat.current);
  }

  // Another conversation is open.
  follow(talk) {
    if (this.what === "members" && talk.isRoom) this.people.show(talk);
    else if (this.what === "members") this.close();
  }

  close() {
    this.what = "";
    this.people.hide();
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
          this.hint("search", t("searchNone", { words: words || from }), t("searchNoneLead")),
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
}
