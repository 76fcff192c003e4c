// Choosing a sign to react with.

import { el, graphemes } from "./dom.js";
import { t } from "./i18n.js";
import { popup } from "./popup.js";

const WIDTH = 330;
const SIGNS = [
  "👍",
  "❤️",
  "😂",
  "🎉",
  "👀",
  "✅",
  "🙏",
  "🔥",
  "😮",
  "😢",
  "🤔",
  "👎",
  "🚀",
  "💯",
  "☕",
  "👋",
];

// Choose a sign to react with; `near` is the message.
export function signs(near, chosen) {
  const node = el("div", { class: "signbox", role: "dialog", "aria-label": t("react") });
  const before = document.activeElement;
  const close = (sign) => {
    shut();
    if (sign) chosen(sign);
  };
  const own = el("input", {
    type: "text",
    maxlength: "16",
    "aria-label": t("reactOther"),
    placeholder: t("reactOther"),
    autocomplete: "off",
  });
  const buttons = SIGNS.map((sign, i) =>
    el(
      "button",
      {
        type: "button",
        tabindex: i ? "-1" : "0",
        "aria-label": t("reactWith", { sign }),
        onclick: () => close(sign),
      },
      sign,
    ),
  );
  node.append(
    el("div", { class: "grid" }, buttons),
    el(
      "form",
      {
        onsubmit: (event) => {
          event.preventDefault();
          const sign = own.value.trim().split(/\s/)[0];
          if (sign) close(graphemes(sign).slice(0, 8).join(""));
        },
      },
      own,
    ),
  );
  node.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const at = buttons.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8 }[event.key];
    const last = event.shiftKey
      ? buttons.includes(document.activeElement)
      : document.activeElement === own;
    if (event.key === "Escape" || (event.key === "Tab" && last)) {
      event.preventDefault();
      close();
    } else if (at >= 0 && step) {
      event.preventDefault();
      (buttons[at + step] ?? (step === 8 ? own : buttons[at])).focus();
    }
  });
  const box = near.getBoundingClientRect();
  const corner = { left: box.right - WIDTH, top: box.top + 12, bottom: box.top + 24 };
  const shut = popup(node, corner, () => (before?.isConnected ? before : null));
  buttons[0].focus();
}
