// A menu, as WAI-ARIA has it: arrows, Home, End and first letters move in it, Escape and Tab close it.

import { el, icon } from "./dom.js";
import { popup } from "./popup.js";

// `items` have `icon`, `text` and `run`; null is a line between them.
export function menu(label, items, near, back) {
  const all = [];
  const parts = items.map((item) => {
    if (!item) return el("hr");
    const button = el(
      "button",
      {
        type: "button",
        role: "menuitem",
        tabindex: "-1",
        class: item.harms ? "harms" : "",
        onclick: () => {
          close();
          item.run();
        },
      },
      icon(item.icon),
      el("span", {}, item.text),
    );
    all.push(button);
    return button;
  });
  const node = el("div", { class: "menu", role: "menu", "aria-label": label }, parts);
  node.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const at = all.indexOf(document.activeElement);
    const letter = event.key.toLowerCase();
    const to = {
      ArrowDown: (at + 1) % all.length,
      ArrowUp: (at - 1 + all.length) % all.length,
      Home: 0,
      End: all.length - 1,
    }[event.key];
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      close();
    } else if (to !== undefined) {
      event.preventDefault();
      all[to].focus();
    } else if (letter.length === 1 && letter !== " " && !event.ctrlKey && !event.metaKey) {
      const after = [...all.slice(at + 1), ...all.slice(0, at + 1)];
      after.find((one) => one.textContent.toLowerCase().startsWith(letter))?.focus();
    }
  });
  const close = popup(node, near, back);
  all[0].focus();
}
