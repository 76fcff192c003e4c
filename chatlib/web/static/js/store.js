// A conversation as it reads now: events in, messages out, in the order of seq, each once.

const SPOKEN = new Set(["say", "act"]);
const ABOUT = new Set(["edit", "delete", "react"]);

export const roomKey = (room) => `r:${room}`;
export const nickKey = (nick) => nick.normalize("NFKC").toLowerCase();
export const peerKey = (nick) => `p:${nickKey(nick)}`;
export const authorOf = (event) => event.user ?? event.sid ?? "";

// Midnight before a time, local. Messages of one hour have one: making a Date for each is slow.
let hour = NaN;
let midnight = 0;
function dayOf(ms) {
  const now = Math.floor(ms / 36e5);
  if (now !== hour) {
    midnight = new Date(ms).setHours(0, 0, 0, 0);
    hour =
      new Date(now * 36e5).setHours(0, 0, 0, 0) ===
      new Date((now + 1) * 36e5 - 1).setHours(0, 0, 0, 0)
        ? now
        : NaN;
  }
  return midnight;
}

export class Conversation {
  constructor(key, name) {
    this.key = key;
    this.name = name;
    this.isRoom = key.startsWith("r:");
    this.topic = "";
    this.private = false;
    this.unread = 0;
    this.mentioned = false;
    this.read = 0;
    this.last = 0; // when something was said last, for the order of private conversations
    this.members = new Map();
    this.typing = new Map();
    this.draft = "";
    this.forget();
  }

  forget() {
    this.items = []; // spoken and told, by seq
    this.bySeq = new Map();
    this.about = new Map(); // what was done to a message, by its seq
    this.first = 0; // from this seq on, all is here ...
    this.cursor = 0; // ... up to this one
    this.loaded = false;
    this.hasOlder = true;
    this.hasNewer = false; // items end before the newest: one has jumped into the past
    this.synced = false; // events that come join on to the last item
    this.ahead = [];
    this.gaps = [];
    this.version = 0;
  }

  get place() {
    return this.isRoom ? { room: this.name } : { peer: this.name };
  }

  get target() {
    return this.isRoom ? { room: this.name } : { to: this.name };
  }

  // An event came unasked. True when it is shown.
  live(event) {
    if (!this.loaded) return false;
    if (!this.synced) {
      this.ahead.push(event);
      return false;
    }
    if (this.hasNewer) {
      if (ABOUT.has(event.kind) && this.bySeq.has(event.re)) this.add([event]);
      return false;
    }
    return this.add([event]) > 0;
  }

  // A page of the history came.
  page(events, { older, newer }) {
    const added = this.add(events);
    if (events.length) {
      const low = events[0].seq;
      const high = events[events.length - 1].seq;
      this.first = this.first ? Math.min(this.first, low) : low;
      this.cursor = Math.max(this.cursor, high);
    }
    if (older !== undefined) this.hasOlder = older;
    if (newer !== undefined) this.hasNewer = newer;
    this.loaded = true;
    return added;
  }

  // All up to now is here: what came meanwhile joins on.
  caughtUp() {
    this.synced = true;
    const ahead = this.ahead;
    this.ahead = [];
    if (!this.hasNewer) this.add(ahead);
  }

  add(events) {
    const fresh = [];
    for (const event of events) {
      this.cursor = Math.max(this.cursor, event.seq);
      const known = this.bySeq.get(event.seq);
      if (ABOUT.has(event.kind)) {
        this.note(event);
      } else if (!known) {
        fresh.push(this.make(event));
      } else if (event.deleted && !known.deleted) {
        known.event = event;
        this.settle(known);
      }
    }
    this.insert(fresh);
    if (events.length) this.version += 1;
    return fresh.length;
  }

  make(event) {
    const at = Date.parse(event.at);
    const item = {
      seq: event.seq,
      event,
      at,
      day: dayOf(at),
      kind: event.kind,
      nick: event.nick ?? "",
      author: authorOf(event),
      spoken: SPOKEN.has(event.kind),
      text: event.text ?? "",
      edited: false,
      deleted: Boolean(event.deleted),
      reactions: null,
      stamp: 0,
      row: null,
    };
    this.bySeq.set(event.seq, item);
    if (this.about.has(event.seq)) this.settle(item);
    return item;
  }

  // Nearly always they come before all, or behind all.
  insert(fresh) {
    const { items } = this;
    if (!fresh.length) return;
    if (!items.length || items[items.length - 1].seq < fresh[0].seq) items.push(...fresh);
    else if (fresh[fresh.length - 1].seq < items[0].seq) this.items = fresh.concat(items);
    else this.items = items.concat(fresh).sort((a, b) => a.seq - b.seq);
  }

  note(event) {
    let list = this.about.get(event.re);
    if (!list) this.about.set(event.re, (list = []));
    if (list.some((known) => known.seq === event.seq)) return;
    list.push(event);
    list.sort((a, b) => a.seq - b.seq);
    const item = this.bySeq.get(event.re);
    if (item) this.settle(item);
  }

  // What a message comes to with all that was done to it.
  settle(item) {
    item.text = item.event.text ?? "";
    item.deleted = Boolean(item.event.deleted);
    item.edited = false;
    const reactions = new Map();
    for (const event of this.about.get(item.seq) ?? []) {
      if (event.kind === "delete") {
        item.deleted = true;
      } else if (event.kind === "edit" && !event.deleted) {
        item.text = event.text ?? "";
        item.edited = true;
      } else if (event.kind === "react") {
        const who = reactions.get(event.text) ?? new Map();
        const author = authorOf(event);
        if (!who.delete(author)) who.set(author, event.nick);
        if (who.size) reactions.set(event.text, who);
        else reactions.delete(event.text);
      }
    }
    if (item.deleted) {
      item.text = "";
      item.edited = false;
      reactions.clear();
    }
    item.reactions = reactions.size ? reactions : null;
    item.stamp += 1;
  }

  gap(after, before) {
    this.gaps.push({ after, before });
    this.version += 1;
  }
}
