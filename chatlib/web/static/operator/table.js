// A list of any length in a window of rows. The server sorts and cuts it; here are as many rows as
// can be seen. A row belongs to whom it shows: who is focused stays it while the order changes.

import { el, icon } from "../js/dom.js";
import { number, t } from "./words.js";

const OVER = 6; // rows beyond what is seen
const MOST = 100;

export class Table {
  // `columns`: { key, word, sort, cell(row) -> nodes, class, full(row) -> all of what may be cut };
  // `id` picks what a row is known by.
  constructor({ word, columns, id, find, sort, look, act }) {
    Object.assign(this, { word, columns, id, look, act, findWord: find });
    this.window = { first: 0, rows: 40, sort, down: true, find: "" };
    this.rows = new Map();
    this.found = 0;
    this.focused = null; // the row that Tab comes to
    this.wanted = null; // the row to be focused once it is there
    this.row = 40; // how high one is; the style sheet says it
    this.title = el("h2", {});
    this.count = el("span", { class: "count" });
    this.finder = el("input", { type: "search", maxlength: 64, autocomplete: "off", spellcheck: "false" });
    this.head = el("div", { class: "tr thead", role: "row" });
    this.body = el("div", { class: "rows", role: "rowgroup" });
    this.grid = el("div", { class: "grid", role: "table" }, el("div", { class: "heads", role: "rowgroup" }, this.head), this.body);
    this.scroll = el("div", { class: "scroll", tabindex: "0" }, this.grid);
    this.node = el("section", { class: `block table t-${word}` },
      el("div", { class: "bhead" }, this.title, this.count, el("label", { class: "field" }, icon("search"), this.finder)), this.scroll);
    this.finder.addEventListener("input", () => this.#change({ find: this.finder.value, first: 0 }, true));
    this.scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.scroll.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => {
      this.row = parseFloat(getComputedStyle(this.scroll).getPropertyValue("--row")) || this.row;
      this.#scrolled();
    }).observe(this.scroll);
    this.translate();
  }

  translate() {
    this.title.textContent = t(this.word);
    this.finder.placeholder = t(this.findWord);
    this.finder.setAttribute("aria-label", t(this.findWord));
    this.grid.setAttribute("aria-label", t(this.word));
    this.scroll.setAttribute("role", "group");
    this.scroll.setAttribute("aria-label", t(this.word));
    this.#heads();
    for (const { node } of this.rows.values()) node.remove();
    this.rows.clear();
  }

  #heads() {
    this.head.replaceChildren(...this.columns.map(({ key, word, sort, class: kind = "" }) => {
      const sorted = this.window.sort === sort;
      const order = sorted ? (this.window.down ? "descending" : "ascending") : null;
      const name = t(word ?? key);
      const inside = sort ? el("button", { type: "button", class: sorted ? "sorted" : "", onclick: () => this.#sort(sort) }, name, sorted ? el("span", { "aria-hidden": "true" }, this.window.down ? " ↓" : " ↑") : null)
        : el("span", { class: word === "act" ? "hidden" : "" }, name);
      return el("div", { role: "columnheader", class: `td ${kind} ${key}`, "aria-sort": order }, inside);
    }));
  }

  #sort(sort) {
    const text = ["nick", "address", "client", "room"].includes(sort);
    const again = this.window.sort === sort;
    this.#change({ sort, down: again ? !this.window.down : !text, first: 0 }, true);
    this.#heads();
    this.head.querySelector(".sorted")?.focus();
  }

  #change(changed, top = false) {
    Object.assign(this.window, changed);
    if (top) this.scroll.scrollTop = 0;
    this.look();
  }

  #scrolled() {
    const seen = Math.ceil(this.scroll.clientHeight / this.row);
    const first = Math.max(0, Math.floor(this.scroll.scrollTop / this.row) - OVER);
    const rows = Math.min(MOST, seen + 2 * OVER);
    if (rows === this.window.rows && Math.abs(first - this.window.first) < OVER / 2 && first !== 0) return;
    if (rows === this.window.rows && first === this.window.first) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#change({ first, rows }), 30);
  }

  show({ total, found, first, rows }) {
    this.found = found;
    this.count.textContent = found === total ? number(total) : t("of", { found: number(found), total: number(total) });
    this.grid.setAttribute("aria-rowcount", String(found + 1));
    this.body.style.setProperty("--n", String(found));
    const seen = new Set();
    rows.forEach((row, i) => {
      const id = this.id(row);
      seen.add(id);
      let known = this.rows.get(id);
      if (!known) {
        known = this.#row();
        this.rows.set(id, known);
        this.body.append(known.node);
      }
      known.row = row;
      known.index = first + i;
      known.node.style.setProperty("--i", String(known.index));
      known.node.setAttribute("aria-rowindex", String(known.index + 2));
      this.columns.forEach(({ cell, full }, n) => {
        this.#fill(known.cells[n], cell(row, known));
        if (full && known.cells[n].title !== full(row)) known.cells[n].title = full(row);
      });
    });
    for (const [id, { node }] of this.rows) {
      if (seen.has(id)) continue;
      if (node.contains(document.activeElement)) this.scroll.focus();
      node.remove();
      this.rows.delete(id);
    }
    this.#tabStop();
    if (this.wanted !== null) this.#focus(this.wanted);
  }

  // What did not change is left alone: nobody reads a thousand cells a second.
  #fill(cell, content) {
    if (typeof content === "string") {
      if (cell.firstChild?.nodeType === 3 && cell.childNodes.length === 1) {
        if (cell.firstChild.data !== content) cell.firstChild.data = content;
      } else cell.replaceChildren(content);
      return;
    }
    const key = content.map((part) => (typeof part === "string" ? part : part.textContent + part.className)).join("\u0001");
    if (cell.known === key) return;
    cell.known = key;
    cell.replaceChildren(...content);
  }

  #row() {
    const known = {};
    known.cells = this.columns.map(({ key, class: kind = "" }) => el("div", { role: "cell", class: `td ${kind} ${key}` }));
    known.node = el("div", { class: "tr", role: "row" }, ...known.cells);
    known.button = el("button", { type: "button", class: "ib", tabindex: "-1", onclick: () => this.act(known.row) }, icon("gear"));
    known.button.addEventListener("focus", () => { this.focused = known; this.#tabStop(); });
    return known;
  }

  #inOrder() {
    return [...this.rows.values()].sort((a, b) => a.index - b.index);
  }

  #tabStop() {
    const all = this.#inOrder();
    const stop = all.includes(this.focused) ? this.focused : all[0];
    for (const known of all) known.button.tabIndex = known === stop ? 0 : -1;
  }

  // Up and down, and to both ends; what is not there yet is focused when it comes.
  #key(event) {
    const known = this.#inOrder().find(({ button }) => button === document.activeElement);
    if (!known) return;
    const last = this.found - 1;
    const to = { ArrowDown: known.index + 1, ArrowUp: known.index - 1, Home: 0, End: last }[event.key];
    if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    this.#focus(Math.max(0, Math.min(last, to)));
  }

  #focus(index) {
    const top = index * this.row;
    const bottom = top + this.row + this.head.offsetHeight;
    if (top < this.scroll.scrollTop) this.scroll.scrollTop = top;
    else if (bottom > this.scroll.scrollTop + this.scroll.clientHeight) this.scroll.scrollTop = bottom - this.scroll.clientHeight;
    const next = this.#inOrder().find((known) => known.index === index);
    this.wanted = next ? null : index;
    next?.button.focus({ preventScroll: true });
  }
}
