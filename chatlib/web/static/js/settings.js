// What this browser remembers: appearance, language, notifications, conversations, drafts.

import { setLanguage } from "./i18n.js";

const NAME = "hubbub.settings";

function read(name) {
  try {
    return JSON.parse(localStorage.getItem(name)) ?? {};
  } catch {
    return {};
  }
}

export class Settings {
  constructor() {
    this.values = read(NAME);
    addEventListener("storage", (event) => {
      if (event.key !== NAME) return;
      this.values = read(NAME);
      this.apply();
    });
    this.apply();
  }

  get(name, otherwise) {
    return this.values[name] ?? otherwise;
  }

  set(name, value) {
    this.values = { ...read(NAME), [name]: value };
    try {
      localStorage.setItem(NAME, JSON.stringify(this.values));
    } catch {
      /* it holds for this tab */
    }
    this.apply();
  }

  apply() {
    const theme = this.get("theme", "auto");
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    setLanguage(
      this.get("language", navigator.language.toLowerCase().startsWith("ru") ? "ru" : "en"),
    );
  }

  // Who this browser is, for the outbox: it changes with each entering.
  person() {
    return this.get("person", "");
  }

  peers() {
    return this.get("peers", []);
  }

  rememberPeer(nick) {
    const key = nick.toLowerCase();
    if (!this.peers().includes(nick))
      this.set(
        "peers",
        [...this.peers().filter((known) => known.toLowerCase() !== key), nick].slice(-200),
      );
  }

  forgetPeer(nick) {
    this.set(
      "peers",
      this.peers().filter((known) => known.toLowerCase() !== nick.toLowerCase()),
    );
  }

  entered() {
    this.set("person", `${Date.now()}-${Math.random().toString(36).slice(2)}`);
    this.set("peers", []);
  }
}
