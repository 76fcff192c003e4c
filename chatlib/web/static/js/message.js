// One row of a conversation, drawn.

import { avatar, el, icon, tint } from "./dom.js";
import { clockTime, dayName, fullTime, t, why } from "./i18n.js";
import { isEmoji, plain, rich, summary } from "./text.js";

const NAMES = 4;

function people(items) {
  const names = [...new Set(items.map((item) => plain(item.nick)))];
  const shown = names.slice(0, NAMES);
  if (names.length > NAMES) shown.push(t("others", { n: names.length - NAMES }));
  if (shown.length < 2) return shown.join("");
  return `${shown.slice(0, -1).join(", ")} ${t("and")} ${shown.at(-1)}`;
}

function told(item, run) {
  const event = item.event;
  const nick = plain(item.nick);
  const to = plain(event.to ?? "");
  switch (item.kind) {
    case "join":
      return t("joined", { names: people(run), n: run.length });
    case "leave":
      if (event.reason === "kicked" || event.reason === "banned")
        return t(event.reason, { nick, by: plain(event.by ?? "") });
      return t(event.reason === "timeout" ? "timedOut" : "left", {
        names: people(run),
        n: run.length,
      });
    case "nick":
      return t("renamed", { old: plain(event.old ?? ""), nick });
    case "topic":
      return item.text
        ? t("topicSet", { nick, text: plain(item.text) })
        : t("topicCleared", { nick });
    case "role":
      return event.role === "none"
        ? t("roleNone", { nick, to })
        : t("roleSet", { nick, to, role: t(event.role) });
    case "mute":
      return t("muted", { nick, to });
    case "unmute":
      return t("unmuted", { nick, to });
    case "ban":
      return t("bannedBy", { nick, to });
    case "unban":
      return t("unbanned", { nick, to });
    default:
      return "";
  }
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
  constructor({ me, isMe, find, act, names }) {
    Object.assign(this, { me, isMe, find, act, names });
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

  told({ item, run }, node) {
    const text = told(item, run ?? [item]);
    node.setAttribute("aria-label", text);
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
    node.setAttribute(
      "aria-label",
      `${nick}, ${clockTime(item.at)}: ${gone ? t("deleted") : summary(text)}`,
    );
    if (this.isCalled(item, text)) node.classList.add("called");
    if (item.entry && !item.entry.done) node.classList.add("waits");
    const body = el("div", { class: "body" });
    const re = item.event?.re ?? item.re;
    if (re && !gone) body.append(this.quote(re));
    if (row.head) {
      body.append(
        el(
          "div",
          { class: "by" },
          el("span", { class: `nick c${tint(nick)}` }, nick),
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
    const buttons = [...found].map(([sign, who]) =>
      el(
        "button",
        {
          type: "button",
          class: who.has(this.me.user) ? "sign mine" : "sign",
          "aria-pressed": String(who.has(this.me.user)),
          title: [...who.values()].map(plain).join(", "),
          "aria-label": t("reactedBy", {
            sign: plain(sign),
            names: [...who.values()].map(plain).join(", "),
          }),
          "data-sign": sign,
        },
        el("span", { class: isEmoji(sign) ? "s emoji" : "s" }, plain(sign)),
        el("span", { class: "n" }, String(who.size)),
      ),
    );
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
