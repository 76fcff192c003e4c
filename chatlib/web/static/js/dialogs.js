// What opens above the page: finding rooms and people, and questions.

import { plain } from "./bidi.js";
import { avatar, clear, el, icon, iconButton, roving } from "./dom.js";
import { t, why } from "./i18n.js";
import { nickKey } from "./store.js";

export function dialog(title, ...content) {
  const node = el(
    "dialog",
    { class: "sheet", "aria-label": title },
    el(
      "div",
      { class: "shead" },
      el("h2", {}, title),
      iconButton("close", t("close"), () => node.close()),
    ),
    ...content,
  );
  node.addEventListener("click", (event) => event.target === node && node.close());
  node.addEventListener("close", () => node.remove());
  document.body.append(node);
  node.showModal();
  return node;
}

// `content` above two buttons. `submit` does it; where that fails, why stands there, and when it
// answers false, nothing happens.
export function form(title, content, yes, submit, { harms = false } = {}) {
  const fault = el("p", { class: "fault", role: "alert" });
  const button = el("button", { class: harms ? "danger" : "primary" }, yes);
  const cancel = { type: "button", class: "quiet", onclick: () => node.close() };
  const asked = el(
    "form",
    {
      onsubmit: async (event) => {
        event.preventDefault();
        button.disabled = true;
        fault.textContent = "";
        try {
          if ((await submit()) !== false) node.close();
        } catch (error) {
          const other = error.suggestion && t("useSuggestion", { nick: error.suggestion });
          fault.textContent = why(error) + (other ? ` ${other}?` : "");
        }
        button.disabled = false;
        if (node.open) (asked.querySelector("input") ?? button).focus();
      },
    },
    ...content,
    fault,
    el("div", { class: "buttons" }, el("button", cancel, t("cancel")), button),
  );
  const node = dialog(title, asked);
  (asked.querySelector("input:checked, input") ?? button).focus();
  return node;
}

export const lead = (text) => el("p", { class: "lead" }, text);

export function ask(title, text, yes) {
  return new Promise((answer) => {
    let granted = false;
    const grant = () => {
      granted = true;
    };
    const node = form(title, [lead(text)], yes, grant, { harms: true });
    node.addEventListener("close", () => answer(granted));
  });
}

// One of a few, as a row of segments.
export function choice(name, label, options, value, change) {
  return el(
    "fieldset",
    { class: "choice" },
    el("legend", {}, label),
    el(
      "div",
      { class: "segments" },
      options.map(([key, text]) => {
        const input = el("input", { type: "radio", name, value: key, onchange: () => change(key) });
        input.checked = key === value;
        return el("label", {}, input, el("span", {}, text));
      }),
    ),
  );
}

// A field above a list that it narrows; Enter takes the first.
function finder(title, placeholder, fill, more = null) {
  const field = el("input", {
    type: "text",
    placeholder,
    "aria-label": placeholder,
    autocomplete: "off",
    spellcheck: "false",
    maxlength: "64",
  });
  const list = el("div", { class: "picks" });
  const node = dialog(title, el("div", { class: "field" }, icon("search"), field), more, list);
  const draw = () => {
    clear(list, fill(field.value.trim(), node));
    const first = list.querySelector(".pick");
    if (first) first.tabIndex = 0;
  };
  field.addEventListener("input", draw);
  field.addEventListener("keydown", (event) => {
    const first = list.querySelector(".pick");
    if (event.key === "Enter" && first) {
      event.preventDefault();
      first.click();
    }
    if (event.key === "ArrowDown" && first) {
      event.preventDefault();
      first.focus();
    }
  });
  roving(list, ".pick");
  list.addEventListener(
    "keydown",
    (event) =>
      event.key === "ArrowUp" &&
      document.activeElement === list.querySelector(".pick") &&
      field.focus(),
  );
  field.focus();
  draw();
  return { node, draw, list };
}

function pick(lead, name, more, onclick) {
  return el(
    "button",
    { type: "button", class: "pick", tabindex: "-1", onclick },
    lead,
    el(
      "span",
      { class: "texts" },
      el("span", { class: "name" }, name),
      more ? el("span", { class: "more" }, more) : null,
    ),
  );
}

export function quick(chat, act) {
  const fill = (words, node) => {
    const key = nickKey(words.replace(/^[#@]/, ""));
    return [...chat.talks.values()]
      .filter((talk) => nickKey(talk.name).includes(key))
      .sort(
        (a, b) =>
          (b.unread > 0) - (a.unread > 0) ||
          nickKey(a.name).indexOf(key) - nickKey(b.name).indexOf(key) ||
          a.name.localeCompare(b.name),
      )
      .slice(0, 40)
      .map((talk) =>
        pick(
          talk.isRoom ? icon(talk.private ? "lock" : "hash") : avatar(talk.name, "tiny"),
          plain(talk.name),
          talk.unread ? t("unread", { n: talk.unread }) : plain(talk.topic),
          () => {
            node.close();
            act("go", talk);
          },
        ),
      );
  };
  finder(t("quick"), t("quickPlaceholder"), fill);
}

export async function browse(chat, act) {
  let rooms = [];
  const hidden = el("input", { type: "checkbox" });
  const fill = (words, node) => {
    const name = words.replace(/^#+/, "");
    const found = rooms
      .filter(
        ({ room, topic }) =>
          room.includes(name.toLowerCase()) ||
          (topic ?? "").toLowerCase().includes(name.toLowerCase()),
      )
      .slice(0, 200);
    const go = (room, create) => {
      node.close();
      act("enterRoom", room, create);
    };
    const rows = found.map(({ room, members, topic, private: closed }) =>
      pick(
        icon(closed ? "lock" : "hash"),
        plain(room),
        [
          t("memberCount", { n: members }),
          chat.talks.has(`r:${room}`) ? t("joinedMark") : "",
          plain(topic ?? ""),
        ]
          .filter(Boolean)
          .join(" · "),
        () => go(room, null),
      ),
    );
    if (name && !rooms.some(({ room }) => room === name.toLowerCase()))
      rows.push(
        pick(icon("plus"), t("createRoom", { name }), found.length ? "" : t("noRooms"), () =>
          go(name, { private: hidden.checked }),
        ),
      );
    return rows;
  };
  const { draw, list } = finder(
    t("browseTitle"),
    t("browseFilter"),
    fill,
    el(
      "label",
      { class: "check" },
      hidden,
      el("span", {}, t("createPrivate"), el("small", {}, t("privateHint"))),
    ),
  );
  try {
    rooms = (await chat.ask("rooms")).rooms;
    draw();
  } catch (error) {
    clear(list, lead(why(error)));
  }
}

export async function newPrivate(chat, act) {
  let people = [];
  const fill = (words, node) => {
    const key = nickKey(words.replace(/^@/, ""));
    const go = (nick) => {
      node.close();
      act("person", nick);
    };
    const rows = people
      .filter(({ nick }) => nickKey(nick).includes(key))
      .slice(0, 200)
      .map(({ nick, bot }) =>
        pick(avatar(nick, "tiny"), plain(nick), bot ? t("bot") : "", () => go(nick)),
      );
    if (key && !people.some(({ nick }) => nickKey(nick) === key) && !/[\s/]/.test(key))
      rows.push(pick(icon("chat"), t("privateOther", { nick: words }), "", () => go(words)));
    if (!rows.length) rows.push(lead(t("privateNoOne")));
    return rows;
  };
  const { draw, list } = finder(t("privateTitle"), t("privateFilter"), fill);
  try {
    people = (await chat.ask("who", {})).members.filter(({ nick }) => nick !== chat.me.nick);
    draw();
  } catch (error) {
    clear(list, lead(why(error)));
  }
}

export function line(title, label, value, most, save, { empty = false } = {}) {
  const field = el("input", {
    type: "text",
    "aria-label": label,
    value,
    maxlength: String(most),
    autocomplete: "off",
  });
  const submit = () => (empty || field.value.trim() ? save(field.value.trim()) : false);
  form(title, [el("div", { class: "field" }, field)], t("save"), submit);
  field.select();
}
