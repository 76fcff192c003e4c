// The words of the page, in the languages that it speaks.

const TEXTS = {
  en: {
    nickname: "Nickname", enter: "Enter", rooms: "Rooms", joinRoom: "Join a room", leave: "Log out",
    messages: "Messages", message: "Message", send: "Send",
    online: "Connected", greeting: "Connecting …", offline: "Not connected: what you write waits",
    refused: "The chat does not let you in",
    joined: "joined", left: "left", deleted: "deleted", gap: "What was said here can no longer be had",
    offlineEnter: "The chat is not there: try again in a moment",
  },
  ru: {
    nickname: "Имя", enter: "Войти", rooms: "Комнаты", joinRoom: "Войти в комнату", leave: "Выйти",
    messages: "Сообщения", message: "Сообщение", send: "Отправить",
    online: "На связи", greeting: "Соединение…", offline: "Нет связи: написанное подождёт",
    refused: "Чат вас не впускает",
    joined: "теперь в комнате", left: "больше не в комнате", deleted: "удалено",
    gap: "Сказанное здесь уже не получить",
    offlineEnter: "Чата нет на месте: попробуйте чуть позже",
  },
};

const wanted = navigator.languages.map((tag) => tag.slice(0, 2));
export let language = localStorage.getItem("language") ?? wanted.find((tag) => tag in TEXTS) ?? "en";

export const text = (name) => TEXTS[language]?.[name] ?? TEXTS.en[name] ?? name;

export function speak(tag) {
  language = tag;
  localStorage.setItem("language", tag);
  translate();
}

export function translate(root = document) {
  document.documentElement.lang = language;
  for (const node of root.querySelectorAll("[data-text]")) node.textContent = text(node.dataset.text);
  for (const node of root.querySelectorAll("[data-label]")) node.ariaLabel = text(node.dataset.label);
  for (const node of root.querySelectorAll("[data-hint]")) node.placeholder = text(node.dataset.hint);
}
