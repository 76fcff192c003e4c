// A list of any length of which the page holds what can be seen, and a little more.
//
// Each row has a key, a stamp (another stamp: it is drawn anew), a guess of its height, and the height
// once it was measured; `i` is where it stands. A row of the same key may be the same object again. What is above and below the rows that are there is two empty boxes. Whatever
// changes, the row that one looks at stays where it is; at the end, the end does.

const BEYOND = 900; // pixels drawn above and below what is seen
const NEAR = 1200; // pixels before an end of what is loaded at which more is asked for

export class Timeline {
  constructor({ scroller, list, draw, needOlder, needNewer, scrolled }) {
    Object.assign(this, { scroller, list, draw, needOlder, needNewer, scrolled });
    this.top = document.createElement("div");
    this.bottom = document.createElement("div");
    this.top.setAttribute("aria-hidden", "true");
    this.bottom.setAttribute("aria-hidden", "true");
    list.before(this.top);
    list.after(this.bottom);
    this.rows = [];
    this.index = new Map();
    this.nodes = new Map();
    this.sums = new Float64Array(1);
    this.stick = true;
    this.frame = 0;
    this.put = 0;
    scroller.addEventListener("scroll", () => this.onScroll(), { passive: true });
    this.width = 0;
    new ResizeObserver(() => this.resized()).observe(scroller);
    new ResizeObserver(() => this.later()).observe(list);
  }

  // Another conversation.
  reset() {
    this.rows = [];
    this.index.clear();
    this.nodes.clear();
    this.list.replaceChildren();
    this.stick = true;
    this.put = this.scroller.scrollTop;
    this.sum();
    this.top.style.height = this.bottom.style.height = "0px";
  }

  set(rows) {
    this.note();
    const anchor = this.stick ? null : this.anchor();
    this.rows = rows;
    for (let i = 0; i < rows.length; i += 1) {
      const row = rows[i];
      row.i = i;
      if (this.index.get(row.key) !== row) this.index.set(row.key, row);
    }
    this.sum();
    this.render(anchor);
  }

  sum() {
    const rows = this.rows;
    const sums = (this.sums =
      this.sums.length > rows.length
        ? this.sums
        : new Float64Array(Math.ceil(rows.length * 1.5) + 64));
    let total = 0;
    sums[0] = 0;
    for (let i = 0; i < rows.length; i += 1) {
      total += rows[i].height || rows[i].guess;
      sums[i + 1] = total;
    }
    this.total = total;
  }

  // Where the row of a key stands; undefined where there is none (any more).
  where(key) {
    const row = this.index.get(key);
    return row && this.rows[row.i] === row ? row.i : undefined;
  }

  // The row at a height.
  at(y) {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sums[middle + 1] <= y) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  get offset() {
    return this.top.offsetTop;
  }

  anchor() {
    const y = this.scroller.scrollTop - this.offset;
    const i = Math.min(this.at(Math.max(0, y)), this.rows.length - 1);
    if (i < 0) return null;
    return { key: this.rows[i].key, by: this.sums[i] - y };
  }

  onScroll() {
    this.note();
    this.later();
  }

  // Where the scroller is and was not put by us, somebody has scrolled: the end holds no longer, or
  // again. That must be seen before anything is drawn, or who scrolls is pulled back each time.
  note() {
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    if (Math.abs(scrollTop - this.put) < 1) return;
    this.put = scrollTop;
    this.stick = scrollTop + clientHeight >= scrollHeight - 40;
  }

  later() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.note();
      this.render(this.stick ? null : this.anchor());
      this.scrolled?.();
    });
  }

  resized() {
    this.note();
    const width = this.scroller.clientWidth;
    if (width && width !== this.width) {
      const anchor = this.stick ? null : this.anchor();
      if (this.width) {
        for (const row of this.rows) row.height = 0;
        this.sum();
      }
      this.width = width;
      this.render(anchor);
    } else if (this.stick) {
      this.toEnd();
    } else {
      this.later();
    }
  }

  render(anchor) {
    if (!this.scroller.clientHeight) return;
    for (let pass = 0; pass < 4; pass += 1) {
      if (!this.place(anchor)) break;
    }
    this.feed();
  }

  // Draw what is near the anchor, measure it, put the scroller there. True: look again.
  place(anchor) {
    const { scroller, rows, sums } = this;
    const height = scroller.clientHeight;
    const offset = this.offset;
    let y;
    const fixed = anchor ? this.where(anchor.key) : undefined;
    if (fixed !== undefined) y = sums[fixed] - anchor.by;
    else if (this.stick) y = this.total - height + offset;
    else y = scroller.scrollTop - offset;
    const from = this.at(Math.max(0, y - BEYOND));
    const to = Math.min(rows.length, this.at(Math.max(0, y + height + BEYOND)) + 1);
    this.show(from, to);
    let moved = false;
    for (let i = from; i < to; i += 1) {
      const row = rows[i];
      const real = this.nodes.get(row.key).node.getBoundingClientRect().height;
      if (Math.abs((row.height || row.guess) - real) > 0.01) moved = true;
      row.height = real;
    }
    if (moved) this.sum();
    this.top.style.height = `${this.sums[from]}px`;
    this.bottom.style.height = `${this.total - this.sums[to]}px`;
    let wanted = null;
    if (fixed !== undefined) wanted = this.sums[fixed] - anchor.by + offset;
    else if (this.stick) wanted = scroller.scrollHeight - height;
    if (wanted !== null && Math.abs(scroller.scrollTop - wanted) > 0.5) {
      scroller.scrollTop = wanted;
    }
    this.put = scroller.scrollTop;
    return moved;
  }

  show(from, to) {
    const { rows, nodes, list } = this;
    const wanted = new Set();
    for (let i = from; i < to; i += 1) wanted.add(rows[i].key);
    for (const [key, { node }] of nodes) {
      if (wanted.has(key)) continue;
      if (node.contains(document.activeElement)) this.scroller.focus({ preventScroll: true });
      node.remove();
      nodes.delete(key);
    }
    let next = list.firstElementChild;
    for (let i = from; i < to; i += 1) {
      const row = rows[i];
      const known = nodes.get(row.key);
      if (known && known.stamp === row.stamp) {
        if (known.node === next) next = next.nextElementSibling;
        else list.insertBefore(known.node, next);
        continue;
      }
      const node = this.draw(row, i);
      if (known) {
        const focused = known.node === document.activeElement;
        if (known.node === next) next = next.nextElementSibling;
        known.node.replaceWith(node);
        if (focused) node.focus({ preventScroll: true });
        if (known.node !== node) list.insertBefore(node, next);
      } else {
        list.insertBefore(node, next);
      }
      nodes.set(row.key, { node, stamp: row.stamp });
    }
  }

  // More is loaded before the end of what is there comes into sight.
  feed() {
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    if (scrollTop < NEAR) this.needOlder();
    if (scrollHeight - scrollTop - clientHeight < NEAR) this.needNewer();
  }

  inView(key) {
    const i = this.where(key);
    const y = this.sums[i] + this.offset - this.scroller.scrollTop;
    return y >= 0 && y < this.scroller.clientHeight;
  }

  get atEnd() {
    return this.stick;
  }

  toEnd() {
    this.stick = true;
    this.render(null);
  }

  // Bring a row to the middle, or just into sight.
  to(key, middle = true) {
    const i = this.where(key);
    if (i === undefined) return false;
    const { clientHeight, scrollTop } = this.scroller;
    const offset = this.offset;
    const height = this.rows[i].height || this.rows[i].guess;
    const y = this.sums[i] + offset;
    let by;
    if (middle) by = Math.max(0, (clientHeight - height) / 2);
    else if (y < scrollTop + 8) by = 8;
    else if (y + height > scrollTop + clientHeight - 8) by = Math.max(8, clientHeight - height - 8);
    else return true;
    this.stick = false;
    this.render({ key, by });
    return true;
  }

  node(key) {
    return this.nodes.get(key)?.node ?? null;
  }
}
