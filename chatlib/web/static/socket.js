// The connection to the page server: comes back by itself, answers requests, sends what was said
// until it is acknowledged. Nothing here knows what is shown.

const WAITS = [500, 1000, 2000, 4000, 8000];
const NOBODY = 4401;
const HOPELESS = new Set([NOBODY, 4429]);

export class Refusal extends Error {
  constructor(code, message, more = {}) {
    super(message);
    this.code = code;
    this.suggestion = more.suggestion;
    this.afterMs = more.after_ms;
  }
}

export class Connection extends EventTarget {
  #socket = null;
  #tries = 0;
  #retry = 0;
  #ids = 0;
  #asked = new Map(); // id -> {resolve, reject}
  #outbox = new Map(); // key -> frame, in the order of saying
  #tab = crypto.getRandomValues(new Uint32Array(3)).join("-");
  #keys = 0;
  #closed = true;

  constructor() {
    super();
    addEventListener("online", () => this.#hurry());
  }

  open() {
    this.#closed = false;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = (this.#socket = new WebSocket(`${scheme}//${location.host}/ws`));
    socket.onmessage = (message) => this.#take(JSON.parse(message.data));
    socket.onclose = (closed) => this.#lost(socket, closed.code);
  }

  close() {
    this.#closed = true;
    this.#socket?.close();
  }

  // Asks, and promises the answer. What is lost with the connection fails: the asker knows better
  // than we what it still wants to know.
  ask(op, fields = {}) {
    return new Promise((resolve, reject) => {
      const id = ++this.#ids;
      if (this.#send({ op, id, ...fields })) this.#asked.set(id, { resolve, reject });
      else reject(new Refusal("offline", ""));
    });
  }

  // Says something, once, whatever happens to the connection; returns its key.
  say(fields) {
    const key = `${this.#tab}-${++this.#keys}`;
    const frame = { op: "say", key, ...fields };
    this.#outbox.set(key, frame);
    this.#send(frame);
    return key;
  }

  typing(fields) {
    this.#send({ op: "typing", ...fields });
  }

  get waiting() {
    return this.#outbox.size;
  }

  #send(frame) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #take(told) {
    if ("ok" in told) {
      const asked = this.#asked.get(told.id);
      this.#asked.delete(told.id);
      if (told.ok) asked?.resolve(told);
      else asked?.reject(new Refusal(told.error.code, told.error.message, told.error));
      return;
    }
    if (told.kind === "welcome" && told.state === "online") {
      this.#tries = 0;
      for (const frame of this.#outbox.values()) this.#send(frame);
    } else if (told.kind === "ack" || told.kind === "refused") {
      this.#outbox.delete(told.key);
    } else if (told.kind === "slow") {
      setTimeout(() => {
        const frame = this.#outbox.get(told.key);
        if (frame) this.#send(frame);
      }, told.after_ms);
    }
    this.dispatchEvent(new CustomEvent("told", { detail: told }));
  }

  #lost(socket, code) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    for (const { reject } of this.#asked.values()) reject(new Refusal("offline", ""));
    this.#asked.clear();
    if (HOPELESS.has(code)) {
      this.dispatchEvent(new CustomEvent("over", { detail: code === NOBODY ? "nobody" : "tabs" }));
      return;
    }
    if (this.#closed) return;
    this.dispatchEvent(new CustomEvent("lost"));
    const wait = WAITS[Math.min(this.#tries++, WAITS.length - 1)];
    this.#retry = setTimeout(() => this.open(), wait * (0.75 + Math.random() / 2));
  }

  #hurry() {
    if (this.#socket || this.#closed) return;
    clearTimeout(this.#retry);
    this.open();
  }
}
