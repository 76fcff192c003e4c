"""The broker's door: what is let in, what is answered with an error, who is where."""

from __future__ import annotations

from chatlib.core import admission
from chatlib.core.actions import SendControl
from chatlib.core.admission import Admission
from chatlib.core.batch import Batch
from chatlib.core.commands import NOBODY, Peer
from chatlib.core.sharing import SharingFollower
from chatlib.core.state import State
from chatlib.net.sockets import ANSWER_FRAME_BYTES
from chatlib.net.status import MOST_SHOWN
from chatlib.protocol.answers import RoomActivity, SessionActivity
from chatlib.protocol.codec import decode_request, encode
from tests.core.broker_play import BrokerPlay, play


def test_only_a_hello_is_for_connections_without_a_session() -> None:
    play("""
        ann > ping id=1
        ann > join room=lobby id=2
        ann > fly id=3
        ann > hello v=2 id=4
        ann > hello v=0 id=5
        ann > hello id=6
        ann > ping id=7
            ann < 1 no no_session
            ann < 2 no no_session
            ann < 3 no unknown_op
            ann < 4 no wrong_version
            ann < 5 no wrong_version
            ann < 6 no bad_request
            ann < 7 no no_session
        """)


def test_a_req_is_answered_behind_its_delimiter_and_told_nothing_unasked() -> None:
    play(
        """
        req req> hello v=1 nick=robot id=1
            req req< 1 ok session=t2 sid=s2 nick=robot accepted=0
        --
        req req> join room=lobby id=2
        t1 >> n=1 to=robot text=psst
        t2 >> n=1 room=nowhere text=x
            ann < 1<0 say @robot ann.1 "psst"
            req req< 2 ok room=lobby members=[robot] head=2
                2<0 join lobby robot
            room/lobby/ < 2<0 join lobby robot
        --
        req req> ping id=3
            req req< 3 ok accepted=1 heads={lobby=2} inbox=1
        """,
        ann="",
    )


def test_deliveries_go_to_the_dealer_that_said_hello_last() -> None:
    play(
        """
        req req> hello v=1 session=t1
        t2 >> n=1 to=ann text=one
            req req< 0 ok session=t1 sid=s1 resumed=true nick=ann accepted=0 inbox=1 waiting=1
            ann < 1<0 say @ann bob.1 "one"
            bob < 1<0 say @ann bob.1 "one"
        --
        ann2 > hello v=1 session=t1
            ann2 < 0 ok session=t1 sid=s1 resumed=true nick=ann accepted=0 inbox=1 waiting=1
        --
        t2 >> n=2 to=ann text=two
            ann2 < 2<1 say @ann bob.2 "two"
            bob < 2<1 say @ann bob.2 "two"
        --
        ann > ping id=1
            ann < 1 ok accepted=0 inbox=2
        """,
        ann="",
        bob="",
    )


def test_a_session_keeps_eight_connections() -> None:
    broker = BrokerPlay()
    broker.given(ann="")
    for i in range(admission.MAX_BINDINGS):
        broker.play(f"""
            more{i} > hello v=1 session=t1
                more{i} < 0 ok session=t1 sid=s1 resumed=true nick=ann accepted=0
            """)
    broker.play("""
        more0 > ping
        ann > ping
            ann < 0 no no_session
            more0 < 0 ok accepted=0
        """)


def test_a_connection_that_vanished_is_delivered_nothing() -> None:
    broker = BrokerPlay()
    broker.given(ann="", bob="")
    broker.pipeline.admission.vanished(broker.routing("bob"))
    broker.play("""
        t1 >> n=1 to=bob text=psst
            ann < 1<0 say @bob ann.1 "psst"
        bob2 > hello v=1 session=t2
            bob2 < 0 ok session=t2 sid=s2 resumed=true nick=bob accepted=0 inbox=1 waiting=1
        """)


def test_a_token_that_nobody_has_is_dropped_in_silence() -> None:
    play(
        """
        made-up >> n=1 room=lobby text=x
        t2 >> n=1 room=lobby text=x
        """,
        ann="lobby",
    )


def test_a_token_is_good_until_its_session_ends() -> None:
    play(
        """
        t1 >> n=1 room=lobby text=x
            room/lobby/ < 2<1 say lobby ann.1 "x"
        --
        ann > bye
            ann < 0 ok
            room/lobby/ < 3<2 leave lobby ann reason=left
        --
        t1 >> n=2 room=lobby text=x
        """,
        ann="lobby",
    )


def door(state: State) -> Admission:
    return Admission(state, lambda size: "x" * size, 30)


def test_frames_of_another_shape_are_dropped_and_counted() -> None:
    admitted = door(State("e"))
    batch = Batch()
    ping = b'{"op":"ping"}'
    for parts in (
        [b"\x00aaaa"], [b"\x00aaaa", b"x", ping], [b"\x00aaaa", b"", ping, ping],
        [b"chosen", ping], [b"\x01aaaa", ping], [b"", ping], [b"\x00aaaaa", ping],
    ):  # fmt: skip
        assert admitted.control(parts, NOBODY, 0, 0, batch) is None
    for parts in ([], [b"token"], [b"token", b"{}", b"{}"]):
        assert admitted.intake(parts, NOBODY, 0, 0, batch) is None
    assert admitted.counts == {"bad_frames": 10}
    assert not batch.replies
    assert not batch.notices


def test_errors_are_counted_by_their_code() -> None:
    admitted = door(State("e"))
    for frame in (b"{", b'{"op":"fly"}', b'{"op":"ping"}', b'{"op":"hello","v":9}', b"[]"):
        admitted.control([b"\x00aaaa", frame], NOBODY, 0, 0, Batch())
    admitted.intake([b"nobody", b"{}"], NOBODY, 0, 0, Batch())
    assert admitted.counts == {
        "bad_json": 1, "unknown_op": 1, "no_session": 2, "wrong_version": 1, "bad_request": 1,
    }  # fmt: skip


def test_chance_gives_no_id_twice() -> None:
    sizes: list[int] = []

    def fresh(size: int) -> str:
        sizes.append(size)
        return f"token{len(sizes)}"

    door = Admission(State("e"), fresh, 30)
    door.control([b"\0aaaa", b'{"op":"hello","v":1}'], NOBODY, 0.0, 1, Batch())
    # The inbox of who is gone stays in the store. Of 40 bits, after a million sessions one in a
    # million more would be given the id of somebody gone, and could read his letters.
    assert min(sizes) * 8 >= 64


HERE = Peer(address="process 7", uid=7)  # over ipc, as the user who runs the broker


def test_who_speaks_for_guests_over_ipc_does_not_lend_them_his_rights() -> None:
    broker = BrokerPlay(ann=HERE, page=HERE, page2=HERE)
    broker.pipeline.admission._operators = (7,)
    broker.given(bob="lobby", ann="")
    broker.play("""
        ann > mute room=lobby nick=bob id=1
            ann < 1 ok
            room/lobby/ < 2<1 mute lobby ann
        --
        page > hello v=1 nick=eve guest=true id=1
        page > kick room=lobby nick=bob id=2
            page < 1 ok session=t3 sid=s3 nick=eve accepted=0
            page < 2 no not_allowed
        --
        page > kick room=lobby nick=bob id=3
        page > bans id=4
        page2 > hello v=1 nick=eve session=t3 guest=true id=5
            page < 4 no not_allowed
            page2 < 5 ok session=t3 sid=s3 resumed=true nick=eve accepted=0
            page < 3 no not_allowed
        --
        page2 > role room=lobby nick=eve role=owner id=6
            page2 < 6 no not_allowed
        """)


def test_a_page_says_that_its_people_are_guests() -> None:
    follower = SharingFollower("eve", program="page", past=None, shared=())
    follower.connected(0.0)
    (sent,) = (action for action in follower.actions if isinstance(action, SendControl))
    assert decode_request(sent.frame).guest


def test_what_a_program_calls_itself_is_safe_to_show_and_of_a_bounded_size() -> None:
    """Escaped, each control character would be six bytes of the operator's `status`."""
    broker = BrokerPlay()
    for name, client in (("ann", "\x1b[2Jx"), ("bob", "\x01" * 256), ("zoe", "\U00020000" * 256)):
        hello = {"op": "hello", "v": 1, "nick": name, "client": client}
        broker.pipeline.run([], [([broker.routing(name), encode(hello)], NOBODY)], [], 0.0, 1)
    clients = broker.pipeline.admission.clients
    assert clients["s1"] == "␛[2Jx"
    session = SessionActivity("\U00020000" * 32, "x" * 11, 100, 29.9, "x" * 45, True, 10**9, 10**6)
    session.congested, session.key, session.said = True, "x" * 29, 10**9
    room = RoomActivity("\U00020000" * 50, 10**4, 10**9, 10**9, True, True)
    for client in clients.values():
        session.client = client
        row = len(encode(session)) + len(encode(room)) + 2
        assert MOST_SHOWN * row < 0.9 * ANSWER_FRAME_BYTES
