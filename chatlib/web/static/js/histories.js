// The histories of conversations: the newest, what is older, what surrounds a message, what was missed.
// Whoever extends it has `wire`, `online`, and says what is new by `match` and `count`.

const PAGE = 100;
const CATCH_UP = 1000;
const AGAIN_MS = 2000;

export class Histories extends EventTarget {
  emit(name, ...values) {
    this.dispatchEvent(new CustomEvent(name, { detail: values }));
  }

  on(name, listener) {
    this.addEventListener(name, (event) => listener(...event.detail));
  }

  async ask(op, fields) {
    for (let tries = 0; ; tries += 1) {
      try {
        return await this.wire.ask(op, fields);
      } catch (error) {
        if (!["slow_down", "busy", "unavailable"].includes(error.code) || tries > 2) throw error;
        await new Promise((done) => setTimeout(done, error.after ?? AGAIN_MS));
      }
    }
  }

  // Load the newest of a conversation, or what surrounds a message.
  async load(talk, around = 0) {
    if (talk.loading) await talk.loading.catch(() => {});
    if (talk.loaded && !around) return;
    talk.loading = this.fetch(talk, around);
    try {
      await talk.loading;
    } finally {
      talk.loading = null;
    }
  }

  async fetch(talk, around) {
    if (around) {
      const [before, after] = await Promise.all([
        this.ask("history", { ...talk.place, before: around, limit: PAGE / 2 }),
        this.ask("history", { ...talk.place, after: around - 1, limit: PAGE / 2 }),
      ]);
      talk.forget();
      talk.page([...before.events, ...after.events], { older: before.more, newer: after.more });
      if (!after.more) talk.caughtUp();
    } else {
      talk.loaded = true; // what comes meanwhile is kept
      talk.synced = false;
      try {
        const found = await this.ask("history", { ...talk.place, limit: PAGE });
        talk.page(found.events, { older: found.more, newer: false });
        talk.cursor = Math.max(talk.cursor, found.events.at(-1)?.seq ?? 0);
      } catch (error) {
        talk.loaded = false;
        throw error;
      }
      talk.caughtUp();
    }
    this.emit("items", talk);
  }

  async older(talk) {
    if (!talk.first || !talk.hasOlder || talk.fetching || !this.online) return;
    talk.fetching = true;
    this.emit("fetching", talk);
    try {
      const found = await this.ask("history", {
        ...talk.place,
        before: talk.first,
        limit: PAGE * 3,
      });
      talk.page(found.events, { older: found.more && found.events.length > 0 });
    } catch (error) {
      await new Promise((done) => setTimeout(done, AGAIN_MS));
      if (["no_such_room", "not_joined"].includes(error.code)) talk.hasOlder = false;
    } finally {
      talk.fetching = false;
    }
    this.emit("items", talk);
  }

  async newer(talk) {
    if (!talk.loaded || !talk.hasNewer || talk.fetching || !this.online) return;
    talk.fetching = true;
    try {
      const found = await this.ask("history", {
        ...talk.place,
        after: talk.cursor,
        limit: PAGE * 2,
      });
      talk.page(found.events, { newer: found.more });
      if (!found.more) talk.caughtUp();
    } catch {
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    } finally {
      talk.fetching = false;
    }
    this.emit("items", talk);
  }

  async newest(talk) {
    talk.forget();
    await this.load(talk);
  }

  // After a break: what came meanwhile. Of too much, only the newest.
  async catchUp(talk) {
    if (talk.loading || talk.hasNewer || talk.catching) return;
    talk.catching = true;
    try {
      const found = await this.ask("history", {
        ...talk.place,
        after: talk.cursor,
        limit: CATCH_UP,
      });
      if (found.more) {
        await this.newest(talk);
        return;
      }
      this.match(talk, found.events);
      this.count(talk, found.events, 0);
      talk.page(found.events, {});
      talk.caughtUp();
      this.emit("items", talk);
    } catch (error) {
      if (error.code === "unreachable" || !this.online) return; // the next welcome tries again
      setTimeout(() => this.online && !talk.synced && this.catchUp(talk), AGAIN_MS);
    } finally {
      talk.catching = false;
    }
  }
}
