// Before one is somebody: the link's token, and a nickname.

import { clear, el } from "./dom.js";
import { t, why } from "./i18n.js";
import { enter } from "./wire.js";

const TOKEN = "hubbub.token";

// The token of a link stands behind '#', which no server sees; it is taken out of the address.
export function takeToken() {
  const found = /^#(?:.*&)?t=([A-Za-z0-9_-]+)/.exec(location.hash);
  if (found) {
    sessionStorage.setItem(TOKEN, found[1]);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(TOKEN) ?? "";
}

export function entrance(root, { settings, entered, notice = "" }) {
  const field = el("input", {
    type: "text",
    id: "nick",
    autocomplete: "nickname",
    autocapitalize: "off",
    spellcheck: "false",
    maxlength: "64",
    "aria-describedby": "nickhint nickfault",
    value: settings.get("nick", ""),
  });
  const fault = el("p", { class: "fault", id: "nickfault", role: "alert" }, notice);
  const other = el("div", { class: "other" });
  const button = el("button", { class: "primary wide" }, t("joinButton"));
  const form = el(
    "form",
    {
      novalidate: true,
      onsubmit: async (event) => {
        event.preventDefault();
        const nick = field.value.trim();
        fault.textContent = "";
        clear(other);
        if (!nick) {
          fault.textContent = t("nickEmpty");
          field.focus();
          return;
        }
        button.disabled = true;
        button.textContent = t("joining");
        try {
          const answer = await enter(nick, takeToken());
          sessionStorage.removeItem(TOKEN);
          settings.set("nick", nick);
          settings.entered();
          entered(answer.room);
        } catch (error) {
          fault.textContent = why(error);
          if (error.suggestion)
            other.append(
              el(
                "button",
                {
                  type: "button",
                  class: "quiet",
                  onclick: () => {
                    field.value = error.suggestion;
                    form.requestSubmit();
                  },
                },
                t("useSuggestion", { nick: error.suggestion }),
              ),
            );
          if (["bad_token", "not_admitted"].includes(error.code)) other.append(invitation());
          button.disabled = false;
          button.textContent = t("joinButton");
          field.focus();
        }
      },
    },
    el("label", { for: "nick" }, t("nickname")),
    field,
    el("p", { class: "note", id: "nickhint" }, t("nickHint")),
    fault,
    other,
    button,
  );
  const language = el(
    "button",
    {
      type: "button",
      class: "link",
      lang: document.documentElement.lang === "ru" ? "en" : "ru",
      onclick: () => {
        settings.set("language", document.documentElement.lang === "ru" ? "en" : "ru");
        entrance(root, { settings, entered });
      },
    },
    document.documentElement.lang === "ru" ? "English" : "Русский",
  );
  clear(
    root,
    el(
      "main",
      { class: "entrance" },
      el(
        "div",
        { class: "card" },
        el("img", { src: "static/icon.svg", alt: "", width: "52", height: "52" }),
        el("h1", {}, t("joinTitle")),
        el("p", { class: "lead" }, t("joinLead")),
        form,
      ),
      el("div", { class: "foot" }, language),
    ),
  );
  field.focus();
}

function invitation() {
  const open = () => {
    const found = /[#&?]t=([A-Za-z0-9_-]+)/.exec(field.value);
    if (found) location.hash = `t=${found[1]}`;
    else (field.setCustomValidity(t("badLink")), field.reportValidity());
  };
  const field = el("input", {
    type: "url",
    "aria-label": t("pasteLink"),
    placeholder: t("pasteLink"),
    oninput: () => field.setCustomValidity(""),
    onkeydown: (event) => {
      if (event.key === "Enter") (event.preventDefault(), open()); // not the form's button
    },
  });
  return el(
    "div",
    { class: "invite" },
    el("p", { class: "note" }, t("noLinkLead")),
    field,
    el("button", { type: "button", class: "quiet", onclick: open }, t("openLink")),
  );
}
