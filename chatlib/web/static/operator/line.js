// The WebSocket of the operator's page: frames that come each second, and questions with answers.

const AGAIN = [500, 1000, 2000, 4000, 8000];

export class Line extends EventTarget {
  #socket = null;
  #ids = 0;
  #asked = new Map();
  #tries = 0;
  #look = null;

  open() {
    const url = new URL("/operator/ws", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.addEventListener("message", (event) => this.#take(JSON.parse(event.data)));
    socket.addEventListener("open", () => {
      if (this.#look) socket.send(JSON.stringify(this.#look));
    });
    socket.addEventListener("close", (event) => this.#closed(event.code));
  }

  #take(told) {
    if (told.kind) {
      this.#tries = 0;
      this.dispatchEvent(new CustomEvent(told.kind, { detail: told }));
      return;
    }
    const then = this.#asked.get(told.id);
    this.#asked.delete(told.id);
    if (!then) return;
    if (told.ok) then.resolve(told);
    else then.reject(told.error);
  }

  #closed(code) {
    for (const { reject } of this.#asked.values()) reject({ code: "unavailable", message: "" });
    this.#asked.clear();
    this.#socket = null;
    this.dispatchEvent(new CustomEvent(code === 4401 ? "nobody" : "lost"));
    if (code !== 4401) setTimeout(() => this.open(), AGAIN[Math.min(this.#tries++, AGAIN.length - 1)]);
  }

  // Say what is seen; it is said again after each reconnect.
  look(look) {
    this.#look = { op: "look", ...look };
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(this.#look));
  }

  ask(op, fields = {}) {
    return new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) {
        reject({ code: "unavailable", message: "" });
        return;
      }
      const id = ++this.#ids;
      this.#asked.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ op, id, ...fields }));
    });
  }
}

export async function post(path, body = {}) {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  return answer.json();
}
