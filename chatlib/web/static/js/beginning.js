// What stands above the first message that is loaded, and who is typing below the last one.

import { plain } from "./bidi.js";
import { clear, el, icon } from "./dom.js";
import { lang, t } from "./i18n.js";

export function showStart(node, talk) {
  const state = stateOf(talk);
  const stamp = [state, talk.key, talk.topic, talk.private, lang()].join(" ");
  if (stamp === node.dataset.stamp) return;
  node.dataset.stamp = stamp;
  node.className = `start ${state}`;
  const loading = el("span", { class: "hidden" }, t("loading"));
  if (state === "loading") clear(node, Array.from({ length: 7 }, ghost), loading);
  else if (state === "fetching" || state === "more")
    clear(node, el("span", { class: "spin", "aria-hidden": "true" }), loading);
  else clear(node, mark(talk), el("h2", {}, title(talk)), el("p", {}, lead(talk, state)));
}

function stateOf(talk) {
  if (!talk.loaded || talk.loading) return "loading";
  if (talk.hasOlder) return talk.fetching ? "fetching" : "more";
  return talk.items.some((item) => item.spoken) ? "begin" : "empty";
}

function ghost(_, i) {
  return el("div", { class: `ghost g${i % 4}`, "aria-hidden": "true" }, el("i"), el("b"), el("s"));
}

function mark(talk) {
  const name = talk.isRoom ? (talk.private ? "lock" : "hash") : "chat";
  return el("div", { class: "mark", "aria-hidden": "true" }, icon(name));
}

function title({ isRoom, name }) {
  return t(isRoom ? "emptyRoom" : "emptyPeer", { name });
}

function lead(talk, state) {
  if (!talk.isRoom) return t("emptyPeerLead");
  if (state === "empty") return t("emptyRoomLead");
  return talk.topic ? plain(talk.topic) : t("beginning");
}

export function showTyping(node, names) {
  if (!names.length) {
    clear(node);
    return;
  }
  const [a, b] = names;
  const text =
    names.length > 2
      ? t("typingN")
      : names.length === 2
        ? t("typing2", { a, b })
        : t("typing1", { a });
  const dots = el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
  clear(node, dots, el("span", {}, text));
}
