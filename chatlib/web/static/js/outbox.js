// What was said here and is not acknowledged yet. It is kept in localStorage, one item a message,
// until the server says what became of it; each message has a key of its own that never changes, so
// whatever is sent again is taken once. Each tab sends its own, and holds a lock while it lives; what a
// closed tab has left is adopted by one that is open, or is opened next.

const PREFIX = "hubbub.out.";
const PACE_MS = 4000;
const MOST_AHEAD = 50;

export class Outbox {
  constructor(wire, who, changed) {
    this.wire = wire;
    this.who = who;
    this.changed = changed;
    this.entries = new Map();
    this.tab = random();
    this.count = 0;
    this.holds = new Promise((held) => {
      if (!navigator.locks) held();
      else
        navigator.locks.request(`hubbub.tab.${this.tab}`, () => {
          held();
          return new Promise(() => {});
        });
    });
    this.watched = new Set();
    addEventListener("storage", ({ key, newValue }) => {
      if (key?.startsWith(PREFIX) && newValue) this.watch(parse(newValue)?.tab);
    });
    setInterval(() => this.flush(), 1000);
  }

  // Another tab has something to say: when it is gone, its lock is to be had.
  async watch(tab) {
    if (!tab || tab === this.tab || this.watched.has(tab) || !navigator.locks) return;
    this.watched.add(tab);
    await navigator.locks.request(`hubbub.tab.${tab}`, () => {});
    if (this.person === this.who()) await this.adopt(this.person);
  }

  // Take over what closed tabs of this person have left.
  async adopt(person) {
    this.person = person;
    await this.holds;
    if (navigator.locks) await navigator.locks.request("hubbub.adopt", () => this.adoptAll());
    else await this.adoptAll();
    this.flush();
  }

  async adoptAll() {
    const alive = new Set((await navigator.locks?.query())?.held.map((lock) => lock.name));
    const found = [];
    for (const name of Object.keys(localStorage).filter((name) => name.startsWith(PREFIX))) {
      const entry = parse(localStorage.getItem(name));
      if (entry && alive.has(`hubbub.tab.${entry.tab}`)) this.watch(entry.tab);
      else if (entry?.person !== this.person) localStorage.removeItem(name);
      else if (!this.entries.has(entry.key)) found.push(entry);
    }
    for (const entry of found.sort((a, b) => a.at - b.at || a.count - b.count)) {
      entry.tab = this.tab;
      delete entry.sent;
      this.entries.set(entry.key, entry);
      this.store(entry);
      this.changed(entry);
    }
  }

  store(entry) {
    try {
      localStorage.setItem(
        PREFIX + entry.key,
        JSON.stringify({ ...entry, sent: undefined, shown: undefined }),
      );
    } catch {
      /* full, or forbidden: it is sent all the same while this tab lives */
    }
  }

  add(place, line) {
    const entry = {
      key: random(),
      tab: this.tab,
      person: this.person,
      at: Date.now(),
      count: ++this.count,
      place,
      line,
    };
    this.entries.set(entry.key, entry);
    this.store(entry);
    this.changed(entry);
    this.flush();
    return entry;
  }

  // The connection is another one: whatever was on its way is sent again, under the same keys.
  again() {
    for (const entry of this.entries.values()) delete entry.sent;
    this.flush();
  }

  flush() {
    if (!this.ready || !this.wire.open) return;
    const now = Date.now();
    let ahead = 0;
    for (const entry of this.entries.values()) {
      if (entry.error) continue;
      if (++ahead > MOST_AHEAD || now < (this.pause ?? 0)) return;
      if (entry.sent && now - entry.sent < PACE_MS) continue;
      entry.sent = now;
      this.wire.put({ op: "say", key: entry.key, ...entry.line });
    }
  }

  slow(key, ms) {
    this.pause = Date.now() + ms;
    const entry = this.entries.get(key);
    if (entry) delete entry.sent;
  }

  // What became of it: it is in the history, or refused with a reason and kept for the person.
  acknowledged(key, seq) {
    const entry = this.entries.get(key);
    localStorage.removeItem(PREFIX + key);
    if (!entry) return;
    this.entries.delete(key);
    entry.done = true;
    entry.seq = seq;
    this.changed(entry);
    this.flush();
  }

  refused(key, error) {
    const entry = this.entries.get(key);
    if (!entry) return;
    entry.error = error;
    this.store(entry);
    this.changed(entry);
  }

  retry(key) {
    const entry = this.entries.get(key);
    this.discard(key);
    if (entry) this.add(entry.place, entry.line);
  }

  discard(key) {
    const entry = this.entries.get(key);
    this.entries.delete(key);
    localStorage.removeItem(PREFIX + key);
    if (entry) this.changed({ ...entry, done: true });
  }

  of(place) {
    return [...this.entries.values()].filter((entry) => entry.place === place);
  }

  get waiting() {
    return [...this.entries.values()].filter((entry) => !entry.error).length;
  }

  forget() {
    for (const key of this.entries.keys()) localStorage.removeItem(PREFIX + key);
    this.entries.clear();
  }
}

function random() {
  const bytes = crypto.getRandomValues(new Uint8Array(15));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_");
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
