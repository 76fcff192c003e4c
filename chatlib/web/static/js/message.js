// One row of a conversation, drawn.

import { plain } from "./bidi.js";
import { avatar, el, icon, tint } from "./dom.js";
import { because, clockTime, dayName, fullTime, listed, moment, t, why } from "./i18n.js";
import { isEmoji, rich, summary } from "./text.js";

const MOST_SIGNS = 24;
const MOST_NAMES = 20;
const RULING = new Set(["role", "mute", "unmute", "ban", "unban"]);

const people = (items) => [...new Set(items.map((item) => item.nick))];

// A line that tells what happened; `run` are the like of it that follow each other.
function told(item, run = [item]) {
  const event = item.event;
  const { nick } = item;
  const to = event.to ?? "";
  switch (item.kind) {
    case "join":
      return t("joined", { names: people(run), n: run.length });
    case "leave":
      if (event.reason === "kicked" || event.reason === "banned")
        return t(event.reason, { nick, by: event.by ?? "" }) + because(event.text);
      return t(event.reason === "timeout" ? "timedOut" : "left", {
        names: people(run),
        n: run.length,
      });
    case "nick":
      return t("renamed", { old: event.old ?? "", nick });
    case "topic":
      return item.text ? t("topicSet", { nick, text: item.text }) : t("topicCleared", { nick });
    case "role":
      return event.role === "none"
        ? t("roleNone", { nick, to })
        : t("roleSet", { nick, to, role: t(event.role) });
    case "mute":
      return t("muted", { nick, to }) + until(event);
    case "unmute":
      return t("unmuted", { nick, to });
    case "ban":
      return t("bannedBy", { nick, to }) + because(event.text);
    case "unban":
      return t("unbanned", { nick, to });
    default:
      return "";
  }
}

const until = (event) =>
  event.until ? ` ${t("until", { time: moment(Date.parse(event.until)) })}` : "";

// What is read out of an event: what others say, and what is done to others.
export function aloud(event, chat) {
  const { kind, nick, reason } = event;
  if (kind === "say" || kind === "act") {
    const mine = chat.isMe({ author: event.user ?? event.sid });
    return mine ? "" : `${plain(nick)}: ${summary(event.text ?? "")}`;
  }
  const rules = RULING.has(kind) || reason === "kicked";
  return rules && !chat.concerns(event) ? told({ event, kind, nick }) : "";
}

// Reactions as they will be when what waits is sent.
function reactions(item, over, me) {
  const found = new Map([...(item.reactions ?? [])].map(([sign, who]) => [sign, new Map(who)]));
  for (const entry of over ?? []) {
    if (entry.line.kind !== "react" || entry.error) continue;
    const who = found.get(entry.line.text) ?? new Map();
    if (!who.delete(me.user)) who.set(me.user, me.nick);
    if (who.size) found.set(entry.line.text, who);
    else found.delete(entry.line.text);
  }
  return found;
}

export class Drawing {
  constructor({ me, isMe, hasMenu, find, act, names }) {
    Object.assign(this, { me, isMe, hasMenu, find, act, names });
  }

  row(row, active) {
    const { item } = row;
    const node = el("div", {
      class: `row${row.head ? " first" : ""}${item.spoken ? "" : " told"}${this.isMe(item) ? " mine" : ""}`,
      role: "article",
      tabindex: active ? "0" : "-1",
      "data-key": String(row.key),
    });
    if (row.day) node.append(el("div", { class: "day" }, el("span", {}, dayName(item.at))));
    if (row.lost) node.append(el("div", { class: "lost" }, t("gap")));
    if (row.unread) node.append(el("div", { class: "new" }, el("span", {}, t("newLine"))));
    node.append(item.spoken ? this.spoken(row, node) : this.told(row, node));
    return node;
  }

  // What stands above a row.
  before(row) {
    return [
      row.day ? dayName(row.item.at) : "",
      row.lost ? t("gap") : "",
      row.unread ? t("newLine") : "",
    ].filter(Boolean);
  }

  told(row, node) {
    const { item, run } = row;
    const text = told(item, run ?? [item]);
    node.setAttribute("aria-label", [...this.before(row), text].join(". "));
    return el(
      "div",
      { class: "line" },
      el("span", {}, text),
      " ",
      el(
        "time",
        { datetime: new Date(item.at).toISOString(), title: fullTime(item.at) },
        clockTime(item.at),
      ),
    );
  }

  spoken(row, node) {
    const { item, over } = row;
    const edit = over?.findLast((entry) => entry.line.kind === "edit" && !entry.error);
    const gone =
      item.deleted || over?.some((entry) => entry.line.kind === "delete" && !entry.error);
    const failed = over?.find((entry) => entry.error) ?? (item.entry?.error ? item.entry : null);
    const text = edit?.line.text ?? item.text;
    const nick = plain(item.nick);
    const waits = item.entry && !item.entry.done;
    const said = `${nick}, ${clockTime(item.at)}: ${gone ? t("deleted") : summary(text)}`;
    const fate = failed ? t("notSent", { why: why(failed.error) }) : waits ? t("waiting") : "";
    const label = [...this.before(row), said, fate].filter(Boolean).join(". ");
    node.setAttribute("aria-label", label);
    if (this.isCalled(item, text)) node.classList.add("called");
    if (waits) node.classList.add("waits");
    const body = el("div", { class: "body" });
    const re = item.event?.re ?? item.re;
    if (re && !gone) body.append(this.quote(re));
    if (row.head) {
      body.append(
        el(
          "div",
          { class: "by" },
          this.author(item, nick),
          item.event?.bot ? el("span", { class: "tag" }, t("bot")) : null,
          el(
            "time",
            { datetime: new Date(item.at).toISOString(), title: fullTime(item.at) },
            clockTime(item.at),
          ),
        ),
      );
    }
    body.append(gone ? el("p", { class: "gone" }, t("deleted")) : this.words(item, text, edit));
    const signs = gone ? null : this.signs(row);
    if (signs) body.append(signs);
    if (failed) body.append(this.failed(failed));
    const side = row.head
      ? avatar(nick)
      : el(
          "time",
          {
            class: "small",
            datetime: new Date(item.at).toISOString(),
            title: fullTime(item.at),
            "aria-hidden": "true",
          },
          clockTime(item.at),
        );
    return el("div", { class: `msg${item.kind === "act" ? " acts" : ""}` }, side, body);
  }

  // By a pointer, or by a touch; who uses keys has one for it.
  author(item, nick) {
    const look = { class: `nick c${tint(nick)}` };
    if (!this.hasMenu(item)) return el("span", look, nick);
    const more = { type: "button", tabindex: "-1", "aria-haspopup": "menu" };
    return el("button", { ...look, ...more }, nick);
  }

  isCalled(item, text) {
    return !this.isMe(item) && this.names.called(text);
  }

  words(item, text, edit) {
    const { nodes, files } = rich(text, this.names);
    const words = el("div", {
      class: text.length < 24 && isEmoji(text) ? "words jumbo emoji" : "words",
      dir: "auto",
    });
    if (item.kind === "act") words.append(el("span", { class: "actor" }, plain(item.nick)), " ");
    words.append(...nodes);
    if (item.edited || edit) words.append(" ", el("span", { class: "edited" }, `(${t("edited")})`));
    if ((item.entry && !item.entry.done && !item.entry.error) || edit)
      words.append(
        " ",
        el(
          "span",
          { class: "clock", title: t("waiting") },
          icon("clock"),
          el("span", { class: "hidden" }, t("waiting")),
        ),
      );
    return files.length
      ? el(
          "div",
          {},
          nodes.some((node) => typeof node !== "string" || node.trim()) ? words : null,
          el("div", { class: "files" }, files),
        )
      : words;
  }

  quote(re) {
    const found = this.find(re);
    const label = found
      ? `${plain(found.nick)}: ${found.deleted ? t("deleted") : summary(found.text)}`
      : t("replyGone");
    return el(
      "button",
      { type: "button", class: "quote", title: t("jump"), "data-jump": String(re) },
      icon("reply"),
      found ? el("span", { class: `nick c${tint(plain(found.nick))}` }, plain(found.nick)) : null,
      el(
        "span",
        { class: "what" },
        found ? (found.deleted ? t("deleted") : summary(found.text)) : label,
      ),
    );
  }

  signs(row) {
    const found = reactions(row.item, row.over, this.me);
    if (!found.size) return null;
    const buttons = [...found].slice(0, MOST_SIGNS).map(([sign, who]) => {
      const names = listed([...who.values()], MOST_NAMES);
      return el(
        "button",
        {
          type: "button",
          class: who.has(this.me.user) ? "sign mine" : "sign",
          "aria-pressed": String(who.has(this.me.user)),
          title: names,
          "aria-label": `${plain(sign)}: ${names}`,
          "data-sign": sign,
        },
        el("span", { class: isEmoji(sign) ? "s emoji" : "s" }, plain(sign)),
        el("span", { class: "n" }, String(who.size)),
      );
    });
    const more = found.size - buttons.length;
    if (more > 0) buttons.push(el("span", { class: "part" }, t("others", { n: more })));
    return el("div", { class: "signs" }, buttons);
  }

  failed(entry) {
    return el(
      "div",
      { class: "failed" },
      icon("warn"),
      el("span", {}, t("notSent", { why: why(entry.error) })),
      el(
        "button",
        { type: "button", class: "link", onclick: () => this.act("retry", entry) },
        t("retry"),
      ),
      el(
        "button",
        { type: "button", class: "link", onclick: () => this.act("discard", entry) },
        t("discard"),
      ),
    );
  }
}
