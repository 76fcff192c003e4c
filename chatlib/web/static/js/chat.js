// The chat as this tab knows it: who one is, the conversations, what comes and what is asked.
// No element is touched here; whoever shows it listens to `on`.

import { Outbox } from "./outbox.js";
import { Rooms } from "./rooms.js";
import { Conversation, authorOf, nickKey, peerKey, roomKey } from "./store.js";
import { mentions } from "./text.js";
import { Wire, WireError, leave as leaveHttp } from "./wire.js";

const TYPING_MS = 6000;
const MARK_MS = 400;
const SPOKEN = new Set(["say", "act"]);

export class Chat extends Rooms {
  constructor(settings) {
    super();
    this.settings = settings;
    this.me = { nick: "", user: "", sid: "" };
    this.net = "connecting";
    this.broker = "";
    this.epoch = "";
    this.talks = new Map();
    this.current = null;
    this.wire = new Wire(
      (frame) => this.told(frame),
      (state) => this.changed(state),
    );
    this.outbox = new Outbox(
      this.wire,
      () => settings.person(),
      (entry) => this.emit("outbox", this.talks.get(entry.place), entry),
    );
    setInterval(() => this.forgetTyping(), 1000);
    addEventListener("pagehide", () => {
      for (const talk of this.talks.values()) {
        if (talk.marking && talk.read !== talk.told)
          this.wire.put({ op: "read", id: 0, ...talk.place, seq: talk.read });
      }
    });
    // What is read in one tab is read in all.
    this.tabs = new BroadcastChannel("hubbub");
    this.tabs.onmessage = ({ data }) => {
      const talk = this.talks.get(data.key);
      if (talk && data.seq > talk.read) this.note(talk, data.seq);
    };
  }

  get online() {
    return this.net === "open" && this.broker === "online";
  }

  isMe(item) {
    return item.author === this.me.user || item.author === this.me.sid;
  }

  // -- the connection -------------------------------------------------------------------------

  changed(state) {
    this.net = state;
    if (state !== "open") {
      this.outbox.ready = false;
      for (const talk of this.talks.values()) talk.synced = false;
    }
    if (state === "nobody") this.emit("nobody");
    this.emit("state");
  }

  told(frame) {
    switch (frame.kind) {
      case "welcome":
        return void this.welcome(frame);
      case "events":
        return this.events(frame.room, frame.events);
      case "inbox":
        return this.inbox(frame.events);
      case "gap":
        return this.gap(frame);
      case "ack":
        return this.outbox.acknowledged(frame.key, frame.seq);
      case "refused":
        return this.outbox.refused(frame.key, frame.error);
      case "slow":
        return this.outbox.slow(frame.key, frame.after_ms);
      case "joined":
        return this.joined(frame);
      case "left":
        return this.left(frame);
      case "typing":
        return this.typing(frame);
      case "bye":
        return this.emit("nobody");
    }
  }

  async welcome(frame) {
    const was = this.broker;
    this.broker = frame.state;
    Object.assign(this.me, {
      nick: frame.nick,
      user: frame.user || this.me.user,
      sid: frame.sid || this.me.sid,
    });
    if (frame.state === "refused") {
      this.emit("refused", { code: frame.code, message: frame.message });
      return;
    }
    if (frame.state !== "online") {
      this.outbox.ready = false;
      for (const talk of this.talks.values()) talk.synced = false;
      this.emit("state");
      return;
    }
    if (this.epoch && frame.epoch !== this.epoch) {
      for (const talk of this.talks.values()) talk.forget();
      this.emit("epoch");
    }
    this.epoch = frame.epoch;
    for (const room of frame.rooms) this.room(room).private = frame.private.includes(room);
    for (const talk of [...this.talks.values()].filter((one) => one.isRoom)) {
      talk.known = false; // who is there, and what one may do, is another thing in another session
      if (!frame.rooms.includes(talk.name)) this.missing(talk);
    }
    for (const nick of this.settings.peers()) this.peer(nick);
    this.outbox.ready = true;
    this.outbox.again();
    if (this.outbox.person !== this.settings.person())
      await this.outbox.adopt(this.settings.person());
    this.refreshed = this.refresh().catch(() => {});
    this.emit("online", was);
    this.emit("state");
    this.emit("talks");
    await this.refreshed;
    for (const talk of this.talks.values()) if (talk.loaded) this.catchUp(talk);
    if (this.current?.rights && !this.current.known) this.lookUpAgain(this.current);
  }

  // Topics, and what is unread.
  async refresh() {
    const [rooms, read] = await Promise.all([this.wire.ask("rooms"), this.wire.ask("read")]);
    for (const { room, topic, private: hidden } of rooms.rooms) {
      const talk = this.talks.get(roomKey(room));
      if (talk) Object.assign(talk, { topic: topic ?? "", private: Boolean(hidden) });
    }
    for (const { room, peer, seq, unread } of read.read) {
      const talk = room ? this.talks.get(roomKey(room)) : this.peer(peer);
      if (!talk) continue;
      talk.read = Math.max(talk.read, seq);
      talk.unread = unread;
    }
    this.emit("talks");
  }

  // -- conversations --------------------------------------------------------------------------

  peer(nick) {
    const key = peerKey(nick);
    let talk = this.talks.get(key);
    if (!talk) {
      talk = new Conversation(key, nick);
      this.talks.set(key, talk);
      this.settings.rememberPeer(nick);
    } else if (nick !== talk.name && talk.name === nickKey(talk.name)) {
      talk.name = nick; // as it is written, where only the form that is compared was known
      this.settings.rememberPeer(nick);
    }
    return talk;
  }

  hidePeer(talk) {
    this.settings.forgetPeer(talk.name);
    this.talks.delete(talk.key);
    this.emit("talks");
  }

  // -- what comes -----------------------------------------------------------------------------

  events(room, events) {
    const talk = this.talks.get(roomKey(room)) ?? this.room(room);
    this.take(talk, events);
  }

  inbox(events) {
    for (const event of events) {
      if (event.room) {
        this.emit("concerned", null, event);
        continue;
      }
      const mine = this.isMe({ author: authorOf(event) });
      const known = this.talks.size;
      const talk = this.peer(mine ? event.to : event.nick);
      if (this.talks.size !== known) this.emit("talks");
      this.take(talk, [event]);
    }
  }

  // The event of what one said can come before it is acknowledged: it must not be seen twice.
  match(talk, events) {
    const waiting = this.outbox.of(talk.key);
    if (!waiting.length) return;
    for (const event of events) {
      if (!this.isMe({ author: authorOf(event) })) continue;
      const entry = waiting.find(
        ({ shown, line }) =>
          !shown &&
          line.kind === event.kind &&
          line.text === (event.text ?? "") &&
          line.re === event.re,
      );
      if (entry) entry.shown = event.seq;
    }
  }

  take(talk, events) {
    this.match(talk, events);
    let shown = false;
    for (const event of events) {
      if (this.putOut(talk, event)) return;
      shown = talk.live(event) || shown;
      this.noted(talk, event);
    }
    this.count(talk, events);
    this.emit("items", talk, shown ? events : []);
  }

  // What others said is unread until it is seen. After a break the broker's number has it already.
  count(talk, events, by = 1) {
    for (const event of events) {
      if (!SPOKEN.has(event.kind)) continue;
      talk.last = Math.max(talk.last, Date.parse(event.at));
      const author = authorOf(event);
      if (this.isMe({ author }) || event.seq <= talk.read || event.seq <= (talk.counted ?? 0))
        continue;
      talk.counted = event.seq;
      talk.unread += by;
      const named = mentions(event.text, this.me.nick);
      if (named) talk.mentioned = true;
      if (named || !talk.isRoom) this.emit("called", talk, event);
    }
    this.emit("unread", talk);
  }

  gap({ room, after, before }) {
    const some = room
      ? [this.talks.get(roomKey(room))]
      : [...this.talks.values()].filter((talk) => !talk.isRoom);
    for (const talk of some) {
      if (!talk?.loaded) continue;
      talk.gap(after, before);
      this.emit("items", talk);
    }
  }

  typing({ room, nick }) {
    const talk = this.talks.get(room ? roomKey(room) : peerKey(nick));
    if (!talk || nick === this.me.nick) return;
    talk.typing.set(nick, Date.now() + TYPING_MS);
    this.emit("typing", talk);
  }

  forgetTyping() {
    for (const talk of this.talks.values()) {
      let gone = false;
      for (const [nick, until] of talk.typing)
        if (until < Date.now()) gone = talk.typing.delete(nick) || gone;
      if (gone) this.emit("typing", talk);
    }
  }

  // -- what is done ---------------------------------------------------------------------------

  say(talk, text, { kind = "say", re } = {}) {
    this.outbox.add(talk.key, { ...talk.target, kind, text, ...(re ? { re } : {}) });
  }

  type(talk) {
    if (!this.online || Date.now() < (this.typedAt ?? 0) + 3000) return;
    this.typedAt = Date.now();
    this.wire.put({ op: "typing", ...talk.target });
  }

  seen(talk) {
    const last = talk.items.at(-1)?.seq ?? 0;
    if (talk.hasNewer || last <= talk.read) return;
    this.note(talk, last);
    this.tabs.postMessage({ key: talk.key, seq: last });
    this.mark(talk);
  }

  // Tell the broker, at once and then now and again; and before the page is gone.
  mark(talk) {
    if (talk.marking || !this.online) return;
    talk.told = talk.read;
    this.wire.ask("read", { ...talk.place, seq: talk.told }).catch(() => {});
    talk.marking = setTimeout(() => {
      talk.marking = 0;
      if (talk.read !== talk.told) this.mark(talk);
    }, MARK_MS);
  }

  note(talk, seq) {
    talk.read = seq;
    talk.unread = 0;
    talk.mentioned = false;
    this.emit("unread", talk);
  }

  async signOut() {
    this.outbox.forget();
    this.wire.stop();
    await leaveHttp().catch((error) => {
      if (!(error instanceof WireError)) throw error;
    });
  }
}
