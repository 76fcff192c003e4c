// What the page says, in English and Russian. `t("key", {name: ...})`; a form for each plural.

const EN = {
  app: "Hubbub", joinTitle: "Join the conversation", joinLead: "Pick a name that the others will see. No account, no password.",
  joinRoom: "You were invited to #{room}.", nickname: "Nickname", nickHint: "Up to 32 characters, no spaces", joinButton: "Join",
  joining: "Joining …", noLink: "You need an invitation", noLinkLead: "This page opens with a link that somebody here gave you. Ask for a new one if yours has stopped working.",
  nickEmpty: "Choose a nickname first.", useSuggestion: "Use {nick}", pasteLink: "Invitation link", openLink: "Open link", badLink: "This is not an invitation link of this page.",
  rooms: "Rooms", people: "Private", browse: "Find or create a room", newPrivate: "Write to somebody", settings: "Settings", menu: "Conversations",
  search: "Search", members: "People here", close: "Close", send: "Send", attach: "Add pictures or files", message: "Message {name}", messageRoom: "Message #{name}",
  unread: { one: "{n} unread", other: "{n} unread" }, newLine: "New", toNewest: "To the newest", newCount: { one: "{n} new message", other: "{n} new messages" },
  reply: "Reply", react: "React", edit: "Edit", remove: "Delete", copy: "Copy text", retry: "Try again", discard: "Discard", edited: "edited", deleted: "This message was deleted",
  replyingTo: "Replying to {nick}", editing: "Editing your message", cancel: "Cancel", save: "Save", waiting: "Waiting to be sent", notSent: "Not sent: {why}",
  typing1: "{a} is typing …", typing2: "{a} and {b} are typing …", typingN: "Several people are typing …",
  offline: "You are offline. What you write is kept here and sent when the connection is back.", connecting: "Connecting …", reconnecting: "Connection lost. Trying again …",
  brokerGone: "The chat server is away. What you write is kept here and sent when it is back.", back: "Connected again",
  queued: { one: "{n} message waits", other: "{n} messages wait" }, tryNow: "Try now",
  emptyRoom: "This is the beginning of #{name}", emptyRoomLead: "Nobody has said anything yet. Say hello.", emptyPeer: "You and {name}", emptyPeerLead: "What you write here, only the two of you can read.",
  beginning: "This is where the history begins", loading: "Loading …", loadFailed: "Older messages could not be loaded.",
  gap: "Some messages of this time are no longer kept.", nobody: "Nobody is here yet", noPrivate: "No private conversations yet",
  searchPlaceholder: "Words, \"exact words\", begin*", searchFrom: "From", searchHere: "Only in this conversation", searchNone: "Nothing found for “{words}”", searchNoneLead: "Try fewer words, or a beginning with a star: deplo*",
  searchLead: "Searches all your rooms and private conversations.", searchMore: "Show older results", searchPart: "The newest messages are still being indexed.", found: { one: "{n} message", other: "{n} messages" },
  browseTitle: "Rooms", browseFilter: "Find a room, or name a new one", createRoom: "Create #{name}", createPrivate: "Create as a private room", privateHint: "Only those whom you invite will see it", joinedMark: "joined", noRooms: "No room is called so. You can create it.", memberCount: { one: "{n} person", other: "{n} people" },
  privateTitle: "Write to somebody", privateFilter: "Nickname", privateOther: "Write to {nick}", leaveRoom: "Leave this room", leaveAsk: "Leave #{name}?", leaveLead: "You can come back at any time. What was said stays.", leave: "Leave", hidePeer: "Hide this conversation",
  setTopic: "Set the topic", topic: "Topic", noTopic: "No topic", inviteTitle: "Invite {nick}", invite: "Invite", you: "you", bot: "bot",
  theme: "Appearance", themeAuto: "As the system", themeLight: "Light", themeDark: "Dark", language: "Language", notify: "Notifications", notifyOn: "Tell me about mentions and private messages", notifyDenied: "This browser does not allow notifications for this page.", notifyNone: "This browser has no notifications here.",
  changeNick: "Nickname", change: "Change", shortcuts: "Keyboard", signOut: "Leave the chat on this browser", signOutAsk: "Leave the chat?", signOutLead: "This browser forgets who you are. You will need an invitation to come back.",
  deleteAsk: "Delete this message?", deleteLead: "It is taken out of the history for everyone.", dropHere: "Drop to share here", uploading: "Sending {name}", tooBig: "{name} is too big: at most {most}.", uploadFailed: "{name} could not be sent: {why}", uploadOffline: "files need a connection", removeFile: "Remove {name}",
  joined: { one: "{names} joined", other: "{names} joined" }, left: { one: "{names} left", other: "{names} left" }, others: { one: "{n} other", other: "{n} others" }, and: "and",
  renamed: "{old} is now {nick}", topicSet: "{nick} set the topic: {text}", topicCleared: "{nick} cleared the topic", kicked: "{nick} was put out by {by}", banned: "{nick} was banned", timedOut: "{names} lost the connection",
  roleSet: "{nick} made {to} {role}", roleNone: "{nick} took {to}’s role", muted: "{nick} muted {to}", unmuted: "{nick} unmuted {to}", bannedBy: "{nick} banned {to}", unbanned: "{nick} lifted the ban of {to}", invited: "{nick} invited you to #{room}", accept: "Join #{room}",
  owner: "owner", moderator: "moderator", member: "member", reactWith: "React with {sign}", reactedBy: "{sign}: {names}", reactOther: "Another sign or word", picture: "Picture: {name}", file: "File: {name}", download: "Download",
  jump: "Go to the message", quick: "Go to …", quickPlaceholder: "Room or person", tooLong: "{n} too long", characters: { one: "{n} character", other: "{n} characters" },
  keysTitle: "Keyboard", kSend: "Send", kNewline: "New line", kEditLast: "Edit your last message (in an empty field)", kQuick: "Go to a room or person", kNextPrev: "Next or previous conversation", kUnread: "Next unread conversation", kSearch: "Search", kFeed: "Move among messages", kReply: "Reply to the message", kEdit: "Edit it", kReact: "React to it", kDelete: "Delete it", kEscape: "Back to the field", kHelp: "This help", kComplete: "Complete a name", kCopy: "Copy its text",
  privateRoom: "private room", today: "Today", yesterday: "Yesterday", errUnknown: "That did not work: {why}", notConnected: "There is no connection.", replyGone: "an older message", me: "Online", conversations: "Conversations", messages: "Messages", details: "Details", skip: "Skip to the messages", moreActions: "Actions for this message", suggestions: "Suggestions", notAllowedHere: "You cannot write here any more.", sentFile: "a file",
  sessionLost: "This browser is not known here any more. Ask for a new link.", epoch: "The server began a new history; what you saw before is gone there.", unknownFate: "This may or may not have been sent.",
  noRoomsYet: "You are in no room yet", cantOpen: "{name} could not be opened: {why}", youLeft: "You are no longer in #{room}.", nickNow: "You are {nick} now.", copied: "Copied", notifyHow: "You decide in the browser; it can be changed there at any time.", emptyTitle: "Nothing is open", emptyLead: "Choose a room on the left, or find one.", about: "Hubbub", newPrivateLead: "Only the two of you can read it.", privateNoOne: "Nobody else is here right now. You can still write to a nickname.",
};

const RU = {
  app: "Hubbub", joinTitle: "Присоединиться к разговору", joinLead: "Выберите имя, которое увидят остальные. Без учётной записи и пароля.",
  joinRoom: "Вас пригласили в #{room}.", nickname: "Имя", nickHint: "До 32 знаков, без пробелов", joinButton: "Войти",
  joining: "Входим …", noLink: "Нужно приглашение", noLinkLead: "Эта страница открывается по ссылке от кого-то из участников. Если ваша больше не работает, попросите новую.",
  nickEmpty: "Сначала выберите имя.", useSuggestion: "Взять {nick}", pasteLink: "Ссылка-приглашение", openLink: "Открыть", badLink: "Это не ссылка-приглашение этой страницы.",
  rooms: "Комнаты", people: "Личное", browse: "Найти или создать комнату", newPrivate: "Написать кому-нибудь", settings: "Настройки", menu: "Беседы",
  search: "Поиск", members: "Кто здесь", close: "Закрыть", send: "Отправить", attach: "Добавить картинки или файлы", message: "Написать: {name}", messageRoom: "Написать в #{name}",
  unread: { one: "{n} непрочитанное", few: "{n} непрочитанных", other: "{n} непрочитанных" }, newLine: "Новое", toNewest: "К последним", newCount: { one: "{n} новое сообщение", few: "{n} новых сообщения", other: "{n} новых сообщений" },
  reply: "Ответить", react: "Отреагировать", edit: "Изменить", remove: "Удалить", copy: "Копировать текст", retry: "Повторить", discard: "Убрать", edited: "изменено", deleted: "Сообщение удалено",
  replyingTo: "Ответ для {nick}", editing: "Правка сообщения", cancel: "Отмена", save: "Сохранить", waiting: "Ждёт отправки", notSent: "Не отправлено: {why}",
  typing1: "{a} печатает …", typing2: "{a} и {b} печатают …", typingN: "Несколько человек печатают …",
  offline: "Нет связи. Написанное хранится здесь и уйдёт, когда связь вернётся.", connecting: "Соединяемся …", reconnecting: "Связь прервалась. Пробуем снова …",
  brokerGone: "Сервер чата недоступен. Написанное хранится здесь и уйдёт, когда он вернётся.", back: "Снова на связи",
  queued: { one: "{n} сообщение ждёт", few: "{n} сообщения ждут", other: "{n} сообщений ждут" }, tryNow: "Сейчас",
  emptyRoom: "Здесь начинается #{name}", emptyRoomLead: "Пока никто ничего не сказал. Поздоровайтесь.", emptyPeer: "Вы и {name}", emptyPeerLead: "Написанное здесь прочтёте только вы двое.",
  beginning: "Здесь начинается история", loading: "Загружаем …", loadFailed: "Не удалось загрузить более ранние сообщения.",
  gap: "Часть сообщений этого времени больше не хранится.", nobody: "Здесь пока никого", noPrivate: "Личных бесед пока нет",
  searchPlaceholder: "Слова, \"точные слова\", начало*", searchFrom: "От кого", searchHere: "Только в этой беседе", searchNone: "По запросу «{words}» ничего нет", searchNoneLead: "Попробуйте меньше слов или начало со звёздочкой: развёрт*",
  searchLead: "Ищет во всех ваших комнатах и личных беседах.", searchMore: "Показать более ранние", searchPart: "Самые новые сообщения ещё индексируются.", found: { one: "{n} сообщение", few: "{n} сообщения", other: "{n} сообщений" },
  browseTitle: "Комнаты", browseFilter: "Найдите комнату или назовите новую", createRoom: "Создать #{name}", createPrivate: "Создать закрытую комнату", privateHint: "Её увидят только те, кого вы пригласите", joinedMark: "вы внутри", noRooms: "Такой комнаты нет. Можно создать.", memberCount: { one: "{n} человек", few: "{n} человека", other: "{n} человек" },
  privateTitle: "Написать кому-нибудь", privateFilter: "Имя", privateOther: "Написать: {nick}", leaveRoom: "Выйти из комнаты", leaveAsk: "Выйти из #{name}?", leaveLead: "Вернуться можно в любое время. Сказанное останется.", leave: "Выйти", hidePeer: "Скрыть беседу",
  setTopic: "Задать тему", topic: "Тема", noTopic: "Без темы", inviteTitle: "Пригласить {nick}", invite: "Пригласить", you: "вы", bot: "бот",
  theme: "Оформление", themeAuto: "Как в системе", themeLight: "Светлое", themeDark: "Тёмное", language: "Язык", notify: "Уведомления", notifyOn: "Сообщать об упоминаниях и личных сообщениях", notifyDenied: "Браузер не разрешает уведомления для этой страницы.", notifyNone: "Здесь в этом браузере нет уведомлений.",
  changeNick: "Имя", change: "Сменить", shortcuts: "Клавиатура", signOut: "Выйти из чата в этом браузере", signOutAsk: "Выйти из чата?", signOutLead: "Браузер забудет, кто вы. Чтобы вернуться, понадобится приглашение.",
  deleteAsk: "Удалить сообщение?", deleteLead: "Оно исчезнет из истории у всех.", dropHere: "Отпустите, чтобы поделиться здесь", uploading: "Отправляем {name}", tooBig: "{name}: слишком большой, не больше {most}.", uploadFailed: "{name}: не отправлено: {why}", uploadOffline: "для файлов нужна связь", removeFile: "Убрать {name}",
  joined: { one: "{names}: вход", other: "{names}: вход" }, left: { one: "{names}: выход", other: "{names}: выход" }, others: { one: "ещё {n}", few: "ещё {n}", other: "ещё {n}" }, and: "и",
  renamed: "{old} теперь {nick}", topicSet: "{nick}: новая тема: {text}", topicCleared: "{nick}: тема снята", kicked: "{nick}: выведен(а) из комнаты ({by})", banned: "{nick}: доступ закрыт", timedOut: "{names}: связь потеряна",
  roleSet: "{nick}: {to} теперь {role}", roleNone: "{nick}: {to} без роли", muted: "{nick}: {to} без права голоса", unmuted: "{nick}: {to} снова с правом голоса", bannedBy: "{nick}: доступ для {to} закрыт", unbanned: "{nick}: доступ для {to} открыт", invited: "{nick} приглашает вас в #{room}", accept: "Войти в #{room}",
  owner: "владелец", moderator: "модератор", member: "участник", reactWith: "Реакция {sign}", reactedBy: "{sign}: {names}", reactOther: "Другой знак или слово", picture: "Картинка: {name}", file: "Файл: {name}", download: "Скачать",
  jump: "К сообщению", quick: "Перейти …", quickPlaceholder: "Комната или человек", tooLong: "лишних: {n}", characters: { one: "{n} знак", few: "{n} знака", other: "{n} знаков" },
  keysTitle: "Клавиатура", kSend: "Отправить", kNewline: "Новая строка", kEditLast: "Изменить своё последнее (в пустом поле)", kQuick: "Перейти в комнату или к человеку", kNextPrev: "Следующая или предыдущая беседа", kUnread: "Следующая непрочитанная беседа", kSearch: "Поиск", kFeed: "Ходить по сообщениям", kReply: "Ответить на сообщение", kEdit: "Изменить его", kReact: "Отреагировать", kDelete: "Удалить его", kEscape: "Назад в поле ввода", kHelp: "Эта справка", kComplete: "Дополнить имя", kCopy: "Копировать его текст",
  privateRoom: "закрытая комната", today: "Сегодня", yesterday: "Вчера", errUnknown: "Не получилось: {why}", notConnected: "Нет связи.", replyGone: "раннее сообщение", me: "На связи", conversations: "Беседы", messages: "Сообщения", details: "Подробности", skip: "К сообщениям", moreActions: "Действия с сообщением", suggestions: "Подсказки", notAllowedHere: "Сюда больше нельзя писать.", sentFile: "файл",
  sessionLost: "Этот браузер здесь больше не знают. Попросите новую ссылку.", epoch: "Сервер начал новую историю; прежней там больше нет.", unknownFate: "Неизвестно, отправлено ли это.",
  noRoomsYet: "Вы пока ни в одной комнате", cantOpen: "{name}: не открывается: {why}", youLeft: "Вы больше не в #{room}.", nickNow: "Теперь вы {nick}.", copied: "Скопировано", notifyHow: "Решаете вы, в браузере; там это можно изменить в любое время.", emptyTitle: "Ничего не открыто", emptyLead: "Выберите комнату слева или найдите её.", about: "Hubbub", newPrivateLead: "Прочтёте только вы двое.", privateNoOne: "Сейчас здесь больше никого. Написать по имени всё равно можно.",
};

// What the broker's error codes mean to a person, where its English sentence would not do.
const CODES = {
  en: {
    nick_taken: "Somebody has this nickname, or one that looks like it.", bad_nick: "This nickname can't be used: no spaces and no “/”, at most 32 characters.", bad_token: "This invitation is used up, has expired or was taken back. Ask for another.",
    banned: "You are kept out of this chat.", banned_here: "You are kept out of this room.", muted: "You may not write in this room for now.", no_such_nick: "Nobody here has this nickname.", no_such_room: "There is no such room any more.",
    not_joined: "You are not in this room.", too_long: "This is too long.", bad_text: "This text has signs that can't be sent.", not_yours: "Only who wrote it may do that.", no_such_event: "The message is not there any more.", slow_down: "Too much at once. Try again in a moment.", busy: "The server is busy. Try again in a moment.",
    bad_room: "A room's name has no spaces and no “/”, at most 50 characters.", room_taken: "There is a room of that name already.", unavailable: "The server can't store anything right now.", draining: "The server is about to restart. Try again in a moment.", no_search: "This server has no search.", bad_search: "Type a word to search for.", too_big: "It is too big.", full: "The server has no room for more files.", unreachable: "There is no connection.", too_many_rooms: "That are too many rooms.",
  },
  ru: {
    nick_taken: "Такое или очень похожее имя уже занято.", bad_nick: "Такое имя не подходит: без пробелов и «/», не больше 32 знаков.", bad_token: "Приглашение уже использовано, истекло или отозвано. Попросите другое.",
    banned: "Вам закрыт доступ в этот чат.", banned_here: "Вам закрыт доступ в эту комнату.", muted: "Пока вам нельзя писать в этой комнате.", no_such_nick: "Здесь никого так не зовут.", no_such_room: "Такой комнаты больше нет.",
    not_joined: "Вы не в этой комнате.", too_long: "Слишком длинно.", bad_text: "В тексте есть знаки, которые нельзя отправить.", not_yours: "Это может только автор.", no_such_event: "Этого сообщения больше нет.", slow_down: "Слишком часто. Попробуйте чуть позже.", busy: "Сервер занят. Попробуйте чуть позже.",
    bad_room: "В имени комнаты нет пробелов и «/», не больше 50 знаков.", room_taken: "Комната с таким именем уже есть.", unavailable: "Сервер сейчас не может ничего сохранить.", draining: "Сервер сейчас перезапустится. Попробуйте чуть позже.", no_search: "На этом сервере нет поиска.", bad_search: "Введите слово для поиска.", too_big: "Слишком большой.", full: "На сервере больше нет места для файлов.", unreachable: "Нет связи.", too_many_rooms: "Слишком много комнат.",
  },
};

let language = "en";
let words = EN;
let plural = new Intl.PluralRules("en");

export const lang = () => language;

export function setLanguage(wanted) {
  language = wanted === "ru" ? "ru" : "en";
  words = language === "ru" ? RU : EN;
  plural = new Intl.PluralRules(language);
  document.documentElement.lang = language;
  formats.clear();
}

export function t(key, values = {}) {
  let form = words[key] ?? EN[key] ?? key;
  if (typeof form === "object") form = form[plural.select(values.n ?? 1)] ?? form.other;
  return form.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

export function why(error) {
  return CODES[language][error?.code] ?? error?.message ?? String(error);
}

const formats = new Map();
function format(name, options) {
  const local = navigator.languages.find((one) => one.toLowerCase().startsWith(language)) ?? language;
  if (!formats.has(name)) formats.set(name, new Intl.DateTimeFormat(local, options));
  return formats.get(name);
}

export const clockTime = (ms) => format("time", { hour: "2-digit", minute: "2-digit" }).format(ms);
export const fullTime = (ms) => format("full", { dateStyle: "long", timeStyle: "short" }).format(ms);
export const shortDate = (ms) => format("short", { day: "numeric", month: "short", year: "numeric" }).format(ms);

export function dayName(ms, now = Date.now()) {
  const days = Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(ms).setHours(0, 0, 0, 0)) / 864e5);
  if (days === 0) return t("today");
  if (days === 1) return t("yesterday");
  const far = new Date(ms).getFullYear() !== new Date(now).getFullYear();
  return far ? format("dayYear", { weekday: "long", day: "numeric", month: "long", year: "numeric" }).format(ms)
    : format("day", { weekday: "long", day: "numeric", month: "long" }).format(ms);
}

export function bytes(n) {
  const units = language === "ru" ? ["Б", "КБ", "МБ", "ГБ"] : ["B", "KB", "MB", "GB"];
  let i = 0;
  while (n >= 1000 && i < 3) { n /= 1000; i += 1; }
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: i && n < 10 ? 1 : 0 }).format(n)} ${units[i]}`;
}
