"""The tables of the history, and the steps that brought them there."""

from __future__ import annotations

APPLICATION_ID = 0x48554242  # "HUBB": so that nobody's other database is taken for ours

# Each step brings the schema from the version before it (its place in the list) to the next.
MIGRATIONS = [
    """
    CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE events (
        stream INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        peer TEXT,
        line BLOB NOT NULL,
        PRIMARY KEY (stream, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX conversations ON events (stream, peer, seq) WHERE peer IS NOT NULL;
    CREATE TABLE rooms (name TEXT PRIMARY KEY, topic TEXT NOT NULL, head INTEGER NOT NULL)
        STRICT, WITHOUT ROWID;
    CREATE TABLE sessions (
        sid TEXT PRIMARY KEY,
        digest BLOB NOT NULL,
        nick TEXT NOT NULL,
        bot INTEGER NOT NULL,
        accepted INTEGER NOT NULL,
        inbox INTEGER NOT NULL,
        rooms TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE ended (digest BLOB PRIMARY KEY, accepted INTEGER NOT NULL, at INTEGER NOT NULL)
        STRICT, WITHOUT ROWID;
    """,
    # For retention: how long each stream is, and which seq came when.
    """
    ALTER TABLE streams ADD COLUMN count INTEGER NOT NULL DEFAULT 0;
    UPDATE streams SET count = (SELECT count(*) FROM events WHERE stream = id);
    CREATE TABLE marks (at INTEGER PRIMARY KEY, seq INTEGER NOT NULL) STRICT;
    """,
    "ALTER TABLE sessions ADD COLUMN read TEXT NOT NULL DEFAULT '{}';",
    """
    ALTER TABLE sessions ADD COLUMN owner TEXT NOT NULL DEFAULT '';
    CREATE TABLE records (
        kind TEXT NOT NULL, id TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, id)
    ) STRICT, WITHOUT ROWID;
    """,
    # Which events are edits of which: what is deleted is blanked with them.
    """
    CREATE TABLE edits (
        stream INTEGER NOT NULL,
        first INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        PRIMARY KEY (stream, first, seq)
    ) STRICT, WITHOUT ROWID;
    """,
    # Users beside sessions: until then each session was somebody of its own.
    """
    CREATE TABLE users (
        id TEXT PRIMARY KEY,
        nick TEXT NOT NULL,
        inbox INTEGER NOT NULL,
        rooms TEXT NOT NULL,
        read TEXT NOT NULL,
        identity TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO users SELECT sid, nick, inbox, rooms, read, '' FROM sessions;
    CREATE TABLE devices (
        sid TEXT PRIMARY KEY,
        digest BLOB NOT NULL,
        user TEXT NOT NULL,
        bot INTEGER NOT NULL,
        accepted INTEGER NOT NULL,
        owner TEXT NOT NULL,
        since INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO devices SELECT sid, digest, sid, bot, accepted, owner, 0 FROM sessions;
    DROP TABLE sessions;
    ALTER TABLE devices RENAME TO sessions;
    """,
    # What was deleted in rooms, as it was, for their moderators alone.
    """
    CREATE TABLE erased (
        stream INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        line BLOB NOT NULL,
        PRIMARY KEY (stream, seq)
    ) STRICT, WITHOUT ROWID;
    """,
]
