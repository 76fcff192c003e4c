// Settings, and the keys.

import { plain } from "./bidi.js";
import { choice, dialog } from "./dialogs.js";
import { avatar, el, icon } from "./dom.js";
import { lang, t } from "./i18n.js";

export function settings(chat, store, act) {
  const notify = el("input", {
    type: "checkbox",
    onchange: async () => {
      if (
        notify.checked &&
        Notification.permission !== "granted" &&
        (await Notification.requestPermission()) !== "granted"
      ) {
        notify.checked = false;
        told.textContent = t("notifyDenied");
      }
      store.set("notify", notify.checked);
    },
  });
  const can = "Notification" in window;
  notify.checked = can && store.get("notify", false) && Notification.permission === "granted";
  notify.disabled = !can || Notification.permission === "denied";
  const told = el(
    "small",
    {},
    !can ? t("notifyNone") : notify.disabled ? t("notifyDenied") : t("notifyHow"),
  );
  const node = dialog(
    t("settings"),
    el(
      "div",
      { class: "mecard" },
      avatar(chat.me.nick || "?", "big"),
      el("b", {}, plain(chat.me.nick)),
      el(
        "button",
        {
          type: "button",
          class: "quiet",
          onclick: () => {
            node.close();
            act("rename");
          },
        },
        t("change"),
      ),
    ),
    choice(
      "theme",
      t("theme"),
      [
        ["auto", t("themeAuto")],
        ["light", t("themeLight")],
        ["dark", t("themeDark")],
      ],
      store.get("theme", "auto"),
      (key) => store.set("theme", key),
    ),
    choice(
      "language",
      t("language"),
      [
        ["en", "English"],
        ["ru", "Русский"],
      ],
      lang(),
      (key) => {
        store.set("language", key);
        node.close();
        act("language");
        act("settings");
      },
    ),
    el("label", { class: "check" }, notify, el("span", {}, t("notifyOn"), told)),
    el(
      "div",
      { class: "buttons split" },
      el(
        "button",
        {
          type: "button",
          class: "quiet",
          onclick: () => {
            node.close();
            keys();
          },
        },
        icon("keys"),
        t("shortcuts"),
      ),
      el(
        "button",
        {
          type: "button",
          class: "danger ghosted",
          onclick: () => {
            node.close();
            act("signOut");
          },
        },
        t("signOut"),
      ),
    ),
  );
}

export function keys() {
  const all = [
    ["Enter", "kSend"],
    ["Shift Enter", "kNewline"],
    ["↑", "kEditLast"],
    ["@ Tab", "kComplete"],
    ["Ctrl K", "kQuick"],
    ["Alt ↑ ↓", "kNextPrev"],
    ["Alt Shift ↓", "kUnread"],
    ["Ctrl Shift F", "kSearch"],
    ["Shift ↑", "kFeed"],
    ["R", "kReply"],
    ["E", "kEdit"],
    ["+", "kReact"],
    ["C", "kCopy"],
    ["M", "kName"],
    ["Delete", "kDelete"],
    ["Esc", "kEscape"],
    ["Ctrl /", "kHelp"],
  ];
  dialog(
    t("keysTitle"),
    el(
      "dl",
      { class: "keys" },
      all.flatMap(([key, text]) => [
        el(
          "dt",
          {},
          key.split(" ").map((one) => el("kbd", {}, one)),
        ),
        el("dd", {}, t(text)),
      ]),
    ),
  );
}
