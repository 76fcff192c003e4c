"""The numbers of the wire. Bytes are of UTF-8; docs/protocol.md has the table."""

from __future__ import annotations

from chatlib.names import NICK_CHARS, ROOM_CHARS

WIRE_VERSION = 1

TEXT_BYTES = 8 * 1024
REACTION_BYTES = 32  # one sign or a short word; some signs are of eight code points
TOPIC_BYTES = 512  # a room's topic, which everyone who joins is sent
ROOMS_PER_SESSION = 100
HISTORY_EVENTS = 1_000  # events an answer holds at the most
JOIN_EVENTS = 50  # events that a join brings unless it says from where
SEARCH_EVENTS = 100  # messages that a search finds at the most; then `more`
UNREAD = 100  # unread messages are counted up to here
ANSWER_BYTES = 1024 * 1024  # an answer's events; then `more`

INTAKE_FRAME_BYTES = 128 * 1024
CONTROL_FRAME_BYTES = 64 * 1024
SUBSCRIPTION_BYTES = 1024  # a longer one can crash an XPUB (libzmq issue 4671)
FEED_LINES = 1_000
FEED_BYTES = 256 * 1024

LONGEST_DAYS = 366  # of what ends by itself: invitations, mutes
LONGEST_S = LONGEST_DAYS * 24 * 3600

HEARTBEAT = 10.0  # seconds
MISSED_HEARTBEATS = 3  # a session silent for so many of them ends


def announced() -> dict[str, int]:
    """Return the limits as `hello` tells them."""
    return {
        "nick_chars": NICK_CHARS,
        "room_chars": ROOM_CHARS,
        "text_bytes": TEXT_BYTES,
        "reaction_bytes": REACTION_BYTES,
        "topic_bytes": TOPIC_BYTES,
        "rooms": ROOMS_PER_SESSION,
        "history": HISTORY_EVENTS,
        "intake_bytes": INTAKE_FRAME_BYTES,
        "control_bytes": CONTROL_FRAME_BYTES,
    }
