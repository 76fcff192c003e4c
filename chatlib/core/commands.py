"""What admission makes of a frame: commands, which change the state, and questions, which don't.

Commands are plain data with everything in them that is not a function of the past (`at`, new
tokens), so that they can be written to a log and applied again to the same effect.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from msgspec import Struct

from chatlib.protocol.events import BadLine, Line
from chatlib.protocol.fields import Id


class Origin(NamedTuple):
    """Where an answer goes: a control connection, the request's id, and whether it is a REQ."""

    routing: bytes
    id: Id | None
    delimiter: bool = False


class Peer(NamedTuple):
    """Who is at the other end of a connection, as far as libzmq tells.

    `key` is the public CURVE key (Z85) that the peer has shown to own, empty without encryption;
    `uid` is the user's on this machine, of a peer that came over ipc.
    """

    key: str = ""
    address: str = ""
    uid: int | None = None


NOBODY = Peer()


class Command(Struct, kw_only=True):
    """The root of all commands. `at` is in milliseconds; `origin` is None when nobody asked.

    `sid` is empty for what needs no session.
    """

    at: int
    sid: str = ""
    origin: Origin | None = None


class OpenSession(Command, tag=True):
    """Take up the session named by `token`, else open one as `sid` with `new_token`."""

    new_token: str
    token: str | None = None
    nick: str | None = None
    bot: bool = False
    key: str = ""
    members_only: bool = False


class ChangeNick(Command, tag=True):
    """Give the session another nickname."""

    nick: str


class JoinRoom(Command, tag=True):
    """Make the session a member of `room` (folded), and read its events since `after`."""

    room: str
    after: int | None = None


class LeaveRoom(Command, tag=True):
    """End the session's membership of `room`."""

    room: str


class SetTopic(Command, tag=True):
    """Give `room` the topic `text`."""

    room: str
    text: str


class MarkRead(Command, tag=True):
    """Note that the session has read `room`, or what `peer` (a nick key) and it said, to `seq`."""

    seq: int
    room: str | None = None
    peer: str | None = None


class Original(Struct):
    """What the store had of an event: who said it, as what, and to whom if privately (ids)."""

    user: str
    kind: str
    deleted: bool = False
    peer: str | None = None


class Regarding(Line):
    """A line about an earlier event, with what the store had of that when the line came.

    State and command alone say nothing of old events: so what is known of this one is in the
    command. It is `looked_up` and there is no `original`: it was not there.
    """

    looked_up: bool = False
    original: Original | None = None


class Say(Command, tag=True):
    """Take in the lines of one intake frame, in their order.

    Those with a `re` are `Regarding`; `regards` tells that there are any.
    """

    lines: list[Line | BadLine]
    regards: bool = False


class EndSession(Command, tag=True):
    """End the session for `reason`: `left` or `timeout`."""

    reason: str


class InRoom(Command, kw_only=True):
    """The root of what is done with rights in a room.

    `local`: over ipc, by a user of this machine who is an operator.
    """

    room: str
    local: bool = False


class CreateRoom(InRoom, tag=True):
    """Make a room, private or not."""

    private: bool = False


class SetRole(InRoom, tag=True):
    """Give who is called `nick` (a nick key, here and below) a role in the room, or none."""

    nick: str
    role: Literal["owner", "moderator", "member", "none"]


class Kick(InRoom, tag=True):
    """End somebody's membership of the room."""

    nick: str
    reason: str = ""


class RoomBan(InRoom, tag=True):
    """Keep somebody out of the room."""

    nick: str
    reason: str = ""


class RoomUnban(InRoom, tag=True):
    """Let into the room again who had that nickname when he was banned."""

    nick: str


class Mute(InRoom, tag=True):
    """Let somebody say nothing in the room, for so many seconds; None for as long as it takes."""

    nick: str
    seconds: int | None = None


class Unmute(InRoom, tag=True):
    """Let somebody speak in the room again."""

    nick: str


class ByOperator(Command, kw_only=True):
    """The root of what operators of the broker do: the one with this key, or a `local` one."""

    by: str = ""
    local: bool = False


class Admit(Command, tag=True):
    """Make `key` known to the broker, as an operator or as nobody special."""

    key: str
    role: str = ""


class Redeem(Command, tag=True):
    """Make `key` known for the invitation whose token has this digest."""

    key: str
    digest: bytes


class Invite(ByOperator, tag=True):
    """Invite to `room`, so often and so long; `token` goes to who asked, and is not kept."""

    id: str
    token: str
    digest: bytes
    room: str
    uses: int
    seconds: int


class Uninvite(ByOperator, tag=True):
    """Take an invitation back."""

    invitation: str


class Ban(ByOperator, tag=True):
    """Keep `who` out: a key or an address."""

    who: str
    reason: str = ""


class Unban(ByOperator, tag=True):
    """Let `who` in again."""

    who: str


class CloseRoom(ByOperator, tag=True):
    """Put everybody out of `room`, and keep all out of it."""

    room: str
    reason: str = ""


class ReopenRoom(ByOperator, tag=True):
    """Let people into `room` again."""

    room: str


class BackUp(ByOperator, tag=True):
    """Have the history copied to the new file `name`."""

    name: str


class Register(Command, tag=True):
    """Make the nickname of the session's user that of its key's identity."""


class Unregister(Command, tag=True):
    """Give up the nickname of the session's user."""


class Deregister(ByOperator, tag=True):
    """Take a nickname from whoever has it registered."""

    nick: str


class AddDevice(Command, tag=True):
    """Keep a token that adds one key to the identity of the session's user, as an Invite does."""

    id: str
    token: str
    digest: bytes
    seconds: int


class RemoveDevice(Command, tag=True):
    """Take the key with this fingerprint from the identity of the session's user."""

    key: str


class Reset(ByOperator, tag=True):
    """Take all keys from whoever has the nickname registered, and keep a token for a new one."""

    nick: str
    id: str
    token: str
    digest: bytes
    seconds: int


class SetPassword(Command, tag=True):
    """Keep a password's hash for the identity of the session's user."""

    salt: bytes
    hash: bytes = b""


class LogIn(Command, tag=True):
    """Add `key` to the identity that has the nickname, if `hash` is that of its password."""

    key: str
    nick: str
    salt: bytes
    hash: bytes = b""


class Unhashed(NamedTuple):
    """A command that waits for the hash of a password; `address` is who tries it."""

    command: SetPassword | LogIn
    password: str
    address: str

    def __repr__(self) -> str:
        return f"Unhashed({self.command!r}, ...)"  # so that no log ever shows it


class Drain(ByOperator, tag=True):
    """Write down that the broker is being drained; that it is, whoever runs it has seen to."""


class Promote(ByOperator, tag=True):
    """Give `key` a role in the broker, or none."""

    key: str
    role: Literal["operator", "gateway", "none"]


class Question(NamedTuple):
    """A request that changes nothing: answered after the commit, from the state and the store."""

    origin: Origin
    sid: str
    request: Any  # of the class that its op names
