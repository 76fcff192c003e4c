// Puts the page together: what is told goes to the state, what changed goes to the views.

import { post, showEntrance } from "./entrance.js";
import { Connection } from "./socket.js";
import { State } from "./state.js";
import { translate } from "./text.js";
import * as log from "./view-log.js";
import { showRooms, showState } from "./view-rooms.js";

const PAGE = 100; // events fetched when one scrolls up
const connection = new Connection();
const state = new State();
let first = "lobby";
let fetching = false;
const $ = (id) => document.getElementById(id);

async function open(name, after = null) {
  let room = state.room(name);
  try {
    const answer = await connection.ask("open", after === null ? { room: name } : { room: name, after });
    if (answer.room !== name) state.rooms.delete(name);
    room = state.room(answer.room);
    if (answer.more && after !== null) return await open(answer.room);
    room.opened(answer, after);
    $("notice").textContent = "";
    return room;
  } catch (refusal) {
    if (refusal.code === "offline") return null;
    $("notice").textContent = refusal.message;
    if (room.cursor === null) state.rooms.delete(name);
    return null;
  }
}

async function choose(name) {
  const room = await open(name);
  if (room) {
    state.shown = room.name;
    room.unread = 0;
    $("text").focus();
  }
  show();
}

function show() {
  const room = state.rooms.get(state.shown);
  showRooms(state, choose);
  showState(state);
  if (!room) return;
  $("room-name").textContent = `#${room.name}`;
  $("topic").textContent = room.topic;
  log.show(room);
}

async function catchUp() {
  if (!state.shown) return choose(first);
  await open(state.shown, state.room(state.shown).cursor);
  show();
}

function happened(name, events) {
  const room = state.room(name);
  const fresh = room.take(events);
  if (fresh === null) {
    open(name, room.cursor).then(() => name === state.shown && show());
  } else if (name === state.shown) {
    log.append(fresh);
  } else {
    const said = events.filter((event) => event.sid !== state.sid && ["say", "act"].includes(event.kind));
    room.unread += said.length;
    showRooms(state, choose);
  }
}

function settled(key, why) {
  for (const room of state.rooms.values()) {
    const said = room.pending.get(key);
    if (!said) continue;
    const shown = room.name === state.shown;
    room.pending.delete(key);
    if (shown) log.settled(key);
    if (!why) continue;
    said.refused = why;
    room.pending.set(key, said);
    if (shown) log.pending(key, said);
  }
}

const TOLD = {
  welcome(told) {
    state.welcome(told);
    showState(state);
    showRooms(state, choose);
    if (told.state === "online") catchUp();
  },
  events: (told) => happened(told.room, told.events),
  gap(told) {
    const room = state.rooms.get(told.room);
    if (room) room.cursor = Math.max(room.cursor ?? 0, told.before - 1);
    if (told.room === state.shown) log.gap();
  },
  ack: (told) => settled(told.key, ""),
  refused: (told) => settled(told.key, told.error.message),
  joined(told) {
    state.room(told.room);
    showRooms(state, choose);
  },
  left(told) {
    state.rooms.delete(told.room);
    if (state.shown === told.room) state.shown = null;
    showRooms(state, choose);
    if (told.message) $("notice").textContent = told.message;
  },
  bye: () => location.reload(),
};

connection.addEventListener("told", ({ detail }) => TOLD[detail.kind]?.(detail));
connection.addEventListener("lost", () => {
  state.link = "offline";
  showState(state);
});
connection.addEventListener("over", () => showEntrance(begin));

function begin(room) {
  first = room;
  $("chat").hidden = false;
  connection.open();
}

$("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const room = state.rooms.get(state.shown);
  const said = $("text").value.trim();
  if (!room || !said) return;
  $("text").value = "";
  const key = connection.say({ room: room.name, text: said });
  const shown = { kind: "say", nick: state.nick, text: said };
  room.pending.set(key, shown);
  log.pending(key, shown);
});
$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("say").requestSubmit();
});
$("join").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("join-room").value.trim();
  $("join-room").value = "";
  if (name) choose(name);
});
$("leave").addEventListener("click", async () => {
  connection.close();
  await post("/api/leave", {});
  location.reload();
});
log.atTop(async () => {
  const room = state.rooms.get(state.shown);
  if (fetching || !room?.events.length || room.events[0].seq <= room.oldest) return;
  fetching = true;
  try {
    const before = room.events[0].seq;
    const page = await connection.ask("history", { room: room.name, before, limit: PAGE });
    room.older(page.events);
    if (!page.more) room.oldest = room.events[0].seq;
    if (room.name === state.shown) log.prepend(page.events);
  } catch {
    // offline: scrolling again asks again
  } finally {
    fetching = false;
  }
});

translate();
begin("lobby"); // who has no cookie is told so, and chooses a nickname
