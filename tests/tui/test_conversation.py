"""What a typed line does, with a real client on a real broker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatlib import Client
from chatlib.core.signals import Refusal
from chatlib.tui.completion import complete
from chatlib.tui.conversation import Conversation
from chatlib.tui.render import to_terminal
from tests.support import RunningBroker, eventually


class Person:
    """A conversation without a screen: what it shows is kept."""

    def __init__(self, address: str, nick: str) -> None:
        self.client = Client(address, nick).start()
        self.lines: list[str] = []
        self.chat = Conversation(self.client, self._show)

    def _show(self, lines: list) -> None:
        self.lines += [to_terminal(line, colour=False) for line in lines]

    def look(self) -> None:
        for told in self.client.events(timeout=0.05):
            self._show(self.chat.take(told))

    def sees(self, part: str) -> bool:
        def seen() -> bool:
            self.look()
            return any(part in line for line in self.lines)

        eventually(f"{self.client.nick} sees {part!r}", seen)
        return True

    def types(self, *lines: str) -> None:
        for line in lines:
            self.chat.enter(line)


@pytest.fixture
def ann(broker: RunningBroker) -> Iterator[Person]:
    person = Person(broker.control, "ann")
    with person.client:
        yield person


@pytest.fixture
def bob(broker: RunningBroker) -> Iterator[Person]:
    person = Person(broker.control, "bob")
    with person.client:
        yield person


def test_two_people_use_every_command(ann: Person, bob: Person) -> None:
    ann.types("/join lobby", "/topic cake at four", "is anybody here?")
    assert ann.sees("lobby: no topic; here: ann")
    bob.types("/join #Lobby")
    assert bob.sees("<ann> is anybody here?")
    assert bob.sees("lobby: cake at four; here: ann, bob")
    bob.types("/me nods", "/msg ann the cake is a lie", "//join is a command")
    assert ann.sees("* bob nods")
    assert ann.sees("bob to you alone: the cake is a lie")
    assert ann.sees("<bob> /join is a command")
    assert bob.sees("to ann alone: the cake is a lie")
    bob.types("/nick bobby", "/who", "/rooms", "/topic")
    assert bob.sees("you are bobby now")
    assert bob.sees("2 in lobby:")
    assert bob.sees("lobby  2 here  cake at four")
    assert ann.sees("bob is now bobby")
    bob.types("/join ops", "over here", "/history 1")
    assert bob.sees("the last 1 events of ops:")
    bob.types("/leave")
    assert bob.chat.room == "lobby"
    bob.types("/leave lobby", "hello?")
    assert ann.sees("bobby left lobby")
    assert bob.sees("you are in no room: /join one first")
    bob.types("/quit")
    assert bob.chat.quitting


def test_changing_what_was_said(ann: Person, bob: Person) -> None:
    ann.types("/join lobby")
    bob.types("/join lobby")
    ann.types("first", "helo")
    assert bob.sees("<ann> helo") and ann.sees("<ann> helo")
    ann.types("/edit hello")
    assert bob.sees("<ann> hello (edited)")
    bob.types("/reply Ann hi there")
    assert ann.sees("<bob> (to ann: hello) hi there") and bob.sees("hi there")
    bob.types("/react 👋 ann", "/react 🎉")
    assert ann.sees("bob reacts 👋 to ann: hello") and bob.sees("bob reacts 🎉 to bob: hi there")
    bob.types("/react 👋 ann")
    assert ann.sees("bob takes back 👋 to ann: hello")
    ann.types("/delete")
    assert bob.sees("ann deleted a message") and ann.sees("ann deleted a message")
    ann.types("/delete")
    ann.client.flush(30)
    bob.types("/history 20")
    history = [x[6:] for x in bob.lines[bob.lines.index("the last 11 events of lobby:") :]]
    assert [x for x in history if x.startswith("<")] == [
        "<ann> (deleted)",
        "<ann> (deleted)",
        "<bob> (to an earlier message) hi there",
    ]
    assert history[-2:] == ["ann deleted a message"] * 2


def test_an_edit_is_never_of_the_message_before_the_last(ann: Person) -> None:
    ann.types("/join lobby", "first")
    assert ann.sees("<ann> first")
    ann.types("second", "/edit third")
    assert "what you said last in lobby is still on its way" in ann.lines[-1]
    assert ann.sees("<ann> second") and not any("third" in line for line in ann.lines)
    ann.types("/edit third")
    assert ann.sees("<ann> third (edited)")


def test_a_refused_message_is_not_waited_for(ann: Person) -> None:
    ann.types("/join lobby", "first")
    assert ann.sees("<ann> first")
    ann.chat.say("second", reply_to=999)
    assert ann.sees("not sent: ")
    ann.client.leave("lobby")
    ann.types("second", "/join lobby", "/edit third")
    assert ann.sees("<ann> third (edited)")


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("/frob", "there is no command /frob: /help lists the commands (to say it, write //frob)"),
        ("/joni lobby", "there is no command /joni: did you mean /join?"),
        ("/join", "usage: /join ROOM"),
        ("/join a/b", "a room name has no space and no '/': 'a/b'"),
        ("/msg bob", "usage: /msg NICK TEXT"),
        ("/nick a b", "a nickname has no space and no '/': 'a b'"),
        ("/history many", "usage: /history [N], N from 1 to 1000"),
        ("/leave ops", "you are not in ops"),
        ("/edit", "usage: /edit TEXT"),
        ("/edit nothing", "you said nothing in lobby of late"),
        ("/delete", "you said nothing in lobby of late"),
        ("/delete of it", "usage: /delete [NICK] (the last message in the room)"),
        ("/delete bob", "bob said nothing in lobby of late"),
        ("/reply bob hi", "bob said nothing in lobby of late"),
        ("/react 👍", "there is nothing yet to react to"),
        ("/unregister", "ann is not registered: it is yours until you leave"),
        ("/nick bob", "the nickname bob is in use; bob_ is free"),
        ("x" * 9000, "a text has at most 8192 bytes, this one has 9000"),
    ],
)
def test_a_slip_is_an_error_with_the_next_step_and_is_never_said(
    ann: Person, bob: Person, typed: str, answer: str
) -> None:
    ann.types("/join lobby")
    bob.types("/join lobby")
    ann.types(typed, "this one is said")
    assert ann.sees(answer)
    assert bob.sees("<ann> this one is said")
    assert not any("ann> " in line and "this one" not in line for line in bob.lines)


def test_a_message_to_nobody_is_told_as_not_sent(ann: Person) -> None:
    ann.types("/join lobby", "/msg nobody psst")
    assert ann.sees("not sent: nobody here is called nobody: psst")


def test_exit_alone_quits_and_in_a_sentence_does_not(ann: Person) -> None:
    ann.types("/join lobby", "exit the room please")
    assert not ann.chat.quitting
    ann.types(" exit ")
    assert ann.chat.quitting


def test_tab_offers_commands_rooms_and_nicknames(ann: Person, bob: Person) -> None:
    ann.types("/join lobby")
    bob.types("/join lobby", "/join ops")
    assert ann.sees("bob joined lobby")
    ann.types("/rooms")
    assert complete(ann.chat, "/jo") == [("/join ", -3)]
    assert complete(ann.chat, "/join #o") == [("ops ", -2)]
    assert complete(ann.chat, "/msg b") == [("bob ", -1)]
    assert complete(ann.chat, "Bo") == [("bob: ", -2)]
    assert complete(ann.chat, "ask bo") == [("bob ", -2)]
    assert complete(ann.chat, "") == []


def test_other_rooms_are_counted_and_named(ann: Person, bob: Person) -> None:
    ann.types("/join ops", "/join lobby")
    bob.types("/join ops", "look here")
    assert ann.sees("#ops <bob> look here")
    assert ann.chat.unread["ops"] == 1
    ann.types("/join ops")
    assert ann.chat.unread["ops"] == 0


def test_what_is_shown_is_read(ann: Person, bob: Person) -> None:
    ann.types("/join lobby", "/join ops")
    bob.types("/join lobby", "one", "two", "/join ops", "three", "/msg ann psst")
    assert ann.sees("<bob> two") and ann.sees("<bob> three") and ann.sees("psst")

    def unread() -> dict[str | None, int]:
        return {u.room or u.peer: u.unread for u in ann.client.unread()}

    eventually("what was shown is marked", lambda: unread() == {"lobby": 2, "ops": 0, "bob": 0})
    ann.types("/join lobby")
    eventually("the other room, too", lambda: unread() == {"lobby": 0, "ops": 0, "bob": 0})


def test_searching(tmp_path: Path) -> None:
    with (
        RunningBroker(tmp_path, data=tmp_path / "data") as broker,
        Client(broker.control, "ann") as ann,
    ):
        chat = Person(broker.control, "bob")
        with chat.client:
            ann.join("lobby")
            ann.join("ops")
            chat.types("/join lobby", "the cake is ready")
            ann.say("ops", "no cake here")
            ann.flush()
            eventually("it is indexed", lambda: len(ann.search("cake")) == 2)
            chat.types("/search cake", "/search cake from:bob since:1h", "/search cake in:Ops")
            chat.types("/search cake before:1h", "/search cake since:soon", "/search !!!")
            chat.client.flush()
            assert "2 found:" in chat.lines and chat.lines.count("1 found:") == 2
            assert "0 found" in chat.lines
            assert chat.sees("#ops <ann> no cake here")
            assert chat.sees("'soon' is no time") and chat.sees("there is nothing to look for")


def test_two_people_and_a_room_of_their_own(ann: Person, bob: Person) -> None:
    ann.types("/create --private den")
    assert ann.sees("den is private: let people in with /invite NICK")
    bob.types("/join lobby", "/join den")
    assert bob.sees("there is no room den")
    ann.types("/invite bob")
    assert ann.sees("bob may join den now")
    assert bob.sees("ann lets you into the private room den: /join den")
    bob.types("/join den", "can you read this?")
    assert ann.sees("<bob> can you read this?")
    bob.types("/kick ann")
    assert bob.sees("that takes the role moderator in den, yours is member")
    ann.types("/mute bob 10m")
    assert bob.sees("ann muted bob in den until")
    bob.types("but")
    assert bob.sees("not sent: you are muted in den until")
    ann.types("/unmute bob", "/op bob", "/roles")
    assert ann.sees("moderator  bob")
    assert bob.sees("ann made bob a moderator of den")
    ann.types("/invite Bob")
    assert ann.sees("Bob has a role in den already")
    assert [(r.nick, r.role) for r in ann.client.roles("den").roles][1:] == [("bob", "moderator")]
    ann.types("/delete bob")
    assert bob.sees("ann deleted a message")
    ann.types("/deop bob", "/rooms")
    assert ann.sees("den  2 here (private)")
    ann.types("/kick bob that will do")
    assert bob.sees("bob was put out of den by ann: that will do")
    assert bob.chat.room == "lobby"
    ann.types("/ban bob", "/invite bob")
    assert ann.sees("bob is banned from den: unban him first")
    ann.types("/unban bob", "/invite bob", "/mute bob soon", "/create", "/invite bob lobby")
    assert ann.sees("'soon' is no time: write 2.5, 90s, 10m, 1h30m or 2d")
    ann.types("/mute bob 367d", "/mute bob 0s")
    assert ann.sees("a mute lasts 1 second to 366 days")
    assert len([line for line in ann.lines if "a mute lasts" in line]) == 2
    assert ann.sees("usage: /create [--private] NAME")


def test_a_room_that_is_joined_once_more_is_told_of_once_more(ann: Person) -> None:
    ann.types("/join ops")
    assert ann.sees("ops: no topic; here: ann")
    ann.types("/leave ops")
    found = ann.client.join("ops")
    eventually("the join is shown", lambda: ann.look() or len(ann.lines) > 4)
    ann.chat.arrived(found)
    assert ann.lines.count("ops: no topic; here: ann") == 2


def test_a_room_that_is_lost_without_an_event_is_left(ann: Person) -> None:
    ann.types("/join lobby", "/join ops")
    assert ann.sees("ops: no topic; here: ann")
    ann.client.leave("ops")  # as when the broker tells after an outage that one is not in it
    (line,) = ann.chat.take(Refusal(0, "not_joined", "you are not in the room ops", "", "ops"))
    assert to_terminal(line, colour=False) == "you are not in the room ops"
    assert ann.chat.room == "lobby"
