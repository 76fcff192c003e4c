// The chat page: puts the parts together, and does what they ask for.

import { deeds } from "./deeds.js";
import * as dialogs from "./dialogs.js";
import { announce } from "./dom.js";
import { Frame } from "./frame.js";
import { because, mutedBy, t, why } from "./i18n.js";
import { menu } from "./menu.js";
import * as settingsDialog from "./settings-dialog.js";
import { hearKeys, takeDrops } from "./shortcuts.js";
import { signs } from "./signs.js";
import { nickKey, peerKey, roomKey } from "./store.js";

const FIRST_ROOM = "lobby";

export class App extends Frame {
  constructor(root, chat, settings) {
    super(root, chat, settings);
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
    chat.on("talks", () => {
      this.drawHead();
      for (const toast of [...this.toasts.children])
        if (chat.talks.has(roomKey(toast.dataset.room))) toast.remove();
    });
    chat.on(
      "items",
      (talk, fresh) =>
        talk === chat.current &&
        fresh?.some((event) => ["join", "leave", "topic"].includes(event.kind)) &&
        this.drawHead(),
    );
    chat.on("left", (talk, why) => this.gone(talk, why));
    chat.on("concerned", (talk, event) => this.concerned(talk, event));
    chat.on("rights", (talk) => talk === chat.current && this.drawRights());
    chat.on("epoch", () => this.toast(t("epoch")));
    hearKeys(this);
    takeDrops((files) => this.composer.attach(files));
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
      this.composer.show(talk);
      this.feed.show(talk);
      this.panels.follow(talk);
    }
    this.nothing.hidden = true;
    this.drawRights();
    this.sidebar.later();
    if (!around) this.compose();
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
      if (talk.isRoom && !talk.known) {
        await chat.lookUp(talk);
        if (talk === chat.current) feed.redraw();
      }
    } catch (error) {
      if (error.code !== "unreachable") this.fault(error);
    }
  }

  // One is out of a room: by oneself, or `by` somebody, or for what the error `code` says.
  gone(talk, { by, text, banned, code, message }) {
    const room = talk.name;
    const here = this.chat.current === talk;
    if (here) this.elsewhere();
    if (by === undefined) {
      if (code) this.toast(why({ code, message }), { lasting: true });
      else if (here) this.toast(t("youLeft", { room }));
      return;
    }
    const told = t(banned ? "outBanned" : "outKicked", { by, room }) + because(text);
    const back = banned ? "untilLifted" : talk.private ? "backInvited" : "backNow";
    const again = back === "backNow" && [t("accept", { room }), () => this.enterRoom(room)];
    this.toast(`${told}. ${t(back)}`, { lasting: true, urgent: true, deed: again, room });
  }

  elsewhere() {
    this.chat.current = null;
    this.feed.show(null);
    const next = this.sidebar.order[0];
    if (next) this.go(next);
    else {
      if (this.panels.what === "members") this.panels.close();
      this.drawHead();
    }
  }

  // What others did to one: in a room that one is in, or (`talk` is null) in another one.
  concerned(talk, event) {
    const { room, nick } = event;
    const lasting = { lasting: true, urgent: true };
    if (event.kind === "invite") {
      const deed = [t("accept", { room }), () => this.enterRoom(room)];
      this.toast(t("invited", { nick, room }), { lasting: true, deed, room });
    } else if ((event.kind === "ban" || event.kind === "kick") && !talk) {
      const ban = event.kind === "ban";
      const told = t(ban ? "outBanned" : "outKicked", { by: nick, room }) + because(event.text);
      this.toast(`${told}. ${t(ban ? "untilLifted" : "backInvited")}`, lasting);
    } else if (event.kind === "mute" && talk !== this.chat.current) {
      this.toast(`${mutedBy(event, t("inRoom", { room }))}.`, lasting);
    } else if (event.kind === "mute") {
      announce(`${mutedBy(event, t("here"))}.`, true);
    } else if (event.kind === "unmute") {
      announce(t("unmutedYou", { room }));
    } else if (event.kind === "role") {
      const role = t(event.role === "none" ? "member" : event.role);
      this.toast(t("roleYou", { by: nick, room, role }));
    }
  }

  // What one may do here: at once, and when a mute is over.
  drawRights() {
    const talk = this.chat.current;
    clearTimeout(this.muteTimer);
    if (!talk) return;
    const mute = this.chat.silenced(talk);
    const last = mute && talk.items.findLast(({ event }) => this.chat.isMuteOf(event));
    this.composer.silence(mute ? mutedBy({ ...mute, nick: mute.by ?? last?.nick }, t("here")) : "");
    const left = mute?.until ? Date.parse(mute.until) - Date.now() + 100 : Infinity;
    if (left < 2 ** 31) this.muteTimer = setTimeout(() => this.drawRights(), left);
    if (this.feed.tools.isConnected) this.feed.lend(this.feed.lent);
    this.drawHead();
  }

  // The menu of a name.
  name({ author, nick }, near, back) {
    const talk = this.chat.current;
    const known = talk.members.get(author)?.nick;
    const taken = [...talk.members.values()].some((one) => nickKey(one.nick) === nickKey(nick));
    const act = (what, ...values) => this[what](...values);
    // Whoever has the name of somebody gone by now is somebody else.
    const items = known || !taken ? deeds(this.chat, talk, known ?? nick, act) : [];
    if (items.length) menu(t("actions", { nick: known ?? nick }), items, near, back);
    else if (this.chat.isMe({ author })) this.settingsOpen();
  }

  attempt(asked) {
    asked.catch((error) => this.fault(error));
  }

  // -- messages -------------------------------------------------------------------------------

  // Back to the field; not where it would bring up a keyboard over half of a phone.
  compose() {
    const keys = matchMedia("(pointer: fine)").matches && !this.composer.node.hidden;
    (keys ? this.composer : this.feed.scroller).focus({ preventScroll: true });
  }
  said() {
    this.feed.unreadAfter = 0;
    this.feed.toEnd().catch(() => {});
  }
  reply(item) {
    this.composer.reply(item);
  }
  edit(item) {
    this.composer.edit(item);
  }
  react(item, sign) {
    if (this.feed.can(item).react)
      this.chat.say(this.chat.current, sign, { kind: "react", re: item.seq });
  }
  pick(item, near) {
    signs(near, (sign) => this.react(item, sign));
  }
  retry(entry) {
    this.chat.outbox.retry(entry.key);
  }
  discard(entry) {
    this.chat.outbox.discard(entry.key);
  }
  feedKeys() {
    this.feed.scroller.focus();
  }

  editLast() {
    const last = this.chat.current?.items.findLast(
      (item) => item.spoken && !item.deleted && this.chat.isMe(item),
    );
    if (last) this.edit(last);
  }

  async remove(item) {
    const talk = this.chat.current;
    if (await dialogs.ask(t("deleteAsk"), t("deleteLead"), t("remove")))
      this.chat.say(talk, "", { kind: "delete", re: item.seq });
  }

  async copy(item) {
    await navigator.clipboard?.writeText(item.text);
    announce(t("copied"));
  }

  // -- places ---------------------------------------------------------------------------------

  quick() {
    dialogs.quick(this.chat, (...what) => this[what[0]](...what.slice(1)));
  }
  browse() {
    dialogs.browse(this.chat, (...what) => this[what[0]](...what.slice(1)));
  }
  newPrivate() {
    dialogs.newPrivate(this.chat, (...what) => this[what[0]](...what.slice(1)));
  }
  keys() {
    settingsDialog.keys();
  }

  settingsOpen() {
    settingsDialog.settings(this.chat, this.settings, (what, ...values) =>
      what === "settings" ? this.settingsOpen() : this[what](...values),
    );
  }

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
      this.go(known ?? (await this.chat.open(name)));
    } catch (error) {
      this.toast(t("cantOpen", { name, why: why(error) }));
    }
  }

  async goTo(event) {
    const mine = this.chat.isMe({ author: event.user ?? event.sid });
    try {
      const talk = event.room
        ? (this.chat.talks.get(roomKey(event.room)) ?? (await this.chat.open(event.room)))
        : (this.chat.talks.get(peerKey(mine ? event.to : event.nick)) ??
          this.chat.peer(mine ? event.to : event.nick));
      if (innerWidth < 1000) this.panels.close();
      await this.go(talk, event.seq);
    } catch (error) {
      this.fault(error);
    }
  }

  topic() {
    const talk = this.chat.current;
    dialogs.line(
      t("setTopic"),
      t("topic"),
      talk.topic,
      500,
      async (text) => {
        talk.topic = (await this.chat.ask("topic", { room: talk.name, text })).topic;
        this.drawHead();
      },
      { empty: true },
    );
  }

  invite() {
    const { name } = this.chat.current;
    dialogs.line(t("inviteSomebody"), t("nickname"), "", 64, (nick) =>
      this.chat.ask("role", { room: name, nick, role: "member" }),
    );
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
      this.elsewhere();
      return;
    }
    if (!(await dialogs.ask(t("leaveAsk", { name: talk.name }), t("leaveLead"), t("leave"))))
      return;
    await this.chat.leaveRoom(talk).catch((error) => this.fault(error));
  }

  async signOut() {
    if (!(await dialogs.ask(t("signOutAsk"), t("signOutLead"), t("leave")))) return;
    await this.chat.signOut();
    location.reload();
  }
}
