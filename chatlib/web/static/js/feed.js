// The open conversation: its timeline, the tools of a message, keys, what is seen.

import { showStart, showTyping } from "./beginning.js";
import { announce, clear, el, icon, iconButton } from "./dom.js";
import { t } from "./i18n.js";
import { Drawing, aloud } from "./message.js";
import { rows, waiting } from "./rows.js";
import { nickKey } from "./store.js";
import { mentions } from "./text.js";
import { Timeline } from "./timeline.js";

export class Feed {
  constructor(chat, act) {
    this.chat = chat;
    this.act = act;
    this.talk = null;
    this.unreadAfter = 0;
    this.active = null;
    this.list = el("div", { class: "list", role: "feed", "aria-label": t("messages") });
    this.start = el("div", { class: "start" });
    this.scroller = el("div", { class: "scroller", tabindex: "-1" }, this.start, this.list);
    this.pill = el("button", {
      type: "button",
      class: "pill",
      hidden: true,
      onclick: () => this.toEnd(),
    });
    this.typing = el("div", { class: "typing" });
    this.node = el("div", { class: "feed", "data-drop": t("dropHere") }, this.scroller, this.pill);
    this.tools = this.makeTools();
    const names = {
      called: (text) => mentions(text, chat.me.nick),
      mine: (name) => nickKey(name) === nickKey(chat.me.nick),
      isName: (name) => this.isName(name),
    };
    this.drawing = new Drawing({
      me: chat.me,
      isMe: (item) => chat.isMe(item),
      hasMenu: (item) => this.can(item).name,
      find: (seq) => this.talk?.bySeq.get(seq),
      act,
      names,
    });
    this.timeline = new Timeline({
      scroller: this.scroller,
      list: this.list,
      draw: (row, i) => this.draw(row, i),
      needOlder: () => this.talk && chat.older(this.talk),
      needNewer: () => this.talk && chat.newer(this.talk),
      scrolled: () => this.scrolled(),
    });
    this.listen();
    chat.on("items", (talk, fresh) => talk === this.talk && this.update(fresh));
    chat.on("outbox", (talk) => talk && talk === this.talk && this.update());
    chat.on("typing", (talk) => talk === this.talk && this.showTyping());
    chat.on("fetching", (talk) => talk === this.talk && this.showStart());
    document.addEventListener("visibilitychange", () => this.scrolled());
    addEventListener("focus", () => this.scrolled());
    addEventListener("blur", () => {
      this.lined = false;
    });
    setInterval(() => this.midnight(), 30000);
  }

  isName(name) {
    const key = nickKey(name);
    if (key === nickKey(this.chat.me.nick)) return true;
    for (const { nick } of this.talk?.members.values() ?? [])
      if (nickKey(nick) === key) return true;
    return false;
  }

  midnight() {
    const day = new Date().getDate();
    if (this.day !== undefined && day !== this.day) this.redraw();
    this.day = day;
  }

  // -- showing --------------------------------------------------------------------------------

  show(talk) {
    if (this.talk === talk) return;
    this.talk = talk;
    this.active = null;
    this.tools.remove();
    this.timeline.reset();
    this.list.setAttribute(
      "aria-label",
      talk ? `${t("messages")}: ${talk.isRoom ? "#" : ""}${talk.name}` : t("messages"),
    );
    this.line();
    this.toUnread();
    this.showTyping();
  }

  // The line before what is unread stands from when one comes until one comes anew.
  line() {
    const { talk } = this;
    this.unreadAfter = talk && talk.unread ? talk.read || 0.5 : 0;
    this.lined = this.unreadAfter > 0;
    this.refresh();
  }

  toUnread() {
    const row =
      this.unreadAfter && this.talk.loaded ? this.timeline.rows.find((one) => one.unread) : null;
    if (row && !this.timeline.inView(row.key)) this.timeline.to(row.key);
  }

  redraw() {
    if (!this.talk) return;
    for (const item of this.talk.items) item.stamp += 1;
    this.refresh();
  }

  update(fresh) {
    if (fresh?.length) {
      this.speak(fresh);
      if (!this.lined && !document.hasFocus() && this.talk.unread) {
        this.unreadAfter = this.talk.read || 0.5;
        this.lined = true;
      }
    }
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = 0;
      this.refresh();
    });
    if (document.hidden)
      setTimeout(
        () =>
          this.pending && (cancelAnimationFrame(this.pending), (this.pending = 0), this.refresh()),
        200,
      );
  }

  refresh() {
    const { talk, chat } = this;
    if (!talk) return;
    const found = rows(
      talk,
      waiting(talk, chat.outbox.of(talk.key).concat(this.settling()), chat.me),
      {
        unreadAfter: this.unreadAfter,
        isMe: (item) => chat.isMe(item),
        width: this.scroller.clientWidth,
      },
    );
    this.list.setAttribute("aria-busy", String(Boolean(talk.loading || talk.fetching)));
    this.showStart();
    this.timeline.set(found);
    if (this.active !== null && this.timeline.where(this.active) === undefined) this.active = null;
    this.scrolled();
  }

  // Acknowledged, and its event is still on its way: it must not vanish for a moment.
  settling() {
    const { talk } = this;
    talk.settling = (talk.settling ?? []).filter(
      (entry) =>
        Date.now() - entry.settled < 3000 &&
        entry.seq &&
        !talk.bySeq.has(entry.seq) &&
        !talk.hasNewer,
    );
    return talk.settling;
  }

  settle(talk, entry) {
    if (!entry.done || !entry.seq || entry.error || !["say", "act"].includes(entry.line.kind))
      return;
    entry.settled = Date.now();
    (talk.settling ??= []).push(entry);
    setTimeout(() => talk === this.talk && this.update(), 3100);
  }

  draw(row) {
    return this.drawing.row(
      row,
      row.key === this.active || (this.active === null && row === this.timeline.rows.at(-1)),
    );
  }

  showStart() {
    if (this.talk) showStart(this.start, this.talk);
  }

  showTyping() {
    showTyping(this.typing, [...(this.talk?.typing.keys() ?? [])]);
  }

  // A screen reader hears what others say here.
  speak(events) {
    const said = events.map((event) => aloud(event, this.chat)).filter(Boolean);
    if (said.length) announce(said.slice(-3).join(". "));
  }

  // -- where one is ---------------------------------------------------------------------------

  scrolled() {
    const { talk, timeline } = this;
    if (!talk) return;
    const end = timeline.atEnd && !talk.hasNewer;
    if (end && !document.hidden && document.hasFocus() && talk.loaded) this.chat.seen(talk);
    this.pill.hidden = end || !talk.items.length;
    const text = talk.unread ? t("newCount", { n: talk.unread }) : t("toNewest");
    if (this.pillText !== text) clear(this.pill, icon("down"), el("span", {}, text));
    this.pillText = text;
  }

  async toEnd() {
    if (this.talk.hasNewer) await this.chat.newest(this.talk).catch(() => {});
    this.timeline.toEnd();
    this.scrolled();
  }

  async jump(seq) {
    const { talk } = this;
    if (!talk.bySeq.has(seq)) {
      await this.chat.load(talk, seq);
      this.refresh();
    }
    if (!this.timeline.to(seq)) return;
    this.focusRow(seq);
    const node = this.timeline.node(seq);
    node?.classList.add("lit");
    setTimeout(() => node?.classList.remove("lit"), 2000);
  }

  // -- keys and pointers ----------------------------------------------------------------------

  focusRow(key) {
    const before = this.active === null ? null : this.timeline.node(this.active);
    if (before) before.tabIndex = -1;
    this.active = key;
    this.timeline.to(key, false);
    const node = this.timeline.node(key);
    if (!node) return;
    for (const other of this.list.querySelectorAll('.row[tabindex="0"]')) other.tabIndex = -1;
    node.tabIndex = 0;
    node.focus({ preventScroll: true });
  }

  item(key) {
    return this.timeline.rows[this.timeline.where(key)]?.item;
  }

  keyOf(node) {
    const key = node?.closest?.(".row")?.dataset.key;
    return key === undefined ? null : /^\d+$/.test(key) ? Number(key) : key;
  }

  listen() {
    this.list.addEventListener("click", (event) => this.clicked(event));
    this.list.addEventListener(
      "pointerover",
      (event) => event.pointerType === "mouse" && this.lend(this.keyOf(event.target)),
    );
    this.list.addEventListener(
      "pointerleave",
      () => this.tools.contains(document.activeElement) || this.tools.remove(),
    );
    this.list.addEventListener("focusin", (event) => this.lend(this.keyOf(event.target)));
    this.scroller.addEventListener("keydown", (event) => this.keyed(event));
  }

  clicked(event) {
    const key = this.keyOf(event.target);
    const jump = event.target.closest("[data-jump]");
    const sign = event.target.closest("[data-sign]");
    if (jump) this.jump(Number(jump.dataset.jump)).catch((error) => this.act("fault", error));
    else if (sign && this.tools.contains(sign)) return;
    else if (sign) this.act("react", this.item(key), sign.dataset.sign);
    else if (event.target.closest(".by button")) this.name(key);
    else if (key !== null) this.lend(key);
  }

  keyed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { rows: all } = this.timeline;
    const key = this.keyOf(document.activeElement);
    const at = key === null ? all.length : (this.timeline.where(key) ?? all.length);
    const onRow =
      document.activeElement.classList.contains("row") || document.activeElement === this.scroller;
    const step = {
      ArrowUp: -1,
      ArrowDown: 1,
      PageUp: -12,
      PageDown: 12,
      Home: -Infinity,
      End: Infinity,
    }[event.key];
    if (step !== undefined && onRow && all.length) {
      event.preventDefault();
      if (event.key === "End") this.timeline.toEnd();
      this.focusRow(all[Math.max(0, Math.min(all.length - 1, at + step))].key);
      return;
    }
    if (event.key === "Escape") {
      event.preventDefault();
      this.act("compose");
      return;
    }
    const item = this.item(key);
    const what = {
      r: "reply",
      к: "reply",
      e: "edit",
      у: "edit",
      c: "copy",
      с: "copy",
      Delete: "remove",
      "+": "pick",
      "=": "pick",
      m: "name",
      ь: "name",
    }[event.key];
    if (what && item && onRow && this.can(item)[what]) {
      event.preventDefault();
      if (what === "name") this.name(key);
      else this.act(what, item, this.timeline.node(key));
    }
  }

  // The menu of who said it. The row may be another element by the time that it closes.
  name(key) {
    const row = this.timeline.node(key);
    const near = row.querySelector(".by button, .words, .gone").getBoundingClientRect();
    this.act("name", this.item(key), near, () => this.timeline.node(key));
  }

  can(item) {
    const live = item.spoken && item.seq && !item.deleted;
    const speaks = live && !this.chat.silenced(this.talk);
    const mine = this.chat.isMe(item);
    return {
      reply: speaks,
      react: speaks,
      pick: speaks,
      copy: item.spoken && !item.deleted,
      edit: speaks && mine,
      remove: live && (mine || this.chat.moderates(this.talk)),
      name: item.spoken && item.seq > 0 && !mine && this.talk.isRoom,
    };
  }

  makeTools() {
    const button = (name, what, label) =>
      iconButton(
        name,
        t(label),
        () => this.act(what, this.item(this.lent), this.timeline.node(this.lent)),
        { tabindex: "-1", "data-what": what },
      );
    return el(
      "div",
      { class: "tools", role: "group", "aria-label": t("moreActions") },
      button("smile", "pick", "react"),
      button("reply", "reply", "reply"),
      button("edit", "edit", "edit"),
      button("copy", "copy", "copy"),
      button("trash", "remove", "remove"),
    );
  }

  // One set of tools for all messages: it goes to the one that is looked at.
  lend(key) {
    const node = key === null ? null : this.timeline.node(key);
    const item = key === null ? null : this.item(key);
    if (!node || !item?.spoken || !item.seq || item.deleted) {
      if (!this.tools.contains(document.activeElement)) this.tools.remove();
      return;
    }
    const can = this.can(item);
    for (const button of this.tools.children) button.hidden = !can[button.dataset.what];
    this.lent = key;
    const place = node.querySelector(".msg");
    if (this.tools.parentNode !== place) place.append(this.tools);
  }

  renamed() {
    this.tools.remove();
    this.tools = this.makeTools();
    this.node.dataset.drop = t("dropHere");
    this.pillText = "";
    this.redraw();
    this.showTyping();
  }
}
