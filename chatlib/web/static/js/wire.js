// The WebSocket to the page server: questions and answers, what comes unasked, and coming back.

const AGAIN_MS = [300, 700, 1500, 3000, 6000, 12000];
const ANSWER_MS = 12000;
const SILENT_MS = 3000;
const NOBODY = 4401;
const TOO_MANY = 4429;

export class WireError extends Error {
  constructor(code, message, more = {}) {
    super(message);
    Object.assign(this, { code }, more);
  }
}

// Enter with a nickname and an invitation's token; the server answers with a cookie.
export async function enter(nick, token) {
  return post("api/enter", { nick, token });
}

export async function leave() {
  return post("api/leave", {});
}

async function post(where, body) {
  let answer;
  try {
    const response = await fetch(where, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    answer = await response.json();
  } catch {
    throw new WireError("unreachable", "no connection");
  }
  if (!answer.ok)
    throw new WireError(answer.error?.code, answer.error?.message, {
      suggestion: answer.error?.suggestion,
    });
  return answer;
}

// `told` gets every frame that is no answer; `changed` the connection's state: "connecting",
// "open", "lost", or "nobody" when the server does not know this browser.
export class Wire {
  constructor(told, changed) {
    this.told = told;
    this.changed = changed;
    this.socket = null;
    this.waiting = new Map();
    this.ids = 0;
    this.tries = 0;
    this.timer = 0;
    this.stopped = true;
    addEventListener("online", () => this.hurry());
    addEventListener("offline", () => this.socket && this.suspect());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  get open() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  start() {
    this.stopped = false;
    this.connect();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    this.socket?.close();
  }

  hurry() {
    if (this.stopped || this.open || this.socket?.readyState === WebSocket.CONNECTING) return;
    clearTimeout(this.timer);
    this.connect();
  }

  // The system says that the network is gone: see whether the server still answers.
  suspect() {
    const socket = this.socket;
    this.ask("who", {}, SILENT_MS).catch((error) => {
      if (error.code === "unreachable" && socket === this.socket) socket.close();
    });
  }

  connect() {
    const where = new URL("ws", document.baseURI);
    where.protocol = where.protocol.replace("http", "ws");
    where.hash = "";
    const socket = (this.socket = new WebSocket(where));
    this.changed("connecting");
    socket.onopen = () => socket === this.socket && this.changed("open");
    socket.onmessage = (event) => socket === this.socket && this.take(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.socket && this.closed(event.code);
  }

  closed(code) {
    this.socket = null;
    for (const { refuse, timer } of this.waiting.values()) {
      clearTimeout(timer);
      refuse(new WireError("unreachable", "the connection was lost"));
    }
    this.waiting.clear();
    if (this.stopped) return;
    if (code === NOBODY) {
      this.stopped = true;
      this.changed("nobody");
      return;
    }
    const wait =
      code === TOO_MANY
        ? 15000
        : AGAIN_MS[Math.min(this.tries, AGAIN_MS.length - 1)] * (0.8 + 0.4 * Math.random());
    this.tries += 1;
    this.changed("lost");
    this.timer = setTimeout(() => this.connect(), wait);
  }

  take(frame) {
    if (!("ok" in frame)) {
      if (frame.kind === "welcome") this.tries = 0;
      this.told(frame);
      return;
    }
    const asked = this.waiting.get(frame.id);
    if (!asked) return;
    this.waiting.delete(frame.id);
    clearTimeout(asked.timer);
    if (frame.ok) asked.grant(frame);
    else
      asked.refuse(
        new WireError(frame.error.code, frame.error.message, {
          suggestion: frame.error.suggestion,
          after: frame.error.after_ms,
        }),
      );
  }

  ask(op, fields = {}, patience = ANSWER_MS) {
    return new Promise((grant, refuse) => {
      if (!this.open) {
        refuse(new WireError("unreachable", "there is no connection"));
        return;
      }
      const id = ++this.ids;
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        refuse(new WireError("unreachable", "there was no answer"));
      }, patience);
      this.waiting.set(id, { grant, refuse, timer });
      this.socket.send(JSON.stringify({ op, id, ...fields }));
    });
  }

  // Without an answer of its own: `say` and `typing`.
  put(frame) {
    if (!this.open) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }
}
