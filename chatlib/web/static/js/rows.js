// A conversation's items as rows: which begins a day, which the unread, which follows its like.

const TOGETHER_MS = 5 * 60 * 1000;
const QUIET = new Set(["left", "timeout"]);
const ABOUT = new Set(["edit", "delete", "react"]);

// Who comes and goes is told in one line for all; who is put out is not.
const quiet = ({ kind, event }) =>
  kind === "join" || (kind === "leave" && QUIET.has(event.reason ?? "left"));

// What waits in the outbox, as items behind the others, and what it does to earlier ones.
export function waiting(talk, entries, me) {
  const said = [];
  const over = new Map();
  for (const entry of entries) {
    const { kind, text, re } = entry.line;
    if (ABOUT.has(kind)) {
      const known = over.get(re) ?? [];
      known.push(entry);
      if (!entry.shown) over.set(re, known);
    } else if (!talk.bySeq.has(entry.seq ?? entry.shown)) {
      said.push({
        seq: 0,
        key: entry.key,
        entry,
        at: entry.at,
        day: new Date(entry.at).setHours(0, 0, 0, 0),
        kind,
        nick: me.nick,
        author: me.user,
        spoken: true,
        text,
        re,
        edited: false,
        deleted: false,
        reactions: null,
        stamp: entry.error ? 2 : 1,
      });
    }
  }
  return { said, over };
}

// `unreadAfter`: the line stands before what others said behind this seq; 0 for none.
export function rows(talk, { said, over }, { unreadAfter, isMe, width }) {
  const found = [];
  const perLine = Math.max(20, (Math.min(width, 860) - 90) / 7.4);
  let last = null;
  let lined = !unreadAfter;
  let gap = 0;
  const all = said.length ? [...talk.items, ...said] : talk.items;
  for (const item of all) {
    const day = !last || item.day !== last.item.day;
    let unread = false;
    if (!lined && item.seq > unreadAfter && item.spoken && !isMe(item)) lined = unread = true;
    let lost = false;
    while (gap < talk.gaps.length && item.seq >= talk.gaps[gap].before) {
      lost = true;
      gap += 1;
    }
    if (
      last?.run &&
      quiet(item) &&
      last.item.kind === item.kind &&
      last.item.event.reason === item.event.reason &&
      !day &&
      !unread &&
      !lost
    ) {
      last.run.push(item);
      last.stamp = `run${last.run.length}`;
      continue;
    }
    const head =
      item.spoken &&
      (day ||
        unread ||
        lost ||
        !last ||
        !last.item.spoken ||
        last.item.author !== item.author ||
        last.item.nick !== item.nick ||
        last.item.kind !== item.kind ||
        item.kind === "act" ||
        item.at - last.item.at > TOGETHER_MS ||
        Boolean(item.event?.re ?? item.re));
    const marks = (head ? 1 : 0) + (day ? 2 : 0) + (unread ? 4 : 0) + (lost ? 8 : 0);
    const changed = over.get(item.seq);
    const stamp = item.stamp * 16 + marks;
    const row = (item.row ??= {
      key: item.key ?? item.seq,
      item,
      run: null,
      height: 0,
      i: 0,
      guess: item.spoken
        ? (head ? 34 : 4) +
          22 * Math.ceil((item.text.length || 1) / perLine) +
          (item.reactions ? 32 : 0)
        : 28,
    });
    row.head = head;
    row.day = day;
    row.unread = unread;
    row.lost = lost;
    row.over = changed;
    row.run = quiet(item) ? [item] : null;
    row.stamp = changed
      ? `${stamp}|${changed.map((entry) => entry.key + (entry.error ? "!" : "")).join()}`
      : stamp;
    last = row;
    found.push(last);
  }
  return found;
}
