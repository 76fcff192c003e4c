// Elements made of values. Text only ever goes in as text: there is no way here to give markup.

const SVG = "http://www.w3.org/2000/svg";

export function el(tag, props = {}, ...kids) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...kids.flat().filter((kid) => kid !== null && kid !== undefined && kid !== false));
  return node;
}

const PATHS = {
  hash: "M6 9h12M5 15h12M10 4 8 20M16 4l-2 16",
  lock: "M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3",
  plus: "M12 5v14M5 12h14",
  send: "M5 12 20 5l-5 15-3-6.5z",
  clip: "M19 11.5 12 18.4a4.4 4.4 0 0 1-6.2-6.2L13 5a3 3 0 0 1 4.2 4.2L10 16.3a1.5 1.5 0 0 1-2.1-2.1l6.2-6.2",
  reply: "M10 6 4 12l6 6M4 12h9a7 7 0 0 1 7 7",
  smile: "M12 4a8 8 0 1 0 .01 0M9 10h.01M15 10h.01M8.5 14a4 4 0 0 0 7 0",
  edit: "M5 19h4L19 9l-4-4L5 15z",
  trash: "M5 7h14M10 7V5h4v2M7 7l1 12h8l1-12",
  search: "M11 5a6 6 0 1 0 .01 0M15.5 15.5 20 20",
  people:
    "M9 5.5a3 3 0 1 0 .01 0M3.5 19a5.5 5.5 0 0 1 11 0M16 6a3 3 0 0 1 0 5.6M17.5 14.2a5.5 5.5 0 0 1 3 4.8",
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6 6 18",
  down: "M12 5v14M6 13l6 6 6-6",
  gear: "M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4",
  bell: "M6 17V11a6 6 0 0 1 12 0v6M4.5 17h15M10.5 20h3",
  file: "M7 4h7l4 4v12H7zM14 4v4h4",
  clock: "M12 4a8 8 0 1 0 .01 0M12 8v4.5l3 1.5",
  warn: "M12 5 3.5 19h17zM12 10.5v4M12 16.8v.01",
  keys: "M3.5 7h17v10h-17zM7 10.5h.01M10.5 10.5h.01M14 10.5h.01M17 10.5h.01M8 14h8",
  copy: "M9 9h10v10H9zM15 9V5H5v10h4",
  leave: "M14 5h5v14h-5M4 12h10M10 8l4 4-4 4",
  person: "M12 5a3.5 3.5 0 1 0 .01 0M5 20a7 7 0 0 1 14 0",
  silence: "M5 6h14v10h-8l-4 4v-4H5zM9.5 9l5 4M14.5 9l-5 4",
  ban: "M12 4a8 8 0 1 0 .01 0M6.4 6.4l11.2 11.2",
  chat: "M5 6h14v10h-8l-4 4v-4H5z",
  star: "M12 5l2.1 4.6 5 .5-3.8 3.3 1.1 4.9-4.4-2.6-4.4 2.6 1.1-4.9L4.9 10.1l5-.5z",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 24 24",
    class: "icon",
    "aria-hidden": "true",
    focusable: "false",
  })) {
    svg.setAttribute(key, value);
  }
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

export function iconButton(name, label, onclick, more = {}) {
  return el(
    "button",
    { type: "button", class: "ib", "aria-label": label, title: label, onclick, ...more },
    icon(name),
  );
}

// One of eight tints for a name, the same everywhere.
export function tint(name) {
  let sum = 0;
  for (const c of name.toLowerCase()) sum = (sum * 31 + c.codePointAt(0)) >>> 0;
  return `t${sum % 8}`;
}

const segmenter = "Segmenter" in Intl ? new Intl.Segmenter() : null;
export const graphemes = (text) =>
  segmenter ? Array.from(segmenter.segment(text), (s) => s.segment) : [...text];

export function avatar(name, extra = "") {
  return el(
    "span",
    { class: `av ${tint(name)} ${extra}`, "aria-hidden": "true" },
    (graphemes(name)[0] ?? "?").toUpperCase(),
  );
}

export function clear(node, ...kids) {
  node.replaceChildren(...kids.flat().filter((kid) => kid));
  return node;
}

export const announce = (text, urgent = false) => {
  const box = document.getElementById(urgent ? "urgent" : "polite");
  box.textContent = box.textContent === text ? `${text}\u00a0` : text;
};

// Arrow keys move among the items of a list; one of them is in the order of Tab.
export function roving(list, selector) {
  const items = () => [...list.querySelectorAll(selector)];
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const all = items();
    const at = all.indexOf(document.activeElement.closest(selector));
    if (at < 0) return;
    event.preventDefault();
    const next = all[Math.max(0, Math.min(all.length - 1, at + step))];
    for (const item of all) item.tabIndex = item === next ? 0 : -1;
    next.focus();
  });
}
