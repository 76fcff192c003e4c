// What the operator's dialogs are made of: fields, a form that asks the broker, what was done.

import { announce, el } from "../js/dom.js";
import { dialog } from "../js/dialogs.js";
import { t, why } from "./words.js";

let ids = 0;

export function labelled(word, control) {
  control.id = `f${++ids}`;
  return el("div", { class: "pair" }, el("label", { for: control.id }, t(word)), control);
}

export const choice = (options, chosen) => el("select", {}, ...options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
export const roomChoice = (names) => choice(names.map((name) => [name, name]), names[0]);
export const reason = (word = "reasonHint") => el("input", { type: "text", maxlength: 120, placeholder: t(word), autocomplete: "off" });
export const facts = (pairs) => el("dl", { class: "facts" }, ...pairs.flatMap(([word, value]) => [el("dt", {}, t(word)), el("dd", {}, value)]));
export const action = (word, kind, onclick) => el("button", { type: "button", class: kind, onclick }, t(word));

// A field for a room's name that offers some; one that is not among them may be typed.
export function roomField(names, value) {
  const list = el("datalist", { id: `rooms${++ids}` }, ...names.map((name) => el("option", { value: name })));
  const field = el("input", { type: "text", value, maxlength: 50, required: true, list: list.id, autocomplete: "off", spellcheck: "false" });
  return { field, list };
}

// What stands behind an open dialog is neither seen nor read out: then it is said in there.
export function said(text) {
  const above = document.querySelector("dialog[open]");
  const note = el("div", { class: "toast opnote", ...(above ? { role: "status" } : { "aria-hidden": "true" }) }, text);
  if (!above) announce(text);
  document.querySelector(".opnote")?.remove();
  (above ?? document.body).append(note);
  setTimeout(() => note.remove(), 5000);
}

// Ask, and say what went wrong where that fails; return the answer, or null.
export async function asked(line, op, fields) {
  try {
    return await line.ask(op, fields);
  } catch (error) {
    said(why(error));
    return null;
  }
}

// A form that asks; it says why where that is refused, and may be tried again.
export function form(fields, buttons, send) {
  const fault = el("p", { class: "fault", role: "alert" });
  const node = el("form", {}, ...fields, fault, el("div", { class: "buttons" }, ...buttons));
  const yes = buttons.at(-1);
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (yes.disabled) return;
    yes.disabled = true;
    fault.textContent = "";
    try {
      await send();
    } catch (error) {
      fault.textContent = why(error);
    }
    yes.disabled = false;
  });
  return node;
}

// A deed in a dialog of its own. The first field has the focus; without one, the way out.
export function deed(title, lead, fields, button, send, { bad = true } = {}) {
  const no = action("cancel", "quiet", () => node.close());
  const yes = el("button", { class: bad ? "danger" : "primary" }, button);
  const body = form(fields, [no, yes], async () => {
    await send();
    node.close();
    said(t("done", { what: title }));
  });
  (body.querySelector("input, select") ?? no).autofocus = true;
  const node = dialog(title, lead ? el("p", { class: "lead" }, lead) : "", body);
  return node;
}
