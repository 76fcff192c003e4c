// Who may do what in a room, as this tab knows it: asked once, then kept up with what comes.

import { nickKey } from "./store.js";

const RANKS = { none: 0, member: 1, moderator: 2, owner: 3 };

export class Rights {
  constructor() {
    this.set({ roles: [], mutes: [], bans: [] });
  }

  set({ roles, mutes, bans }) {
    this.roles = new Map(roles.map(({ nick, role }) => [nickKey(nick), role]));
    this.mutes = new Map(mutes.map((mute) => [nickKey(mute.nick), mute]));
    this.bans = new Map(bans.map((ban) => [nickKey(ban.who), ban]));
  }

  // What an event of the room changes. True when it did.
  take(event) {
    const to = nickKey(event.to ?? "");
    switch (event.kind) {
      case "role":
        return event.role === "none" ? this.roles.delete(to) : this.put(this.roles, to, event.role);
      case "mute":
        return this.put(this.mutes, to, { nick: event.to, until: event.until, by: event.nick });
      case "unmute":
        return this.mutes.delete(to);
      case "ban":
        this.roles.delete(to);
        return this.put(this.bans, to, { who: event.to, at: event.at, reason: event.text });
      case "unban":
        return this.bans.delete(to);
      case "nick":
        return this.renamed(nickKey(event.old ?? ""), event.nick);
      default:
        return false;
    }
  }

  put(table, key, value) {
    table.set(key, value);
    return true;
  }

  renamed(old, nick) {
    const key = nickKey(nick);
    const mute = this.mutes.get(old);
    const role = this.roles.get(old);
    this.roles.delete(old);
    this.mutes.delete(old);
    if (role) this.roles.set(key, role);
    if (mute) this.mutes.set(key, { ...mute, nick });
    return Boolean(role || mute);
  }

  // Whether the name of somebody new is one that something is known of: it may be somebody else's.
  knows(nick) {
    return this.roles.has(nickKey(nick)) || this.mutes.has(nickKey(nick));
  }

  role(nick) {
    return this.roles.get(nickKey(nick)) ?? "member";
  }

  moderates(nick) {
    return RANKS[this.role(nick)] >= RANKS.moderator;
  }

  owns(nick) {
    return this.role(nick) === "owner";
  }

  // Moderators are over members, owners over all.
  over(me, nick) {
    return this.owns(me) || (this.moderates(me) && !this.moderates(nick));
  }

  // How somebody is muted, or null; a mute ends by itself.
  muted(nick, now = Date.now()) {
    const mute = this.mutes.get(nickKey(nick));
    return mute && (!mute.until || Date.parse(mute.until) > now) ? mute : null;
  }
}
