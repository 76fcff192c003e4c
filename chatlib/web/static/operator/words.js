// What the operator's page says, in English and Russian.

import { lang } from "../js/i18n.js";

const EN = {
  title: "Operator", live: "Running", away: "No answer from the broker", draining: "Draining: nobody new comes in", failing: "Nothing is stored: {why}",
  up: "up {time}", sessions: "Connected", rooms: "Rooms", people: "People and programs", audit: "Audit log", storage: "Storage", trouble: "Slow and refused",
  accepted: "Accepted", published: "Emitted", latency: "Latency in the broker", turns: "Loop time", perSecond: "{n}/s", ms: "{n} ms", none: "none", minutes: "last {n} min",
  p50: "half took at most {n} ms", p99: "99% took at most this", chart: "{name}: now {now}, at most {most} in the last {n} min",
  nick: "Nickname", address: "Address", key: "Key", client: "Program", lag: "Behind", rate: "Msg/s", silent: "Silent", act: "Actions", room: "Room", members: "Members", events: "Events", state: "State",
  findPeople: "Find by nickname, address, program or key", findRooms: "Find a room", of: "{found} of {total}", bot: "bot", unknown: "not told", noKey: "no key", actFor: "Actions for {name}", seconds: "{n} s",
  private: "private", closed: "closed", open: "open", slowed: "slowed {n} times", congested: "does not read", allWell: "Nobody is slow, nothing was refused.", refusedCodes: "Refused since the start", slowNow: "Slow", refusedLately: "Refused lately", refusedTimes: "{code} × {n}, last at {time}",
  size: "History", free: "Free on the disk", durability: "Acknowledged means", disk: "on the disk: survives a power cut", os: "with the system: survives the broker's end", memory: "in memory: ends with the broker",
  backup: "Last copy", never: "never", backingUp: "being made …", backupNow: "Back up now", backupBegan: "A copy is being made: {file}", backupFault: "The last copy failed: {why}", ago: "{time} ago",
  cancel: "Cancel", invite: "Invite", drain: "Drain", leave: "Sign out", theme: "Light or dark", language: "По-русски",
  inviteLead: "A link that lets people in. Who has it can come, until it is used up or too old.", inviteRoom: "It leads to the room", uses: "For how many", hours: "Good for", hour: "{n} h", days: "{n} d", makeLink: "Make a link", copy: "Copy", copied: "Copied", copyYourself: "It is marked: copy it by Ctrl+C", forPage: "For browsers", forTerminal: "For terminals and bots", until: "Good until {time}, for {n}", qr: "QR code of the link",
  drainTitle: "Drain the broker", drainLead: "Nobody new comes in; when all that is being said is stored, the broker stops. Start it again when you are ready.", drainYes: "Drain and stop", drained: "{n} sessions were told.",
  kick: "Kick from a room", mute: "Mute in a room", ban: "Ban from the broker", banAddress: "Ban an address", banRoom: "Ban from a room", unmute: "Unmute in a room", kickDo: "Kick", muteDo: "Mute", unmuteDo: "Unmute", banDo: "Ban", inRoom: "Room", reason: "Reason", reasonHint: "They are told this", noteHint: "For the audit log", howLong: "For how long", forever: "until unmuted", min: "{n} min", done: "Done: {what}", closeRoom: "Close the room", reopenRoom: "Open it again", closeLead: "Everybody is put out, and nobody can join until it is opened again. Its history stays.", closeDo: "Close the room",
  banLead: "The key is kept out from now on, with all its sessions.", addressLead: "No new connection from this address comes in, whoever makes it; of an IPv6 address, from its whole /64. Who is here from there is gone within half a minute.", kickLead: "They are put out of the room; they can come back unless it is private.", muteLead: "They read on, but can't say anything there.", unmuteLead: "They can speak there again.", reopenLead: "Everybody who may can join it again.", mutedIn: "#{room} (muted)", nowhere: "in no public room", banRoomLead: "They are put out of the room and can't come back.",
  bans: "Bans", invitations: "Invitations", lift: "Lift", takeBack: "Take back", noBans: "Nobody is banned.", noInvitations: "No invitation is good now.", moreBans: "These are the newest; there are more.", mutedHere: "Muted here", bannedHere: "Banned from here", nobodyMuted: "Nobody is muted.", nobodyBanned: "Nobody is banned from it.", liftBan: "Lift a ban", privateLists: "Who is muted in a private room, or banned from it, is for its moderators alone. By the nickname a ban can be lifted.", untilTime: "until {time}", left: "{n} left, until {time}", since: "since {time}",
  openLink: "This page is for operators", openLinkLead: "Open a link that the page server printed when it started, or make one where it runs:", linkUsed: "This link was used already, or is older than ten minutes. Make another one where the page server runs:",
  back: "connecting …", somebody: "somebody new", more: "There are more than the broker tells of.", audits: { invite: "made an invitation to {room}", uninvite: "took an invitation back", redeem: "came in by an invitation to {room}", ban: "banned {to}", unban: "lifted the ban of {to}", promote: "made {to} {role}", kick: "kicked {to} from {room}", mute: "muted {to} in {room}", unmute: "unmuted {to} in {room}", role: "made {to} {role} in {room}", create: "made the room {room}", delete: "deleted what another said in {room}", close: "closed {room}", reopen: "opened {room} again", backup: "asked for a copy of the history", drain: "began to stop the broker", unregister: "took the nickname of {to} away", reset: "made a new link for {to}", banIn: "banned {to} from {room}", unbanIn: "lifted the ban of {to} from {room}" },
  codes: { not_encrypted: "This broker has no keys: it lets in whoever reaches it. Bans from the broker and invitations need one that was started with --access invite; bans from a room work.", no_such_nick: "Nobody of that name is here any more.", not_allowed: "That may not be done to this one: {why}", no_backup: "The history is in memory: there is nothing to copy.", busy: "One is being made already.", slow_down: "Too much at once: wait a moment.", unavailable: "The broker does not answer: {why}" },
};
const RU = {
  title: "Оператор", live: "Работает", away: "Брокер не отвечает", draining: "Завершается: новых не пускает", failing: "Ничего не сохраняется: {why}",
  up: "работает {time}", sessions: "На связи", rooms: "Комнаты", people: "Люди и программы", audit: "Журнал действий", storage: "Хранилище", trouble: "Медленные и отказы",
  accepted: "Принято", published: "Разослано", latency: "Задержка у брокера", turns: "Время цикла", perSecond: "{n}/с", ms: "{n} мс", none: "нет", minutes: "последние {n} мин",
  p50: "половина не дольше {n} мс", p99: "99% не дольше этого", chart: "{name}: сейчас {now}, не больше {most} за последние {n} мин",
  nick: "Имя", address: "Адрес", key: "Ключ", client: "Программа", lag: "Отстаёт", rate: "Сообщ./с", silent: "Молчит", act: "Действия", room: "Комната", members: "Людей", events: "Событий", state: "Состояние",
  findPeople: "Найти по имени, адресу, программе или ключу", findRooms: "Найти комнату", of: "{found} из {total}", bot: "бот", unknown: "не сообщает", noKey: "без ключа", actFor: "Действия: {name}", seconds: "{n} с",
  private: "закрытая", closed: "закрыта оператором", open: "открыта", slowed: "замедлен: {n}", congested: "не читает", allWell: "Медленных нет, отказов не было.", refusedCodes: "Отказано с начала работы", slowNow: "Медленные", refusedLately: "Кому отказано недавно", refusedTimes: "{code} × {n}, последний раз в {time}",
  size: "История", free: "Свободно на диске", durability: "Подтверждено значит", disk: "на диске: переживёт отключение питания", os: "у системы: переживёт конец брокера", memory: "в памяти: пропадёт вместе с брокером",
  backup: "Последняя копия", never: "не было", backingUp: "делается …", backupNow: "Сделать копию", backupBegan: "Делается копия: {file}", backupFault: "Последняя копия не удалась: {why}", ago: "{time} назад",
  cancel: "Отмена", invite: "Пригласить", drain: "Завершить", leave: "Выйти", theme: "Светлая или тёмная", language: "In English",
  inviteLead: "Ссылка, которая впускает. У кого она есть, тот может войти, пока она действует.", inviteRoom: "Ведёт в комнату", uses: "На сколько человек", hours: "Действует", hour: "{n} ч", days: "{n} дн", makeLink: "Сделать ссылку", copy: "Скопировать", copied: "Скопировано", copyYourself: "Выделено: скопируйте, Ctrl+C", forPage: "Для браузера", forTerminal: "Для терминала и ботов", until: "До {time}, человек: {n}", qr: "QR-код ссылки",
  drainTitle: "Завершить работу брокера", drainLead: "Новых не пустит; когда всё сказанное сохранено, брокер остановится. Запустите его снова, когда будете готовы.", drainYes: "Завершить", drained: "Оповещено сеансов: {n}.",
  kick: "Выставить из комнаты", mute: "Лишить слова в комнате", ban: "Закрыть вход на сервер", banAddress: "Закрыть вход с адреса", banRoom: "Закрыть вход в комнату", unmute: "Вернуть слово в комнате", kickDo: "Выставить", muteDo: "Лишить слова", unmuteDo: "Вернуть слово", banDo: "Закрыть вход", inRoom: "Комната", reason: "Причина", reasonHint: "Её увидит тот, кого это касается", noteHint: "Для журнала действий", howLong: "На сколько", forever: "пока не вернут", min: "{n} мин", done: "Сделано: {what}", closeRoom: "Закрыть комнату", reopenRoom: "Открыть снова", closeLead: "Все окажутся снаружи, и никто не войдёт, пока её не откроют снова. История останется.", closeDo: "Закрыть комнату",
  banLead: "Этот ключ больше не войдёт, его сеансы закончатся.", addressLead: "С этого адреса больше не подключится никто; у адреса IPv6 — со всей его сети /64. Кто сейчас здесь оттуда, исчезнет через полминуты.", kickLead: "Окажется снаружи; вернуться сможет, если комната не закрытая.", muteLead: "Сможет читать, но ничего не скажет.", unmuteLead: "Снова сможет говорить.", reopenLead: "Войти снова смогут все, кому можно.", mutedIn: "#{room} (без слова)", nowhere: "ни в одной открытой комнате", banRoomLead: "Окажется снаружи и не вернётся.",
  bans: "Кому закрыт вход", invitations: "Приглашения", lift: "Снять", takeBack: "Отозвать", noBans: "Никому.", noInvitations: "Действующих приглашений нет.", moreBans: "Это новейшие; есть ещё.", mutedHere: "Лишены слова", bannedHere: "Вход закрыт", nobodyMuted: "Никто не лишён слова.", nobodyBanned: "Вход никому не закрыт.", liftBan: "Снова впустить", privateLists: "Кто в закрытой комнате лишён слова и кому закрыт вход, знают лишь её модераторы. Впустить снова можно по имени.", untilTime: "до {time}", left: "осталось {n}, до {time}", since: "с {time}",
  openLink: "Эта страница для операторов", openLinkLead: "Откройте ссылку, которую напечатал сервер страницы при запуске, или сделайте новую там, где он работает:", linkUsed: "Эта ссылка уже использована или старше десяти минут. Сделайте новую там, где работает сервер страницы:",
  back: "подключаемся …", somebody: "кто-то новый", more: "Их больше, чем перечисляет брокер.", audits: { invite: "пригласил в {room}", uninvite: "отозвал приглашение", redeem: "вошёл по приглашению в {room}", ban: "закрыл вход: {to}", unban: "снова впустил: {to}", promote: "дал роль {role}: {to}", kick: "выставил {to} из {room}", mute: "лишил слова {to} в {room}", unmute: "вернул слово {to} в {room}", role: "дал роль {role}: {to} в {room}", create: "создал комнату {room}", delete: "удалил чужое сообщение в {room}", close: "закрыл {room}", reopen: "снова открыл {room}", backup: "попросил копию истории", drain: "начал завершать работу брокера", unregister: "отобрал имя {to}", reset: "сделал новую ссылку для {to}", banIn: "закрыл вход в {room}: {to}", unbanIn: "снова впустил в {room}: {to}" },
  codes: { not_encrypted: "У этого сервера нет ключей: он впускает любого. Для приглашений и запрета входа запустите его с --access invite; закрыть вход в комнату можно и так.", no_such_nick: "Такого имени здесь больше нет.", not_allowed: "С этим участником так нельзя: {why}", no_backup: "История в памяти: копировать нечего.", busy: "Копия уже делается.", slow_down: "Слишком много сразу: подождите немного.", unavailable: "Брокер не отвечает: {why}" },
};

const words = () => (lang() === "ru" ? RU : EN);
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));

export const t = (key, values = {}) => fill(words()[key] ?? EN[key] ?? key, values);

export function why(error) {
  const known = words().codes[error?.code];
  return known ? fill(known, { why: error.message }) : error?.message ?? String(error);
}

export function audited(entry) {
  const { audits } = words();
  const text = (entry.room && audits[`${entry.what}In`]) || audits[entry.what];
  const to = entry.to?.length === 40 && !entry.to.includes(" ") ? `${entry.to.slice(0, 8)}…` : entry.to; // a key
  return text ? fill(text, { ...entry, to }) : `${entry.what} ${entry.to ?? ""} ${entry.room ?? ""}`;
}

export function number(n) {
  const digits = n > 0 && n < 10 ? 1 : 0;
  return new Intl.NumberFormat(lang(), { maximumFractionDigits: digits }).format(n);
}

export function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  const [d, h, m] = [Math.floor(s / 86400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60];
  const ru = lang() === "ru";
  if (d) return `${d} ${ru ? "дн" : "d"} ${h} ${ru ? "ч" : "h"}`;
  if (h) return `${h} ${ru ? "ч" : "h"} ${m} ${ru ? "мин" : "min"}`;
  return m ? `${m} ${ru ? "мин" : "min"}` : `${s} ${ru ? "с" : "s"}`;
}

export const lasting = (s) => (s < 3600 ? t("min", { n: s / 60 }) : s <= 86400 ? t("hour", { n: s / 3600 }) : t("days", { n: s / 86400 }));

export const clock = (at) => new Intl.DateTimeFormat(lang(), { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);

export const when = (at) => new Intl.DateTimeFormat(lang(), { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(new Date(at));
