"""What a client says, until it is acknowledged or refused."""

from __future__ import annotations

from tests.core.client_play import IN_LOBBY, ONLINE, play


def test_ones_own_event_acknowledges() -> None:
    play(
        """
        say lobby one
            >> t1 n=1 text=one room=lobby
        act lobby two
            >> t1 n=2 text=two room=lobby kind=act
        feed 2<1 say lobby ann.1 "one" ; 3<2 act lobby ann.2 "two"
            told 2<1 say lobby ann.1 "one"
            told 3<2 act lobby ann.2 "two"
        tick 1
        tick 8
            > ping 3 cursors={lobby=3}
        """,
        IN_LOBBY,
    )


def test_who_talks_without_a_pause_and_is_heard_pings_no_more_often() -> None:
    play(
        """
        say lobby one
            >> t1 n=1 text=one room=lobby
        say lobby two
            >> t1 n=2 text=two room=lobby
        tick 0.2
        feed 2<1 say lobby ann.1 "one"
            told 2<1 say lobby ann.1 "one"
        tick 0.2
        feed 3<2 say lobby ann.2 "two"
            told 3<2 say lobby ann.2 "two"
        say lobby three
            >> t1 n=3 text=three room=lobby
        tick 0.2
        tick 0.2
            > ping 3
        """,
        IN_LOBBY,
    )


def test_what_stays_unacknowledged_is_asked_after_and_sent_again() -> None:
    play(
        """
        say lobby one
            >> t1 n=1 text=one room=lobby
        tick 0.2
        tick 0.2
            > ping 3
        pong
            >> t1 n=1 text=one room=lobby
        tick 0.5
        tick 0.2
            > ping 4
        pong accepted=1
        tick 1
        """,
        IN_LOBBY,
    )


def test_a_pong_that_shows_progress_sends_nothing_again() -> None:
    play(
        """
        say lobby one
            >> t1 n=1 text=one room=lobby
        say lobby two
            >> t1 n=2 text=two room=lobby
        tick 0.4
            > ping 3
        pong accepted=1
        """,
        IN_LOBBY,
    )


def test_after_four_pings_without_progress_the_sockets_are_made_anew() -> None:
    play(
        """
        say lobby one
            >> t1 n=1 text=one room=lobby
        tick 0.4
            > ping 3
        pong
            >> t1 n=1 text=one room=lobby
        tick 0.7
            > ping 4
        pong
            >> t1 n=1 text=one room=lobby
        tick 1.3
            > ping 5
        pong
            >> t1 n=1 text=one room=lobby
        tick 2.5
            > ping 6
        pong
            attach beacon/ room/lobby/
            >> t1 n=1 text=one room=lobby
        """,
        IN_LOBBY,
    )


def test_a_resend_is_obeyed_once_in_a_while() -> None:
    play(
        """
        say lobby one
            >> t1 n=1 text=one room=lobby
        say lobby two
            >> t1 n=2 text=two room=lobby
        say lobby three
            >> t1 n=3 text=three room=lobby
        < kind=resend from=2
            >> t1 n=2 text=two room=lobby | n=3 text=three room=lobby
        < kind=resend from=2
        tick 0.6
            > ping 3
        < kind=resend from=2
            >> t1 n=2 text=two room=lobby | n=3 text=three room=lobby
        """,
        IN_LOBBY,
    )


def test_slow_waits_and_then_sends_again() -> None:
    play(
        """
        say lobby one
            >> t1 n=1 text=one room=lobby
        < kind=slow from=1 after_ms=1000
        say lobby two
        tick 0.9
            > ping 3 cursors={lobby=1}
        tick 0.2
            >> t1 n=1 text=one room=lobby | n=2 text=two room=lobby
        """,
        IN_LOBBY,
    )


def test_a_refusal_names_what_was_refused() -> None:
    play(
        """
        tell nobody psst
            >> t1 n=1 text=psst to=nobody
        say lobby hi
            >> t1 n=2 text=hi room=lobby
        < kind=refused n=1 error={"code":"no_such_nick","message":"x"}
            told refusal ticket=1 code=no_such_nick text=psst
        < kind=refused error={"code":"bad_json","message":"x"}
        < kind=refused n=9
        """,
        IN_LOBBY,
    )


def test_a_refusal_may_come_behind_the_acknowledgement() -> None:
    play(
        """
        tell nobody psst
            >> t1 n=1 text=psst to=nobody
        tick 0.4
            > ping 2
        pong accepted=1
        < kind=refused n=1 error={"code":"no_such_nick","message":"x"}
            told refusal ticket=1 code=no_such_nick text=psst
        """,
        ONLINE,
    )
