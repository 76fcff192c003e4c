// The list of rooms, and the line that says who and where one is.

import { text } from "./text.js";

const list = document.getElementById("rooms");

export function showRooms(state, choose) {
  const items = [...state.rooms.values()].map((room) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(`#${room.name}`);
    button.setAttribute("aria-current", String(room.name === state.shown));
    if (room.unread) {
      const badge = document.createElement("span");
      badge.className = "unread";
      badge.textContent = room.unread > 99 ? "99+" : room.unread;
      button.append(badge);
    }
    button.addEventListener("click", () => choose(room.name));
    const item = document.createElement("li");
    item.append(button);
    return item;
  });
  list.replaceChildren(...items);
}

export function showState(state) {
  document.getElementById("who").textContent = state.nick;
  document.getElementById("link-state").textContent = text(state.link);
}
