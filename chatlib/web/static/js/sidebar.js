// The conversations: rooms and private ones, with what is unread.

import { plain } from "./bidi.js";
import { avatar, clear, el, icon, iconButton, roving } from "./dom.js";
import { lang, t } from "./i18n.js";

export class Sidebar {
  constructor(chat, act) {
    this.chat = chat;
    this.act = act;
    this.node = el("nav", { class: "side", id: "side" });
    roving(this.node, ".talk");
    for (const name of ["talks", "unread", "state", "online"]) chat.on(name, () => this.later());
    this.node.addEventListener("click", (event) => {
      const key = event.target.closest(".talk")?.dataset.key;
      if (key) this.act("go", this.chat.talks.get(key));
    });
    this.draw();
  }

  later() {
    this.frame ??= setTimeout(() => {
      this.frame = undefined;
      this.draw();
    }, 30);
  }

  get rooms() {
    return [...this.chat.talks.values()]
      .filter((talk) => talk.isRoom)
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  get peers() {
    return [...this.chat.talks.values()]
      .filter((talk) => !talk.isRoom)
      .sort((a, b) => b.last - a.last || a.name.localeCompare(b.name));
  }

  get order() {
    return [...this.rooms, ...this.peers];
  }

  // Only what has changed: who reads the list, or points at it, is not to lose the place.
  draw() {
    const shown = (talk) => [
      talk.key,
      talk.name,
      talk.private,
      talk.unread,
      talk.mentioned,
      talk === this.chat.current,
    ];
    const { me, online } = this.chat;
    const stamp = JSON.stringify([lang(), me.nick, online, ...this.order.map(shown)]);
    if (stamp === this.stamp) return;
    this.stamp = stamp;
    this.fill();
  }

  fill() {
    const focused = this.node.contains(document.activeElement)
      ? (document.activeElement.dataset.id ?? document.activeElement.dataset.key)
      : null;
    const scroll = this.lists?.scrollTop ?? 0;
    this.node.setAttribute("aria-label", t("conversations"));
    const { me } = this.chat;
    this.lists = el(
      "div",
      { class: "lists" },
      this.part(
        "rooms",
        this.rooms,
        iconButton("plus", t("browse"), () => this.act("browse"), { "data-id": "browse" }),
      ),
      this.part(
        "people",
        this.peers,
        iconButton("plus", t("newPrivate"), () => this.act("newPrivate"), { "data-id": "private" }),
      ),
    );
    clear(
      this.node,
      el(
        "div",
        { class: "brand" },
        el("img", { src: "static/icon.svg", alt: "", width: "26", height: "26" }),
        el("span", {}, t("app")),
        iconButton("close", t("close"), () => this.act("menu", false), {
          class: "ib narrow",
          "data-id": "close",
        }),
      ),
      el(
        "button",
        { type: "button", class: "quick", "data-id": "quick", onclick: () => this.act("quick") },
        icon("search"),
        el("span", {}, t("quick")),
        el("kbd", { "aria-hidden": "true" }, "Ctrl K"),
      ),
      this.lists,
      el(
        "div",
        { class: "self" },
        avatar(me.nick || "?"),
        el(
          "div",
          { class: "who" },
          el("b", {}, plain(me.nick)),
          el(
            "span",
            { class: this.chat.online ? "on" : "off" },
            this.chat.online ? t("me") : t("connecting"),
          ),
        ),
        iconButton("keys", t("shortcuts"), () => this.act("keys"), { "data-id": "keys" }),
        iconButton("gear", t("settings"), () => this.act("settingsOpen"), { "data-id": "gear" }),
      ),
    );
    this.lists.scrollTop = scroll;
    if (focused)
      [...this.node.querySelectorAll("[data-id], [data-key]")]
        .find((node) => (node.dataset.id ?? node.dataset.key) === focused)
        ?.focus({ preventScroll: true });
  }

  part(name, talks, button) {
    const id = `h-${name}`;
    return el(
      "section",
      { "aria-labelledby": id },
      el("div", { class: "heading" }, el("h2", { id }, t(name)), button),
      talks.length
        ? el(
            "ul",
            {},
            talks.map((talk, i) => el("li", {}, this.item(talk, i))),
          )
        : el("p", { class: "none" }, t(name === "rooms" ? "noRoomsYet" : "noPrivate")),
    );
  }

  item(talk, i) {
    const open = talk === this.chat.current;
    const waits = talk.unread > 0 && !open;
    const count = talk.unread > 99 ? "99+" : String(talk.unread);
    const inList = this.chat.current && this.chat.talks.has(this.chat.current.key);
    const first = !inList && talk === this.order[0];
    return el(
      "button",
      {
        type: "button",
        class: `talk${open ? " open" : ""}${waits ? " waits" : ""}`,
        "data-key": talk.key,
        "aria-current": open ? "true" : undefined,
        tabindex: open || first ? "0" : "-1",
        "data-i": String(i),
      },
      talk.isRoom ? icon(talk.private ? "lock" : "hash") : avatar(talk.name, "tiny"),
      talk.private ? el("span", { class: "hidden" }, t("privateRoom")) : null,
      el("span", { class: "name" }, plain(talk.name)),
      waits
        ? el(
            "span",
            {
              class: talk.mentioned || !talk.isRoom ? "badge call" : "badge",
              "aria-label": t("unread", { n: talk.unread }),
            },
            count,
          )
        : null,
    );
  }
}
