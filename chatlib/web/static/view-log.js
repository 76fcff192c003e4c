// The events of one room as lines. What others wrote is only ever set as text.

import { text } from "./text.js";

const log = document.getElementById("log");
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

function element(kind, className, content) {
  const made = document.createElement(kind);
  made.className = className;
  made.textContent = content;
  return made;
}

function line(event) {
  const made = element("div", "message", "");
  if (event.at) {
    const at = element("time", "at", clock.format(new Date(event.at)));
    at.dateTime = event.at;
    made.append(at, " ");
  }
  const nick = element("bdi", "nick", event.nick);
  if (event.kind === "say") {
    made.append(nick, " ", element("span", "text", event.deleted ? text("deleted") : event.text));
  } else if (event.kind === "act") {
    made.append("* ", nick, " ", element("span", "text", event.text));
  } else if (event.kind === "join" || event.kind === "leave") {
    made.classList.add("event");
    made.append(nick, " ", text(event.kind === "join" ? "joined" : "left"));
  } else {
    return null;
  }
  if (event.seq) made.dataset.seq = event.seq;
  return made;
}

const near = () => log.scrollHeight - log.scrollTop - log.clientHeight < 80;

export function show(room) {
  log.replaceChildren(...room.events.map(line).filter(Boolean));
  for (const [key, said] of room.pending) pending(key, said);
  log.scrollTop = log.scrollHeight;
}

export function append(events) {
  const follow = near();
  const first = log.querySelector(".pending, .refused");
  for (const event of events) {
    const made = line(event);
    if (made) log.insertBefore(made, first);
  }
  if (follow) log.scrollTop = log.scrollHeight;
}

export function prepend(events) {
  const before = log.scrollHeight;
  log.prepend(...events.map(line).filter(Boolean));
  log.scrollTop += log.scrollHeight - before;
}

export function gap() {
  log.append(element("div", "message event", text("gap")));
}

export function pending(key, said) {
  const made = line(said);
  made.classList.add(said.refused ? "refused" : "pending");
  made.dataset.key = key;
  if (said.refused) made.append(" — ", said.refused);
  log.append(made);
  log.scrollTop = log.scrollHeight;
}

export function settled(key) {
  log.querySelector(`[data-key="${CSS.escape(key)}"]`)?.remove();
}

export function atTop(then) {
  log.addEventListener("scroll", () => log.scrollTop < 200 && then(), { passive: true });
}
