// The page's parts, and what is shown around a conversation: its head, the state of the connection.
// Whoever extends it does what the parts ask for, each by the name of a method.

import { plain } from "./bidi.js";
import { Composer } from "./composer.js";
import { announce, avatar, clear, el, icon, iconButton } from "./dom.js";
import { Feed } from "./feed.js";
import { t, why } from "./i18n.js";
import { Notifier } from "./notify.js";
import { Panel } from "./panel.js";
import { Sidebar } from "./sidebar.js";

const MOST_TOASTS = 4;
const NARROW = 700; // as in app.css

export class Frame {
  constructor(root, chat, settings) {
    Object.assign(this, { root, chat, settings });
    const act = (what, ...values) => this[what](...values);
    this.sidebar = new Sidebar(chat, act);
    this.feed = new Feed(chat, act);
    this.composer = new Composer(chat, act);
    this.panels = new Panel(chat, act);
    this.notifier = new Notifier(chat, settings, act);
    this.head = el("header", { class: "head" });
    this.banner = el("div", { class: "banner", role: "status", hidden: true });
    this.nothing = el("div", { class: "nothing", hidden: true });
    this.toasts = el("div", { class: "toasts" });
    this.veil = el("div", { class: "veil", onclick: () => this.menu(false) });
    this.middle = el(
      "main",
      { class: "middle" },
      this.head,
      this.banner,
      this.feed.node,
      this.nothing,
      el("div", { class: "below" }, this.feed.typing, this.composer.node),
    );
    this.shell = el(
      "div",
      { class: "shell" },
      this.sidebar.node,
      this.veil,
      this.middle,
      this.panels.node,
      this.toasts,
    );
    clear(root, this.shell);
    addEventListener("resize", () => this.cover());
  }

  // What something lies over can't be reached by keys, nor be read.
  cover() {
    const drawer = this.shell.classList.contains("drawer") && innerWidth < NARROW;
    this.middle.inert = drawer || (Boolean(this.panels.what) && innerWidth < NARROW);
    this.panels.node.inert = drawer;
  }

  // Drawn anew, with the focus where it was.
  drawHead() {
    const buttons = () => [...this.head.querySelectorAll("button")];
    const at = buttons().indexOf(document.activeElement);
    this.fillHead();
    if (at >= 0) buttons()[at]?.focus({ preventScroll: true });
  }

  fillHead() {
    const talk = this.chat.current;
    const menu = iconButton("menu", t("menu"), () => this.menu(true), {
      class: "ib narrow",
      "aria-controls": "side",
    });
    if (!talk) {
      clear(this.head, menu, el("h1", {}, t("app")));
      this.composer.node.hidden = true;
      this.nothing.hidden = this.chat.talks.size === 0 && !this.chat.online;
      this.feed.node.hidden = !this.nothing.hidden;
      clear(
        this.nothing,
        el(
          "div",
          { class: "hint" },
          icon("chat"),
          el("b", {}, t("emptyTitle")),
          el("p", {}, t("emptyLead")),
        ),
      );
      document.title = t("app");
      return;
    }
    this.composer.node.hidden = false;
    this.feed.node.hidden = false;
    this.nothing.hidden = true;
    const count = talk.members.size;
    const topic = talk.isRoom
      ? el(
          "button",
          {
            type: "button",
            class: "topic",
            title: plain(talk.topic) || t("setTopic"),
            onclick: () => this.topic(),
          },
          plain(talk.topic) || t("setTopic"),
        )
      : el("span", { class: "topic" }, t("newPrivateLead"));
    clear(
      this.head,
      menu,
      talk.isRoom ? icon(talk.private ? "lock" : "hash") : avatar(talk.name, "tiny"),
      talk.private ? el("span", { class: "hidden" }, t("privateRoom")) : null,
      el("div", { class: "titles" }, el("h1", {}, plain(talk.name)), topic),
      talk.private ? iconButton("plus", t("inviteSomebody"), () => this.invite()) : null,
      iconButton("search", t("search"), () => this.panels.open("search"), {
        "aria-pressed": String(this.panels.what === "search"),
      }),
      talk.isRoom
        ? el(
            "button",
            {
              type: "button",
              class: "ib wide",
              "aria-label": count ? `${t("members")}: ${count}` : t("members"),
              title: t("members"),
              "aria-pressed": String(this.panels.what === "members"),
              onclick: () => this.panels.open("members"),
            },
            icon("people"),
            count ? el("span", {}, String(count)) : null,
          )
        : null,
      iconButton(talk.isRoom ? "leave" : "close", t(talk.isRoom ? "leaveRoom" : "hidePeer"), () =>
        this.leave(),
      ),
    );
  }

  drawState() {
    const { chat } = this;
    const waits = chat.outbox.waiting;
    const lost = chat.net !== "open";
    clearTimeout(this.bannerTimer);
    if (chat.online) {
      if (!this.banner.hidden) announce(t("back"));
      this.banner.hidden = true;
      return;
    }
    const show = () => {
      if (chat.online) return;
      const text =
        !navigator.onLine || this.everOnline
          ? lost
            ? t("offline")
            : t("brokerGone")
          : t("connecting");
      this.banner.hidden = false;
      clear(
        this.banner,
        icon("warn"),
        el(
          "span",
          {},
          text,
          waits ? el("b", {}, ` ${t("queued", { n: chat.outbox.waiting })}.`) : null,
        ),
        lost
          ? el(
              "button",
              { type: "button", class: "link", onclick: () => chat.wire.hurry() },
              t("tryNow"),
            )
          : null,
      );
    };
    if (this.banner.hidden) this.bannerTimer = setTimeout(show, 700);
    else show();
    this.everOnline ||= chat.epoch !== "";
  }

  panel() {
    this.shell.classList.toggle("paneled", Boolean(this.panels.what));
    this.cover();
    this.drawHead();
  }

  menu(open) {
    this.shell.classList.toggle("drawer", open);
    this.cover();
    if (open)
      (
        this.sidebar.node.querySelector('.talk[tabindex="0"]') ??
        this.sidebar.node.querySelector("button")
      ).focus();
    else if (this.sidebar.node.contains(document.activeElement)) this.compose();
  }

  // A line above all else. `deed` is what a button says, and does; `lasting`: until it is closed, or
  // one is in the `room` that it asks one to.
  toast(text, { deed = null, lasting = false, urgent = false, room } = {}) {
    const [label, run] = deed || [];
    const close = () => {
      if (node.contains(document.activeElement)) this.compose();
      node.remove();
    };
    const act = () => {
      close();
      run();
    };
    const node = el(
      "div",
      { class: lasting ? "toast lasting" : "toast", "data-room": room },
      el("span", {}, text),
      deed ? el("button", { type: "button", class: "link", onclick: act }, label) : null,
      iconButton("close", t("close"), close),
    );
    this.toasts.append(node);
    while (this.toasts.children.length > MOST_TOASTS) this.toasts.firstElementChild.remove();
    announce(text, urgent);
    if (!lasting) setTimeout(close, 6000);
  }

  fault(error) {
    this.toast(t("errUnknown", { why: why(error) }));
  }

  language() {
    this.sidebar.draw();
    this.drawHead();
    this.drawState();
    this.composer.label();
    this.composer.showAbout();
    this.feed.renamed();
    this.panels.again();
  }
}
