// The chat page: puts the parts together, and does what they ask for.

import { Composer } from "./composer.js";
import * as dialogs from "./dialogs.js";
import { announce, avatar, clear, el, icon, iconButton } from "./dom.js";
import { Feed } from "./feed.js";
import { t, why } from "./i18n.js";
import { Notifier } from "./notify.js";
import { Panel } from "./panel.js";
import { Sidebar } from "./sidebar.js";
import { peerKey, roomKey } from "./store.js";
import { plain } from "./text.js";

const FIRST_ROOM = "lobby";

export class App {
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
    this.middle = el("main", { class: "middle" }, this.head, this.banner, this.feed.node, this.nothing, el("div", { class: "below" }, this.feed.typing, this.composer.node));
    this.shell = el("div", { class: "shell" }, this.sidebar.node, this.veil, this.middle, this.panels.node, this.toasts);
    clear(root, this.shell);
    this.listen();
    this.drawHead();
    this.drawState();
  }

  listen() {
    const { chat } = this;
    chat.on("online", () => this.arrive());
    chat.on("state", () => this.drawState());
    chat.on("outbox", (talk, entry) => {
      if (talk) this.feed.settle(talk, entry);
      this.drawState();
      if (entry.error) announce(t("notSent", { why: why(entry.error) }), true);
    });
    chat.on("talks", () => this.drawHead());
    chat.on("items", (talk, fresh) => talk === chat.current && fresh?.some((event) => ["join", "leave", "topic"].includes(event.kind)) && this.drawHead());
    chat.on("left", (talk, reason) => this.gone(talk, reason));
    chat.on("invited", (event) => this.invitedTo(event));
    chat.on("epoch", () => this.toast(t("epoch")));
    addEventListener("keydown", (event) => this.keyed(event));
    this.drops();
  }

  // -- coming and going -----------------------------------------------------------------------

  async arrive() {
    const { chat } = this;
    try {
      if (this.wanted !== undefined || ![...chat.talks.values()].some((talk) => talk.isRoom)) {
        const room = this.wanted || FIRST_ROOM;
        this.wanted = undefined;
        const talk = await chat.open(room);
        this.go(talk);
        return;
      }
    } catch (error) {
      this.fault(error);
    }
    if (!chat.current || !chat.talks.has(chat.current.key)) {
      const last = chat.talks.get(this.settings.get("last", "")) ?? this.sidebar.order[0];
      if (last) this.go(last);
    } else if (!chat.current.loaded) {
      this.load(chat.current);
    }
  }

  async go(talk, around = 0) {
    const { chat } = this;
    this.menu(false);
    if (chat.current !== talk) {
      chat.current = talk;
      this.settings.set("last", talk.key);
      this.drawHead();
      this.composer.show(talk);
      this.feed.show(talk);
      if (this.panels.what === "members") { this.panels.what = ""; this.panels.open("members"); }
    }
    this.nothing.hidden = true;
    this.drawHead();
    this.sidebar.later();
    if (!around && matchMedia("(pointer: fine)").matches) this.composer.focus();
    await this.load(talk, around);
  }

  async load(talk, around = 0) {
    const { chat, feed } = this;
    try {
      if (around) await feed.jump(around);
      else if (!talk.loaded) {
        await chat.refreshed; // how far it was read
        await chat.load(talk);
        if (talk === chat.current) {
          feed.line();
          feed.toUnread();
        }
      }
      if (talk.isRoom && !talk.members.size) await chat.who(talk).then(() => talk === chat.current && (this.drawHead(), feed.redraw()));
    } catch (error) {
      if (error.code !== "unreachable") this.fault(error);
    }
  }

  gone(talk, reason) {
    if (this.chat.current !== talk) return;
    this.chat.current = null;
    this.feed.show(null);
    const next = this.sidebar.order[0];
    if (next) this.go(next);
    else this.drawHead();
    this.toast(reason ? why(reason) : plain(t("youLeft", { room: talk.name })));
  }

  invitedTo(event) {
    if (event.kind !== "invite") return;
    const room = event.room;
    this.toast(plain(t("invited", { nick: event.nick, room })), t("accept", { room }), () => this.enterRoom(room));
  }

  // -- what is shown around -------------------------------------------------------------------

  drawHead() {
    const talk = this.chat.current;
    const menu = iconButton("menu", t("menu"), () => this.menu(true), { class: "ib narrow", "aria-controls": "side" });
    if (!talk) {
      clear(this.head, menu, el("h1", {}, t("app")));
      this.composer.node.hidden = true;
      this.nothing.hidden = this.chat.talks.size === 0 && !this.chat.online;
      this.feed.node.hidden = !this.nothing.hidden;
      clear(this.nothing, el("div", { class: "hint" }, icon("chat"), el("b", {}, t("emptyTitle")), el("p", {}, t("emptyLead"))));
      document.title = t("app");
      return;
    }
    this.composer.node.hidden = false;
    this.feed.node.hidden = false;
    this.nothing.hidden = true;
    const count = talk.members.size;
    const topic = talk.isRoom ? el("button", { type: "button", class: "topic", title: plain(talk.topic) || t("setTopic"), onclick: () => this.topic() }, plain(talk.topic) || t("setTopic")) : el("span", { class: "topic" }, t("newPrivateLead"));
    clear(this.head, menu, talk.isRoom ? icon(talk.private ? "lock" : "hash") : avatar(talk.name, "tiny"),
      el("div", { class: "titles" }, el("h1", {}, plain(talk.name)), topic),
      iconButton("search", t("search"), () => this.panels.open("search"), { "aria-pressed": String(this.panels.what === "search") }),
      talk.isRoom ? el("button", { type: "button", class: "ib wide", "aria-label": t("members"), title: t("members"), "aria-pressed": String(this.panels.what === "members"), onclick: () => this.panels.open("members") }, icon("people"), count ? el("span", {}, String(count)) : null) : null,
      iconButton(talk.isRoom ? "leave" : "close", t(talk.isRoom ? "leaveRoom" : "hidePeer"), () => this.leave()));
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
      const text = !navigator.onLine || this.everOnline ? (lost ? t("offline") : t("brokerGone")) : t("connecting");
      this.banner.hidden = false;
      clear(this.banner, icon("warn"), el("span", {}, text, waits ? el("b", {}, ` ${t("queued", { n: chat.outbox.waiting })}.`) : null), lost ? el("button", { type: "button", class: "link", onclick: () => chat.wire.hurry() }, t("tryNow")) : null);
    };
    if (this.banner.hidden) this.bannerTimer = setTimeout(show, 700);
    else show();
    this.everOnline ||= chat.epoch !== "";
  }

  panel() {
    this.shell.classList.toggle("paneled", Boolean(this.panels.what));
    this.drawHead();
  }

  menu(open) {
    this.shell.classList.toggle("drawer", open);
    if (open) (this.sidebar.node.querySelector('.talk[tabindex="0"]') ?? this.sidebar.node.querySelector("button")).focus();
    else if (this.sidebar.node.contains(document.activeElement)) this.compose();
  }

  toast(text, label = "", then = null) {
    const node = el("div", { class: "toast", role: "status" }, el("span", {}, text), label ? el("button", { type: "button", class: "link", onclick: () => { node.remove(); then(); } }, plain(label)) : null, iconButton("close", t("close"), () => node.remove()));
    this.toasts.append(node);
    setTimeout(() => node.remove(), label ? 20000 : 6000);
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

  // -- messages -------------------------------------------------------------------------------

  compose() { this.composer.node.hidden || this.composer.focus(); }
  said() { this.feed.unreadAfter = 0; this.feed.toEnd().catch(() => {}); }
  reply(item) { this.composer.reply(item); }
  edit(item) { this.composer.edit(item); }
  react(item, sign) { if (this.feed.can(item).react) this.chat.say(this.chat.current, sign, { kind: "react", re: item.seq }); }
  pick(item, near) { dialogs.signs(near, (sign) => this.react(item, sign)); }
  retry(entry) { this.chat.outbox.retry(entry.key); }
  discard(entry) { this.chat.outbox.discard(entry.key); }
  feedKeys() { this.feed.scroller.focus(); }

  editLast() {
    const last = this.chat.current?.items.findLast((item) => item.spoken && !item.deleted && this.chat.isMe(item));
    if (last) this.edit(last);
  }

  async remove(item) {
    const talk = this.chat.current;
    if (await dialogs.ask(t("deleteAsk"), t("deleteLead"), t("remove"))) this.chat.say(talk, "", { kind: "delete", re: item.seq });
  }

  async copy(item) {
    await navigator.clipboard?.writeText(item.text);
    announce(t("copied"));
  }

  // -- places ---------------------------------------------------------------------------------

  quick() { dialogs.quick(this.chat, (...what) => this[what[0]](...what.slice(1))); }
  browse() { dialogs.browse(this.chat, (...what) => this[what[0]](...what.slice(1))); }
  newPrivate() { dialogs.newPrivate(this.chat, (...what) => this[what[0]](...what.slice(1))); }
  keys() { dialogs.keys(); }

  settingsOpen() { dialogs.settings(this.chat, this.settings, (what, ...values) => (what === "settings" ? this.settingsOpen() : this[what](...values))); }

  person(nick) {
    if (nick === this.chat.me.nick) return this.settingsOpen();
    const talk = this.chat.peer(nick);
    this.chat.emit("talks");
    return this.go(talk);
  }

  async enterRoom(name, create = null) {
    try {
      if (create?.private) await this.chat.ask("create", { room: name, private: true });
      const known = this.chat.talks.get(roomKey(name));
      this.go(known ?? await this.chat.open(name));
    } catch (error) {
      this.toast(plain(t("cantOpen", { name, why: why(error) })));
    }
  }

  async goTo(event) {
    const mine = this.chat.isMe({ author: event.user ?? event.sid });
    try {
      const talk = event.room ? this.chat.talks.get(roomKey(event.room)) ?? await this.chat.open(event.room) : this.chat.talks.get(peerKey(mine ? event.to : event.nick)) ?? this.chat.peer(mine ? event.to : event.nick);
      if (innerWidth < 1000) this.panels.close();
      await this.go(talk, event.seq);
    } catch (error) {
      this.fault(error);
    }
  }

  topic() {
    const talk = this.chat.current;
    dialogs.line(plain(t("setTopic")), t("topic"), talk.topic, 500, async (text) => {
      talk.topic = (await this.chat.ask("topic", { room: talk.name, text })).topic;
      this.drawHead();
    }, { empty: true });
  }

  rename() {
    dialogs.line(t("changeNick"), t("nickname"), this.chat.me.nick, 64, async (nick) => {
      const found = await this.chat.ask("nick", { nick });
      this.settings.set("nick", found.nick);
      announce(t("nickNow", { nick: found.nick }));
    });
  }

  async leave() {
    const talk = this.chat.current;
    if (!talk.isRoom) {
      this.chat.hidePeer(talk);
      this.chat.current = null;
      this.feed.show(null);
      const next = this.sidebar.order[0];
      if (next) this.go(next);
      else this.drawHead();
      return;
    }
    if (!await dialogs.ask(plain(t("leaveAsk", { name: talk.name })), t("leaveLead"), t("leave"))) return;
    await this.chat.leaveRoom(talk).catch((error) => this.fault(error));
  }

  async signOut() {
    if (!await dialogs.ask(t("signOutAsk"), t("signOutLead"), t("leave"))) return;
    await this.chat.signOut();
    location.reload();
  }

  // -- keys and drops -------------------------------------------------------------------------

  keyed(event) {
    if (document.querySelector("dialog[open]")) return;
    const control = event.ctrlKey || event.metaKey;
    const code = event.code;
    let done = true;
    if (control && !event.shiftKey && !event.altKey && code === "KeyK") this.quick();
    else if (control && event.shiftKey && code === "KeyF") this.panels.what === "search" ? this.panels.words.focus() : this.panels.open("search");
    else if (control && code === "Slash") this.keys();
    else if (event.altKey && !control && (code === "ArrowDown" || code === "ArrowUp")) this.step(code === "ArrowDown" ? 1 : -1, event.shiftKey);
    else if (event.key === "Escape" && this.shell.classList.contains("drawer")) this.menu(false);
    else if (event.key === "Escape" && !event.defaultPrevented && this.panels.what) this.panels.close();
    else if (event.key === "?" && !event.target.closest("input, textarea")) this.keys();
    else done = false;
    if (done) event.preventDefault();
  }

  step(by, unread) {
    const all = this.sidebar.order;
    const at = all.indexOf(this.chat.current);
    for (let i = 1; i <= all.length; i += 1) {
      const next = all[(at + by * i + all.length * 2) % all.length];
      if (!unread || next.unread) return this.go(next);
    }
  }

  drops() {
    const files = (event) => event.dataTransfer?.types.includes("Files");
    let depth = 0;
    const mark = (on) => this.shell.classList.toggle("dropping", on);
    addEventListener("dragenter", (event) => { if (files(event)) { depth += 1; mark(true); } });
    addEventListener("dragleave", (event) => { if (files(event) && --depth <= 0) { depth = 0; mark(false); } });
    addEventListener("dragover", (event) => files(event) && event.preventDefault());
    addEventListener("drop", (event) => {
      if (!files(event)) return;
      event.preventDefault();
      depth = 0;
      mark(false);
      this.composer.attach([...event.dataTransfer.files]);
    });
  }
}
