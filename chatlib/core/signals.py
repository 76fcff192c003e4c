"""What a client is told besides the events of the chat: its connection, gaps, refusals."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

ConnectionState = Literal["connecting", "online", "offline", "refused", "closed"]


class Connection(Struct, frozen=True):
    """The connection to the broker changed.

    `online`: `resumed` tells whether the session lived on; `new_history` whether the broker has
    another history than before (another epoch). `offline`: `detail` is the cause, `retry_in` the
    seconds until the next try. `refused`: `code` is the error code and `suggestion` a nickname that
    is free; nothing more is tried. Keys that keep both apart have codes of their own:
    `key_refused`, `wrong_server_key`, `encrypted`, `not_encrypted`. `closed`: by this side, or by
    the broker with its reason.
    """

    state: ConnectionState
    detail: str = ""
    retry_in: float | None = None
    resumed: bool = False
    new_history: bool = False
    nick: str = ""
    code: str = ""
    suggestion: str | None = None


class Gap(Struct, frozen=True):
    """Events that can no longer be had: those after `after` and before `before`, by seq.

    `room` is None for one's own inbox.
    """

    room: str | None
    after: int
    before: int


class Refusal(Struct, frozen=True):
    """A message that was sent, understood and not accepted; it is used up, nothing resends it."""

    ticket: int
    code: str
    message: str
    text: str
    room: str | None = None
    to: str | None = None
    kind: str = "say"


class Pending(Struct, frozen=True):
    """A message of one's own that is not acknowledged yet."""

    ticket: int
    text: str
    room: str | None = None
    to: str | None = None
    kind: str = "say"


class SavedSession(Struct, frozen=True):
    """What another process needs to go on in a session. `token` is a secret.

    `inbox` is the seq up to which private messages were delivered; `said` how many messages the
    session has said, None while some are on their way. `epoch` names the history of both.
    Whoever goes on trusts `said`: a process that goes on speaking keeps None in its place.
    """

    token: str
    epoch: str
    inbox: int = 0
    said: int | None = None
