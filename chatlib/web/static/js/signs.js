// Choosing a sign to react with.

import { el, graphemes } from "./dom.js";
import { t } from "./i18n.js";

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
    if (!node.isConnected) return;
    node.remove();
    removeEventListener("pointerdown", outside, true);
    before?.isConnected && before.focus({ preventScroll: true });
    if (sign) chosen(sign);
  };
  const outside = (event) => node.contains(event.target) || close();
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
    if (event.key === "Escape") close();
    else if (at >= 0 && step) {
      event.preventDefault();
      (buttons[at + step] ?? (step === 8 ? own : buttons[at])).focus();
    }
  });
  document.body.append(node);
  const box = near.getBoundingClientRect();
  const { width, height } = node.getBoundingClientRect();
  node.style.left = `${Math.max(8, Math.min(innerWidth - width - 8, box.right - width - 8))}px`;
  node.style.top = `${Math.max(8, Math.min(innerHeight - height - 8, box.top - height + 16 < 8 ? box.top + 28 : box.top - height + 16))}px`;
  buttons[0].focus();
  addEventListener("pointerdown", outside, true);
}
