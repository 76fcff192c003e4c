// The field in which one writes: text, a reply or an edit, files, names that complete.

import { plain } from "./bidi.js";
import { announce, avatar, clear, el, icon, iconButton } from "./dom.js";
import { t } from "./i18n.js";
import { nickKey } from "./store.js";
import { fileLine, summary } from "./text.js";
import { Upload } from "./uploads.js";

const MOST_BYTES = 8192;
const encoder = new TextEncoder();

export class Composer {
  constructor(chat, act) {
    this.chat = chat;
    this.act = act;
    this.talk = null;
    this.re = null;
    this.editing = null;
    this.uploads = [];
    this.field = el("textarea", {
      rows: "1",
      enterkeyhint: "send",
      autocomplete: "off",
      dir: "auto",
      "aria-controls": "names",
      "aria-autocomplete": "list",
    });
    this.about = el("div", { class: "about", hidden: true });
    this.files = el("ul", { class: "uploads", hidden: true });
    this.silent = el("p", { class: "silent", tabindex: "-1", hidden: true });
    this.names = el("ul", { class: "names", id: "names", role: "listbox", hidden: true });
    this.count = el("span", { class: "count" });
    this.input = el("input", {
      type: "file",
      multiple: true,
      class: "hidden",
      tabindex: "-1",
      "aria-hidden": "true",
      onchange: () => {
        this.attach([...this.input.files]);
        this.input.value = "";
      },
    });
    this.clip = iconButton("clip", t("attach"), () => this.input.click());
    this.button = iconButton("send", t("send"), () => this.submit(), { class: "ib send" });
    this.box = el(
      "div",
      { class: "box" },
      this.clip,
      this.input,
      this.field,
      this.count,
      this.button,
    );
    this.node = el(
      "div",
      { class: "composer" },
      this.about,
      this.files,
      this.names,
      this.silent,
      this.box,
    );
    this.listen();
  }

  listen() {
    const { field } = this;
    field.addEventListener("input", () => this.changed());
    field.addEventListener("keydown", (event) => this.keyed(event));
    addEventListener("resize", () => this.talk && this.changed(false));
    field.addEventListener("blur", () => setTimeout(() => this.hideNames(), 150));
    field.addEventListener("paste", (event) => {
      const files = [...event.clipboardData.files];
      if (!files.length) return;
      event.preventDefault();
      this.attach(files);
    });
  }

  show(talk) {
    if (this.talk) {
      this.talk.draft = this.editing ? this.talk.draft : this.field.value;
      this.talk.draftRe = this.re;
      this.talk.uploads = this.uploads;
    }
    this.talk = talk;
    this.editing = null;
    this.re = talk?.draftRe ?? null;
    this.uploads = talk?.uploads ?? [];
    this.field.value = talk?.draft ?? "";
    this.label();
    this.showAbout();
    this.showUploads();
    this.changed(false);
  }

  label() {
    const { talk } = this;
    const text = talk ? t(talk.isRoom ? "messageRoom" : "message", { name: talk.name }) : "";
    this.field.placeholder = text;
    this.field.setAttribute("aria-label", text);
    this.names.setAttribute("aria-label", t("suggestions"));
    for (const [button, key] of [
      [this.clip, "attach"],
      [this.button, this.editing ? "save" : "send"],
    ]) {
      button.title = t(key);
      button.setAttribute("aria-label", t(key));
    }
  }

  focus() {
    (this.box.hidden ? this.silent : this.field).focus({ preventScroll: true });
  }

  // Who may not write reads why, in place of the field; what was written stays.
  silence(text) {
    const focused = this.node.contains(document.activeElement);
    clear(this.silent, icon("silence"), el("span", {}, text));
    this.silent.hidden = !text;
    this.box.hidden = this.about.hidden = this.files.hidden = Boolean(text);
    if (text) this.hideNames();
    else {
      this.showAbout();
      this.showUploads();
      this.changed(false); // hidden, the field had no height
    }
    if (focused) this.focus();
  }

  // -- writing --------------------------------------------------------------------------------

  changed(typing = true) {
    const { field } = this;
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 220)}px`;
    const over = encoder.encode(field.value).length - MOST_BYTES;
    this.count.textContent =
      over > -500 ? (over > 0 ? t("tooLong", { n: over }) : String(-over)) : "";
    this.count.classList.toggle("over", over > 0);
    this.button.disabled =
      over > 0 ||
      !(field.value.trim() || this.uploads.some((one) => one.found)) ||
      this.uploads.some((one) => !one.found && !one.error);
    if (typing && field.value.trim() && !this.editing && this.talk) this.chat.type(this.talk);
    this.suggest();
  }

  submit() {
    const { talk, field } = this;
    if (!talk || this.button.disabled) return;
    let text = field.value
      .replace(/\r/g, "")
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "")
      .replace(/^\n+|\s+$/g, "");
    if (this.editing) {
      if (text && text !== this.editing.text)
        this.chat.say(talk, text, { kind: "edit", re: this.editing.seq });
      this.cancel();
      return;
    }
    const files = this.uploads.filter((one) => one.found).map((one) => fileLine(one.found));
    let kind = "say";
    if (text.startsWith("/me ")) {
      kind = "act";
      text = text.slice(4).trim();
    }
    text = [text, ...files].filter(Boolean).join("\n");
    if (!text) return;
    this.chat.say(talk, text, { kind, re: this.re?.seq });
    field.value = "";
    talk.draft = "";
    for (const one of this.uploads) one.cancel();
    this.uploads = [];
    this.re = null;
    this.showUploads();
    this.showAbout();
    this.changed(false);
    this.act("said");
  }

  keyed(event) {
    if (event.isComposing) return;
    if (!this.names.hidden && this.keyedNames(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.submit();
    } else if (event.key === "Escape" && (this.re || this.editing)) {
      event.preventDefault();
      event.stopPropagation();
      this.cancel();
    } else if (event.key === "ArrowUp" && !this.field.value && !event.altKey && !event.ctrlKey) {
      event.preventDefault();
      this.act(event.shiftKey ? "feedKeys" : "editLast");
    }
  }

  cancel() {
    if (this.editing) this.field.value = this.talk.draft;
    this.editing = this.re = null;
    this.showAbout();
    this.label();
    this.changed(false);
    this.focus();
  }

  reply(item) {
    if (this.editing) this.cancel();
    this.re = item;
    this.showAbout();
    this.focus();
  }

  edit(item) {
    if (!this.editing) this.talk.draft = this.field.value;
    this.re = null;
    this.editing = item;
    this.field.value = item.text;
    this.showAbout();
    this.label();
    this.changed(false);
    this.focus();
  }

  showAbout() {
    const item = this.editing ?? this.re;
    this.about.hidden = !item;
    if (!item) return;
    clear(
      this.about,
      icon(this.editing ? "edit" : "reply"),
      el(
        "div",
        { class: "what" },
        el("b", {}, this.editing ? t("editing") : t("replyingTo", { nick: item.nick })),
        el("span", {}, summary(item.text)),
      ),
      iconButton("close", t("cancel"), () => this.cancel()),
    );
  }

  // -- files ----------------------------------------------------------------------------------

  attach(files) {
    if (!this.talk || this.box.hidden) return;
    for (const file of files.slice(0, 10)) {
      announce(t("uploading", { name: file.name }));
      const talk = this.talk;
      const one = new Upload(
        file,
        () => talk === this.talk && (this.showUploads(), this.changed(false)),
      );
      this.uploads.push(one);
    }
    this.showUploads();
    this.changed(false);
    this.focus();
  }

  showUploads() {
    this.files.hidden = !this.uploads.length;
    clear(
      this.files,
      this.uploads.map((one) => {
        const name = plain(one.name);
        const bar = el("progress", {
          max: "1",
          value: undefined,
          "aria-label": t("uploading", one),
        });
        bar.value = one.share;
        return el(
          "li",
          { class: one.error ? "bad" : one.found ? "good" : "" },
          one.preview ? el("img", { src: one.preview, alt: "" }) : icon("file"),
          el("span", { class: "fname" }, one.error || name),
          one.found || one.error ? null : bar,
          iconButton("close", t("removeFile", one), () => {
            one.cancel();
            this.uploads = this.uploads.filter((other) => other !== one);
            this.showUploads();
            this.changed(false);
            this.focus();
          }),
        );
      }),
    );
  }

  // -- names ----------------------------------------------------------------------------------

  suggest() {
    const before = this.field.value.slice(0, this.field.selectionStart);
    const found = /(?:^|\s)@([^\s/@]{0,32})$/u.exec(before);
    if (!found || !this.talk || document.activeElement !== this.field) return this.hideNames();
    const begin = nickKey(found[1]);
    const known = new Map();
    for (const { nick } of this.talk.members.values()) known.set(nickKey(nick), nick);
    for (const item of this.talk.items.slice(-300))
      if (item.spoken) known.set(nickKey(item.nick), item.nick);
    known.delete(nickKey(this.chat.me.nick));
    const names = [...known]
      .filter(([key]) => key.startsWith(begin))
      .map(([, nick]) => nick)
      .sort((a, b) => a.localeCompare(b))
      .slice(0, 6);
    if (!names.length || (names.length === 1 && nickKey(names[0]) === begin))
      return this.hideNames();
    this.at = this.field.selectionStart - found[1].length;
    this.chosen = 0;
    clear(
      this.names,
      names.map((nick, i) =>
        el(
          "li",
          {
            role: "option",
            id: `name${i}`,
            "data-nick": nick,
            onpointerdown: (event) => {
              event.preventDefault();
              this.complete(nick);
            },
          },
          avatar(nick, "tiny"),
          plain(nick),
        ),
      ),
    );
    this.names.hidden = false;
    this.choose(0);
  }

  choose(i) {
    const options = [...this.names.children];
    this.chosen = (i + options.length) % options.length;
    options.forEach((option, at) =>
      option.setAttribute("aria-selected", String(at === this.chosen)),
    );
    this.field.setAttribute("aria-activedescendant", `name${this.chosen}`);
  }

  keyedNames(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp")
      this.choose(this.chosen + (event.key === "ArrowDown" ? 1 : -1));
    else if (event.key === "Enter" || event.key === "Tab")
      this.complete(this.names.children[this.chosen].dataset.nick);
    else if (event.key === "Escape") this.hideNames();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  complete(nick) {
    const { field } = this;
    const end = field.selectionStart;
    field.setRangeText(`${nick} `, this.at, end, "end");
    this.hideNames();
    this.changed();
  }

  hideNames() {
    this.names.hidden = true;
    this.field.removeAttribute("aria-activedescendant");
  }
}
