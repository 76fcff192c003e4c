// A line over the last minutes, drawn anew each second as one SVG path.

import { el } from "../js/dom.js";
import { number, t } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const POINTS = 300;
const [WIDTH, HEIGHT, TOP] = [300, 64, 6];
const STEPS = [1, 2, 5];

function svg(tag, props) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) node.setAttribute(name, value);
  return node;
}

// The next of 1, 2, 5, 10, 20 ... that is not below: scales that change seldom.
export function ceiling(value, least) {
  let power = 10 ** Math.floor(Math.log10(Math.max(value, least)));
  for (;; power *= 10) {
    for (const step of STEPS) if (step * power >= value && step * power >= least) return step * power;
  }
}

export class Chart {
  // `name` is a word; `main` and `also` pick values of a point; `unit` says one for people.
  constructor(name, main, { also = null, unit, least = 10, note = null }) {
    Object.assign(this, { name, main, also, unit, least, note });
    this.values = [];
    this.others = [];
    this.area = svg("path", { class: "area" });
    this.line = svg("path", { class: "line", "vector-effect": "non-scaling-stroke" });
    this.second = svg("path", { class: "second", "vector-effect": "non-scaling-stroke" });
    this.drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
    for (const y of [TOP, (HEIGHT + TOP) / 2, HEIGHT - 0.5]) {
      this.drawing.append(svg("line", { x1: 0, x2: WIDTH, y1: y, y2: y, class: "rule", "vector-effect": "non-scaling-stroke" }));
    }
    this.drawing.append(this.area, this.second, this.line);
    this.title = el("h2", {});
    this.value = el("p", { class: "value" });
    this.under = el("p", { class: "under" });
    this.top = el("span", { class: "top", "aria-hidden": "true" });
    this.node = el("section", { class: "chart" }, el("div", { class: "chead" }, this.title, this.value), el("div", { class: "plot" }, this.drawing, this.top), this.under);
  }

  push(points) {
    for (const point of points) {
      this.values.push(this.main(point));
      this.others.push(this.also ? this.also(point) : null);
    }
    this.values.splice(0, this.values.length - POINTS);
    this.others.splice(0, this.others.length - POINTS);
    this.draw();
  }

  reset() {
    this.values = [];
    this.others = [];
  }

  draw() {
    const known = this.values.filter((v) => v !== null);
    const most = Math.max(0, ...known);
    const scale = ceiling(most, this.least);
    const now = this.values.at(-1) ?? null;
    this.title.textContent = t(this.name);
    this.value.textContent = now === null ? "–" : this.unit(now);
    this.top.textContent = this.unit(scale);
    this.under.textContent = this.note ? this.note(this.values, this.others) : "";
    this.drawing.setAttribute("aria-label", t("chart", { name: t(this.name), now: this.value.textContent, most: this.unit(most), n: number(POINTS / 60) }));
    const line = this.#path(this.values, scale);
    this.line.setAttribute("d", line.d);
    this.area.setAttribute("d", line.area);
    this.second.setAttribute("d", this.also ? this.#path(this.others, scale).d : "");
  }

  // Where there is no value (nothing was stored in that second), the line goes on from the last one.
  #path(values, scale) {
    const step = WIDTH / (POINTS - 1);
    let d = "";
    let [first, x] = [0, 0];
    values.forEach((value, i) => {
      if (value === null) return;
      x = WIDTH - (values.length - 1 - i) * step;
      const y = HEIGHT - (Math.min(value, scale) / scale) * (HEIGHT - TOP);
      if (!d) first = x;
      d += d ? `L${x.toFixed(1)} ${y.toFixed(1)}` : `M${x.toFixed(1)} ${y.toFixed(1)}h0`; // h0: one alone is a dot
    });
    return { d, area: d ? `${d}L${x.toFixed(1)} ${HEIGHT}L${first.toFixed(1)} ${HEIGHT}Z` : "" };
  }
}
