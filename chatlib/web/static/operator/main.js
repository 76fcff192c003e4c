// The operator's page: lets operators in, and puts together what they see.

import { clear, el, icon, iconButton } from "../js/dom.js";
import { bytes, lang } from "../js/i18n.js";
import { Settings } from "../js/settings.js";
import { Chart } from "./chart.js";
import * as deeds from "./deeds.js";
import { Line, post } from "./line.js";
import * as lists from "./lists.js";
import { Table } from "./table.js";
import { audited, clock, number, span, t, when } from "./words.js";

const AUDIT = 100; // entries shown
const AUDIT_MS = 3000;
const app = document.getElementById("app");
const settings = new Settings();
const line = new Line();

// -- coming in ---------------------------------------------------------------------------------

function outside(word) {
  document.title = `Hubbub: ${t("title")}`;
  clear(app, el("main", { class: "outside" }, el("div", { class: "card" }, el("h1", {}, t("openLink")), el("p", {}, t(word)), el("code", {}, "hubbub weblink"))));
}

async function begin() {
  const token = new URLSearchParams(location.hash.slice(1)).get("t");
  if (token) {
    history.replaceState(null, "", location.pathname);
    const answer = await post("/api/operator/enter", { token }).catch(() => ({ ok: false }));
    if (!answer.ok && answer.error?.code === "bad_token") {
      outside("linkUsed");
      return;
    }
  }
  new View();
  line.open();
}

// -- the page ----------------------------------------------------------------------------------

const ms = (n) => t("ms", { n: number(n) });
const rate = (n) => t("perSecond", { n: number(n) });

class View {
  constructor() {
    this.status = null;
    this.rooms = [];
    this.auditSeq = 0;
    this.charts = [
      new Chart("accepted", (p) => p.accepted, { unit: rate, least: 10 }),
      new Chart("published", (p) => p.published, { unit: rate, least: 10 }),
      new Chart("latency", (p) => p.messages99, { also: (p) => p.messages50, unit: ms, least: 5, note: (a, b) => this.#halves(b) }),
      new Chart("turns", (p) => p.turns99, { also: (p) => p.turns50, unit: ms, least: 5, note: (a, b) => this.#halves(b) }),
    ];
    const look = () => line.look({ sessions: this.people.window, rooms: this.places.window });
    this.people = new Table({ word: "people", find: "findPeople", id: (row) => row.sid, sort: "rate", look, act: (row) => deeds.person(line, row, this.rooms), columns: [
      { key: "nick", sort: "nick", full: (row) => row.nick, cell: (row) => [el("b", {}, row.nick), ...(row.bot ? [el("span", { class: "tag" }, t("bot"))] : []), ...(row.congested ? [el("span", { class: "tag bad" }, t("congested"))] : row.slowed ? [el("span", { class: "tag warm" }, t("slowed", { n: row.slowed }))] : [])] },
      { key: "address", sort: "address", class: "mono", full: (row) => row.address, cell: (row) => row.address || "–" },
      { key: "key", class: "mono", full: (row) => row.key, cell: (row) => (row.key ? `${row.key.slice(0, 9)}…` : "–") },
      { key: "client", sort: "client", full: (row) => row.client, cell: (row) => row.client || "–" },
      { key: "rate", sort: "rate", class: "num", cell: (row) => (row.rate ? number(row.rate) : "–") },
      { key: "lag", sort: "lag", class: "num", cell: (row) => (row.lag === null ? "–" : number(row.lag)) },
      { key: "silent", sort: "silent", class: "num", cell: (row) => t("seconds", { n: Math.round(row.silent) }) },
      { key: "act", class: "do", word: "act", cell: (row, known) => { known.button.setAttribute("aria-label", t("actFor", { name: row.nick })); known.button.title = t("actFor", { name: row.nick }); return [known.button]; } },
    ] });
    this.places = new Table({ word: "rooms", find: "findRooms", id: (row) => row.room, sort: "rate", look, act: (row) => lists.room(line, row), columns: [
      { key: "room", sort: "room", full: (row) => `#${row.room}`, cell: (row) => [el("b", {}, `#${row.room}`), ...(row.private ? [el("span", { class: "tag" }, t("private"))] : []), ...(row.closed ? [el("span", { class: "tag bad" }, t("closed"))] : [])] },
      { key: "members", sort: "members", class: "num", cell: (row) => number(row.members) },
      { key: "rate", sort: "rate", class: "num", cell: (row) => (row.rate ? number(row.rate) : "–") },
      { key: "events", sort: "events", class: "num", cell: (row) => number(row.events) },
      { key: "act", class: "do", word: "act", cell: (row, known) => { known.button.setAttribute("aria-label", t("actFor", { name: `#${row.room}` })); known.button.title = t("actFor", { name: `#${row.room}` }); return [known.button]; } },
    ] });
    line.addEventListener("past", ({ detail }) => this.#past(detail.points));
    line.addEventListener("status", ({ detail }) => this.#show(detail));
    line.addEventListener("away", () => this.#state("away", true));
    line.addEventListener("lost", () => this.#state("back", true));
    line.addEventListener("nobody", () => { clearInterval(this.timer); outside("openLinkLead"); });
    this.#build();
    this.timer = setInterval(() => this.#audit(), AUDIT_MS);
    look();
  }

  #halves(values) {
    const now = values.filter((v) => v !== null && v !== undefined).at(-1);
    return now === undefined ? "" : `${t("p99")} · ${t("p50", { n: number(now) })}`;
  }

  #build() {
    document.title = `Hubbub: ${t("title")}`;
    this.pill = el("p", { class: "opstate", role: "status" });
    this.server = el("p", { class: "server" });
    this.tiles = el("div", { class: "counts" });
    this.storage = el("dl", { class: "facts" });
    this.copies = el("button", { type: "button", class: "quiet", onclick: () => deeds.backup(line) }, icon("copy"), t("backupNow"));
    this.trouble = el("div", { class: "trouble", role: "group", tabindex: "0", "aria-label": t("trouble") });
    this.log = el("ol", { class: "audit", tabindex: "0", "aria-label": t("audit") });
    const button = (word, kind, picture, onclick) => el("button", { type: "button", class: kind, onclick }, icon(picture), t(word));
    this.known = el("div", { class: "oproot" },
      el("header", { class: "ophead" },
        el("div", { class: "opwho" }, el("h1", {}, "Hubbub"), this.pill, this.server),
        el("div", { class: "deedbar" },
          button("invite", "primary", "plus", () => deeds.invite(line, this.rooms)),
          button("invitations", "quiet", "people", () => lists.invitations(line)),
          button("bans", "quiet", "lock", () => lists.bans(line)),
          button("drain", "quiet", "down", () => deeds.drain(line)),
          el("span", { class: "opicons" },
            iconButton("star", t("theme"), () => this.#theme()),
            el("button", { type: "button", class: "ib opword", lang: lang() === "ru" ? "en" : "ru", onclick: () => this.#language() }, t("language")),
            iconButton("leave", t("leave"), () => this.#leave())))),
      el("main", { class: "opmain" },
        this.tiles,
        el("div", { class: "charts" }, ...this.charts.map(({ node }) => node)),
        el("div", { class: "boards" }, this.people.node, this.places.node,
          el("section", { class: "block store" }, el("div", { class: "bhead" }, el("h2", {}, t("storage")), this.copies), this.storage),
          el("section", { class: "block" }, el("div", { class: "bhead" }, el("h2", {}, t("trouble"))), this.trouble),
          el("section", { class: "block log" }, el("div", { class: "bhead" }, el("h2", {}, t("audit"))), this.log))));
    clear(app, this.known);
    this.#state("back", true);
  }

  #state(word, bad, values = {}) {
    this.pill.className = bad ? "opstate bad" : "opstate";
    const text = t(word, values);
    if (this.pill.textContent !== text) this.pill.textContent = text;
  }

  #past(points) {
    for (const chart of this.charts) {
      chart.reset();
      chart.push(points.slice(0, -1)); // the last one comes again, with what belongs to it
    }
    this.auditSeq = 0;
    this.log.replaceChildren();
    this.#audit();
  }

  #show(status) {
    this.status = status;
    if (status.failing) this.#state("failing", true, { why: status.failing });
    else if (status.draining) this.#state("draining", true);
    else this.#state("live", false);
    this.server.textContent = `${status.server} · ${t("up", { time: span(status.uptime) })}`;
    if (this.at !== status.point.at || this.uptime !== status.uptime) for (const chart of this.charts) chart.push([status.point]);
    [this.at, this.uptime] = [status.point.at, status.uptime];
    this.people.show(status.sessions);
    this.places.show(status.rooms);
    this.rooms = status.rooms.rows.filter((room) => !room.private && !room.closed).map((room) => room.room);
    if (!this.rooms.includes("lobby")) this.rooms.push("lobby");
    this.#counts(status);
    this.#store(status.storage);
    this.#slow(status);
  }

  #counts(status) {
    const tiles = [["sessions", number(status.sessions.total) + (status.more ? "+" : "")], ["rooms", number(status.rooms.total) + (status.more ? "+" : "")],
      ["size", status.storage ? bytes(status.storage.bytes ?? 0) : "–"], ["trouble", number(status.slow_count + status.refused_count)]];
    const text = JSON.stringify(tiles);
    if (text === this.tilesKnown) return;
    this.tilesKnown = text;
    clear(this.tiles, ...tiles.map(([word, value]) => el("p", {}, el("span", {}, t(word)), el("b", {}, value))));
  }

  #store(storage) {
    if (!storage) return;
    const made = storage.backing_up ? t("backingUp") : storage.backup ? t("ago", { time: span((Date.now() - new Date(storage.backup)) / 1000) }) : t("never");
    const facts = [["durability", t(storage.durability)], ["size", bytes(storage.bytes ?? 0)]];
    if (storage.free !== undefined) facts.push(["free", bytes(storage.free)]);
    if (storage.backup_file) facts.push(["backup", `${made} · ${bytes(storage.backup_bytes)}`, storage.backup_file]);
    else facts.push(["backup", made]);
    const text = JSON.stringify([facts, storage.fault]);
    this.copies.hidden = storage.durability === "memory";
    if (text === this.factsKnown) return;
    this.factsKnown = text;
    clear(this.storage, ...facts.flatMap(([word, value, file]) => [el("dt", {}, t(word)), el("dd", {}, value, file ? el("small", { title: file }, file.split("/").at(-1)) : null)]), storage.fault ? el("dd", { class: "fault" }, t("backupFault", { why: storage.fault })) : null);
  }

  // Who is slow, who was refused what, and how often what was refused at all.
  #slow({ slow, refused, refusals }) {
    const at = (ago) => clock(Date.now() - ago * 1000);
    const codes = Object.entries(refusals).sort((a, b) => b[1] - a[1]);
    const text = JSON.stringify([slow.map((s) => [s.nick, s.slowed, s.congested]), refused.map((r) => [r.nick, r.address, r.key, r.code, r.count, at(r.ago)]), codes]);
    if (text === this.slowKnown) return;
    this.slowKnown = text;
    const item = (name, told, button) => el("li", {}, el("div", {}, el("b", {}, name), el("small", {}, told)), button);
    const held = this.trouble.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    const parts = [
      ["slowNow", slow.map((s) => item(s.nick, s.congested ? t("congested") : t("slowed", { n: s.slowed }), iconButton("gear", t("actFor", { name: s.nick }), () => deeds.person(line, s, this.rooms))))],
      ["refusedLately", refused.map((r) => item(r.nick || r.address, [t("refusedTimes", { code: r.code, n: number(r.count), time: at(r.ago) }), r.nick && r.address, r.key].filter(Boolean).join(" · "),
        deeds.isFar(r.address) ? iconButton("lock", `${t("banAddress")}: ${r.address}`, () => deeds.banAddress(line, r.address)) : null))],
    ].flatMap(([word, items]) => (items.length ? [el("h3", {}, t(word)), el("ul", { class: "list" }, ...items)] : []));
    if (codes.length) parts.push(el("h3", {}, t("refusedCodes")), el("dl", { class: "facts codes" }, ...codes.flatMap(([code, n]) => [el("dt", {}, el("code", {}, code)), el("dd", {}, number(n))])));
    clear(this.trouble, parts.length ? parts : el("p", { class: "soft" }, t("allWell")));
    [...this.trouble.querySelectorAll("button")].find((one) => one.getAttribute("aria-label") === held)?.focus();
  }

  async #audit() {
    let page;
    const seen = this.auditSeq;
    try {
      page = await line.ask("audit", seen ? { after: seen, limit: AUDIT } : { limit: AUDIT });
    } catch {
      return; // it is asked again
    }
    if (seen !== this.auditSeq) return;
    for (const entry of page.events) {
      this.auditSeq = entry.seq;
      this.log.prepend(el("li", {}, el("time", { datetime: entry.at }, when(entry.at)), el("p", {}, el("b", {}, entry.nick || t("somebody")), " ", audited(entry), entry.text && entry.what !== "invite" && entry.what !== "redeem" ? el("small", {}, ` ${entry.text}`) : null)));
    }
    while (this.log.childElementCount > AUDIT) this.log.lastElementChild.remove();
  }

  #theme() {
    const dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    settings.set("theme", dark ? "light" : "dark");
  }

  #language() {
    settings.set("language", lang() === "ru" ? "en" : "ru");
    this.tilesKnown = this.factsKnown = this.slowKnown = null;
    this.people.translate();
    this.places.translate();
    this.#build();
    this.auditSeq = 0;
    if (this.status) this.#show(this.status);
    this.#audit();
  }

  async #leave() {
    await post("/api/operator/leave").catch(() => null);
    outside("openLinkLead");
    clearInterval(this.timer);
  }
}

begin();
