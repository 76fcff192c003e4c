"""A client that goes on in the session of a process before it."""

from __future__ import annotations

from chatlib.core.signals import SavedSession
from tests.core.client_play import ClientPlay


def taken_over(script: str, said: int | None = None) -> ClientPlay:
    client = ClientPlay(past=SavedSession("t0", "e1", inbox=5, said=said))
    client.play(script)
    return client


def test_what_is_said_waits_until_the_numbers_of_a_session_taken_over_are_known() -> None:
    """The process before us had a message on its way, which takes number 4; ours is 5."""
    taken_over("""
        connected
            > hello 1 nick=ann session=t0
        welcome resumed=true session=t0 accepted=3 inbox=5
            attach beacon/
            told online resumed ann
        say lobby late
        tick 0.35
            > ping 2
        pong accepted=4 inbox=5
        tick 0.65
            > ping 3
        pong accepted=4 inbox=5
        tick 2.5
            > ping 4
        pong accepted=4 inbox=5
            >> t0 n=5 text=late room=lobby
        < kind=refused n=5 error={"code":"not_joined","message":"no"}
            told refusal ticket=1 code=not_joined text=late
        """)


def test_what_another_process_said_acknowledges_nothing_of_ours() -> None:
    """Its event with number 4 comes while our first message has that number, and is not sent."""
    client = taken_over("""
        connected
            > hello 1 nick=ann session=t0
        welcome resumed=true session=t0 accepted=3 inbox=5
            attach beacon/
            told online resumed ann
        tell bob ours
        < 6<5 say @bob ann.4 "theirs"
            told 6<5 say @bob ann.4 "theirs"
        """)
    assert [message.text for message in client.follower.outbox.pending()] == ["ours"]
    assert client.follower.saved == SavedSession("t0", "e1", inbox=6, said=None)


def test_who_ended_in_peace_left_nothing_on_its_way() -> None:
    taken_over(
        """
        tell bob psst
        connected
            > hello 1 nick=ann session=t0
        welcome resumed=true session=t0 accepted=3 inbox=6
            attach beacon/
            > history 2 inbox=true after=5
            >> t0 n=4 text=psst to=bob
            told online resumed ann
        page head=6 : 6<5 say @ann bob.1 "while you were away"
            told 6<5 say @ann bob.1 "while you were away"
        """,
        said=3,
    )


def test_a_session_that_ended_with_its_process_is_not_taken_over() -> None:
    """What the old session had accepted is not ours: nothing of ours is let go."""
    client = taken_over("""
        tell bob psst
        connected
            > hello 1 nick=ann session=t0
        welcome session=t1 accepted=3
            attach beacon/
            >> t1 n=1 text=psst to=bob
            told online ann
        """)
    assert client.follower.saved == SavedSession("t1", "e1", inbox=0, said=None)


def test_a_session_of_another_history_is_told_as_such() -> None:
    taken_over("""
        connected
            > hello 1 nick=ann session=t0
        welcome session=t1 epoch=e2
            attach beacon/
            told online new_history ann
        """)
