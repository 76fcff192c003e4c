// What the page knows: who one is, the rooms with their events in order. No DOM in here.

export class Room {
  constructor(name) {
    this.name = name;
    this.topic = "";
    this.members = [];
    this.private = false;
    this.cursor = null; // the seq of the last event; null before `open` was answered
    this.events = []; // in the order of seq
    this.oldest = 0;
    this.pending = new Map(); // key -> what one said and the broker has not yet
    this.unread = 0;
    this.early = []; // events that came before the answer to `open`
  }

  // Takes events in and returns those that are new; null where something is missing.
  take(events) {
    if (this.cursor === null) {
      this.early.push(...events);
      return [];
    }
    const fresh = [];
    for (const event of events) {
      if (event.seq <= this.cursor) continue;
      if (event.prev > this.cursor) return null;
      this.cursor = event.seq;
      this.events.push(event);
      fresh.push(event);
    }
    return fresh;
  }

  // Takes in the answer to `open`, which began behind `after`; null: at the newest events.
  opened(answer, after) {
    if (after === null) this.cursor = null;
    this.topic = answer.topic;
    this.members = answer.members;
    this.private = answer.private ?? false;
    this.oldest = answer.oldest;
    const early = this.early;
    this.early = [];
    if (this.cursor === null) {
      this.events = answer.events;
      this.cursor = answer.events.length ? answer.events.at(-1).seq : answer.head;
    } else {
      for (const event of answer.events) {
        if (event.seq <= this.cursor) continue;
        this.events.push(event);
        this.cursor = event.seq;
      }
    }
    this.take(early);
  }

  older(events) {
    const first = this.events.length ? this.events[0].seq : Infinity;
    this.events.unshift(...events.filter((event) => event.seq < first));
  }

  forget() {
    this.cursor = null;
    this.events = [];
    this.early = [];
  }
}

export class State {
  nick = "";
  sid = "";
  epoch = "";
  link = "offline"; // online, greeting, offline, refused
  rooms = new Map();
  shown = null; // the name of the room that is on the screen

  room(name) {
    if (!this.rooms.has(name)) this.rooms.set(name, new Room(name));
    return this.rooms.get(name);
  }

  welcome(told) {
    const another = this.epoch !== "" && told.epoch !== "" && told.epoch !== this.epoch;
    if (another) for (const room of this.rooms.values()) room.forget();
    this.nick = told.nick;
    this.sid = told.sid;
    this.epoch = told.epoch || this.epoch;
    this.link = told.state;
    for (const name of told.rooms) this.room(name);
  }
}
