"""State and command to events, answers and refusals: pure, deterministic, and the only judge.

What admission checked was provisional; a command may find its session ended or a nickname taken
by the command before it. The same commands give the same events on every broker.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatlib.core import (
    audit,
    closing,
    commands,
    cursors,
    identities,
    moderation,
    passwords,
    registering,
    rights,
    rooms,
    sessions,
    speech,
)
from chatlib.core.batch import Batch
from chatlib.core.commands import Command
from chatlib.core.state import Session, State
from chatlib.protocol.fields import Error

NO_SESSION = Error("no_session", "this connection has no session: say hello first")

_HANDLERS: dict[type[Command], Callable[[State, Session, Any, Batch], None]] = {
    commands.Say: speech.say,
    commands.JoinRoom: rooms.join_room,
    commands.LeaveRoom: rooms.leave_room,
    commands.SetTopic: rooms.set_topic,
    commands.MarkRead: cursors.mark_read,
    commands.ChangeNick: sessions.change_nick,
    commands.EndSession: sessions.end_session,
    commands.Register: registering.register,
    commands.Unregister: registering.unregister,
    commands.AddDevice: registering.add_device,
    commands.RemoveDevice: registering.remove_device,
    commands.SetPassword: passwords.set_password,
    commands.CreateRoom: moderation.create_room,
    commands.SetRole: moderation.set_role,
    commands.Kick: moderation.kick,
    commands.RoomBan: moderation.ban,
    commands.RoomUnban: moderation.unban,
    commands.Mute: moderation.mute,
    commands.Unmute: moderation.unmute,
}


_WITHOUT_SESSION: dict[type[Command], Callable[[State, Any, Batch], None]] = {
    commands.OpenSession: sessions.open_session,
    commands.Admit: identities.admit,
    commands.Redeem: identities.redeem,
    commands.Invite: identities.invite,
    commands.Uninvite: identities.uninvite,
    commands.Ban: identities.ban,
    commands.Unban: identities.unban,
    commands.Deregister: registering.deregister,
    commands.Reset: registering.reset,
    commands.LogIn: passwords.log_in,
    commands.Promote: identities.promote,
    commands.Drain: audit.drain,
    commands.CloseRoom: closing.close_room,
    commands.ReopenRoom: closing.reopen_room,
    commands.BackUp: closing.back_up,
}


def apply(state: State, command: Command, batch: Batch) -> None:
    """Apply one command: change `state`, add what came of it to `batch`."""
    state.tick(command.at)
    if (handler := _WITHOUT_SESSION.get(type(command))) is not None:
        if isinstance(command, commands.ByOperator) and (
            error := rights.broker_fault(state, type(command), command.by, command.local)
        ):
            batch.fail(command.origin, error)
            return
        handler(state, command, batch)
        return
    session = state.sessions.get(command.sid)
    if session is None:
        batch.fail(command.origin, NO_SESSION)
        return
    if error := rights.command_fault(state, session, command):
        batch.fail(command.origin, error)
        return
    _HANDLERS[type(command)](state, session, command, batch)
