// Choosing a nickname, with the token of a link where it brought one.

import { text } from "./text.js";

const form = document.getElementById("enter");
const error = document.getElementById("enter-error");

// The token stands behind '#', which browsers keep to themselves; then it leaves the address bar.
const token = new URLSearchParams(location.hash.slice(1)).get("t") ?? "";
if (token) history.replaceState(null, "", location.pathname);

export async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return answer.json();
}

export function showEntrance(entered) {
  document.getElementById("chat").hidden = true;
  document.getElementById("entrance").hidden = false;
  form.nick.focus();
  form.onsubmit = async (event) => {
    event.preventDefault();
    error.textContent = "";
    let answer;
    try {
      answer = await post("/api/enter", { nick: form.nick.value.trim(), token });
    } catch {
      error.textContent = text("offlineEnter");
      return;
    }
    if (answer.ok) {
      document.getElementById("entrance").hidden = true;
      entered(answer.room || "lobby");
      return;
    }
    error.textContent = answer.error.message;
    if (answer.error.suggestion) form.nick.value = answer.error.suggestion;
  };
}
