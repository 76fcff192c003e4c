// Who is called while the page is not looked at hears of it; the title counts what is unread.

import { plain } from "./bidi.js";
import { announce } from "./dom.js";
import { t } from "./i18n.js";
import { summary } from "./text.js";

export class Notifier {
  constructor(chat, settings, act) {
    Object.assign(this, { chat, settings, act });
    chat.on("called", (talk, event) => this.called(talk, event));
    for (const name of ["unread", "talks", "state"]) chat.on(name, () => this.title());
  }

  title() {
    let count = 0;
    for (const talk of this.chat.talks.values())
      if (!talk.isRoom || talk.mentioned) count += talk.unread;
    const any = [...this.chat.talks.values()].some((talk) => talk.unread);
    const name = this.chat.current
      ? `${this.chat.current.isRoom ? "#" : ""}${plain(this.chat.current.name)} · `
      : "";
    document.title = `${count ? `(${count}) ` : any ? "• " : ""}${name}${t("app")}`;
  }

  called(talk, event) {
    if (document.hasFocus() && !document.hidden && talk === this.chat.current) return;
    const title = talk.isRoom ? `${plain(event.nick)} · #${plain(talk.name)}` : plain(event.nick);
    if (talk !== this.chat.current) announce(`${title}: ${summary(event.text ?? "")}`);
    if (
      !this.settings.get("notify", false) ||
      !("Notification" in window) ||
      Notification.permission !== "granted"
    )
      return;
    if (Date.now() - Date.parse(event.at) > 5 * 60 * 1000) return;
    try {
      // The same tag in each tab of this person: one notification is shown, whichever tab is first.
      const note = new Notification(title, {
        body: summary(event.text ?? ""),
        tag: `hubbub-${event.seq}`,
        icon: "static/icon.svg",
      });
      note.onclick = () => {
        window.focus();
        note.close();
        this.act("go", talk);
      };
    } catch {
      /* phones want a service worker for that, which this page does without */
    }
  }
}
