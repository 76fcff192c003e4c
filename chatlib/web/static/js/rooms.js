// Rooms: who is in them, who may do what there, and how one comes to be in one, and out of one.
// Whoever extends it has `me`, `isMe`, `talks` and `current`.

import { Histories } from "./histories.js";
import { Rights } from "./rights.js";
import { Conversation, authorOf, nickKey, roomKey } from "./store.js";

const SPOKEN = new Set(["say", "act"]);
const AGAIN_MS = 300;
const SPREAD_MS = 1500;
const LOOK_BACK = 200;

export class Rooms extends Histories {
  room(name) {
    const key = roomKey(name);
    if (!this.talks.has(key)) {
      const talk = new Conversation(key, name);
      talk.rights = new Rights();
      this.talks.set(key, talk);
    }
    return this.talks.get(key);
  }

  async open(room) {
    const found = await this.ask("open", { room });
    const talk = this.room(found.room);
    Object.assign(talk, { topic: found.topic ?? "", private: Boolean(found.private) });
    talk.members = new Map(found.members.map((member) => [member.user ?? member.sid, member]));
    this.emit("talks");
    return talk;
  }

  // Who is in a room, and who may do what there.
  async lookUp(talk) {
    const { changes } = talk;
    talk.known = true; // soon: it need not be asked twice
    const asked = ["who", "roles"].map((op) => this.ask(op, { room: talk.name }));
    const [{ members }, rights] = await Promise.all(asked).catch((error) => {
      talk.known = false;
      throw error;
    });
    talk.members = new Map(members.map((member) => [member.user ?? member.sid, member]));
    talk.rights.set(rights);
    if (talk.changes !== changes) this.lookUpAgain(talk); // which of the two is newer?
    this.emit("rights", talk);
  }

  // What is known may be wrong now: once for all that came, and not all pages in the same moment.
  lookUpAgain(talk) {
    talk.known = false;
    talk.looking ??= setTimeout(
      () => {
        talk.looking = undefined;
        if (talk === this.current) this.lookUp(talk).catch(() => {});
      },
      AGAIN_MS + Math.random() * SPREAD_MS,
    );
  }

  moderates(talk) {
    return Boolean(talk.rights?.moderates(this.me.nick));
  }

  silenced(talk) {
    return talk.rights?.muted(this.me.nick) ?? null;
  }

  // -- what comes -----------------------------------------------------------------------------

  concerns(event) {
    return nickKey(event.to ?? "") === nickKey(this.me.nick);
  }

  isMuteOf(event) {
    return event.kind === "mute" && this.concerns(event);
  }

  // An event changes who is in a room, what it is about, and who may do what.
  noted(talk, event) {
    const author = authorOf(event);
    const concerns = this.concerns(event);
    if (event.kind === "join" || event.kind === "nick") {
      talk.members.set(author, { nick: event.nick, bot: event.bot });
      if (talk.rights?.knows(event.nick)) this.lookUpAgain(talk);
    }
    if (event.kind === "leave") talk.members.delete(author);
    if (event.kind === "topic") talk.topic = event.text ?? "";
    if (talk.rights?.take(event)) {
      talk.changes = (talk.changes ?? 0) + 1;
      this.emit("rights", talk);
      if (concerns) this.emit("concerned", talk, event);
    }
    if (event.kind === "ban" && concerns) talk.banned = event;
    this.typed(talk, event);
    if (event.kind === "nick" || event.kind === "topic") this.emit("talks");
  }

  // Who has said it, is gone or has another name is typing no more.
  typed(talk, event) {
    const nick = event.kind === "nick" ? event.old : event.nick;
    const over = SPOKEN.has(event.kind) || event.kind === "nick" || event.kind === "leave";
    if (over && talk.typing.delete(nick)) this.emit("typing", talk);
  }

  joined({ room, private: hidden = false }) {
    const known = this.talks.has(roomKey(room)); // by one's own `join`, which tells less
    const talk = this.room(room);
    talk.private ||= hidden;
    this.emit("talks");
    if (!known) this.refresh().catch(() => {});
  }

  // -- out of a room --------------------------------------------------------------------------

  async leaveRoom(talk) {
    await this.ask("leave", { room: talk.name });
    this.left({ room: talk.name });
  }

  left({ room, code, message }) {
    const talk = this.talks.get(roomKey(room));
    if (!talk) return;
    if (code === "not_joined") this.missing(talk);
    else this.out(talk, code ? { code, message } : {});
  }

  // One's own `leave` tells more than that one is out.
  putOut(talk, event) {
    const ours = event.kind === "leave" && this.isMe({ author: authorOf(event) });
    if (!ours || event.reason !== "kicked") return false;
    const banned = talk.banned?.at === event.at;
    this.out(talk, { by: event.by ?? "", text: event.text ?? "", banned });
    return true;
  }

  // It happened while one was away: the history has why, where one may still read it.
  async missing(talk) {
    this.talks.delete(talk.key);
    this.emit("talks");
    const asked = this.ask("history", { room: talk.name, limit: LOOK_BACK });
    const { events } = await asked.catch(() => ({ events: [] }));
    talk.banned = events.findLast((event) => event.kind === "ban" && this.concerns(event));
    const last = events.findLast(
      (event) =>
        (event.kind === "join" || event.kind === "leave") && this.isMe({ author: authorOf(event) }),
    );
    if (!last || !this.putOut(talk, last)) this.out(talk, {});
  }

  out(talk, why) {
    if (this.talks.get(talk.key) === talk) this.talks.delete(talk.key);
    this.emit("talks");
    this.emit("left", talk, why);
  }
}
