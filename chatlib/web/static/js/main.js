// Begins: somebody who is known here sees the chat, everybody else the entrance.

import { App } from "./app.js";
import { Chat } from "./chat.js";
import { entrance, takeToken } from "./entrance.js";
import { t, why } from "./i18n.js";
import { Settings } from "./settings.js";

const root = document.getElementById("app");
const settings = new Settings();
const chat = new Chat(settings);
let app = null;

takeToken();
addEventListener("hashchange", () => takeToken() && location.reload());

// Nothing is shown before it is known which of the two it will be.
root.hidden = true;
const show = () => {
  root.hidden = false;
};
chat.on("online", show);
chat.on("state", () => (chat.net === "lost" || (chat.net === "open" && chat.broker)) && show());

function start(wanted) {
  app = new App(root, chat, settings);
  app.wanted = wanted;
  chat.wire.start();
}

function enterAnew(notice = "") {
  show();
  const known = app?.everOnline;
  chat.wire.stop();
  entrance(root, {
    settings,
    notice: notice || (known ? t("sessionLost") : ""),
    entered: (room) => {
      sessionStorage.setItem("hubbub.room", room ?? "");
      location.reload();
    },
  });
}

chat.on("nobody", () => enterAnew());
chat.on("refused", (error) => enterAnew(why(error)));
const room = sessionStorage.getItem("hubbub.room");
sessionStorage.removeItem("hubbub.room");
start(room ?? undefined);
