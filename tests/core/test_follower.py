"""The client's half of the conversation, line by line: getting in, and in again."""

from __future__ import annotations

from tests.core.client_play import IN_LOBBY, ONLINE, play

# -- connecting --------------------------------------------------------------------------------


def test_hello_comes_first_and_then_the_feed() -> None:
    play("""
        connected
            > hello 1 nick=ann
        welcome nick=Ann
            attach beacon/
            told online Ann
        """)


def test_what_the_user_wants_before_waits_for_the_welcome() -> None:
    play("""
        join lobby
            subscribe room/lobby/
        tell bob psst
        connected
            > hello 2 nick=ann
        welcome
            attach beacon/ room/lobby/
            > join 1 room=lobby
            >> t1 n=1 text=psst to=bob
            told online ann
        joined room=lobby head=1 : 1<0 join lobby ann
            told 1<0 join lobby ann
            answer 1 Joined
        """)


def test_a_hello_that_stays_unanswered_is_given_up() -> None:
    play("""
        connected
            > hello 1 nick=ann
        tick 4.9
        tick 0.2
            hang up: the broker does not answer
        disconnected lost
            told offline ann lost
        connected
            > hello 2 nick=ann
        """)


def test_a_taken_nickname_ends_a_first_try() -> None:
    play("""
        connected
            > hello 1 nick=ann
        join lobby
            subscribe room/lobby/
        no nick_taken id=1 suggestion=ann_
            told refused nick_taken nick_taken ann_
            answer 2 nick_taken
        disconnected lost
        """)


def test_other_refusals_of_a_hello_are_tried_again() -> None:
    play("""
        connected
            > hello 1 nick=ann
        no too_many_sessions
            hang up: too_many_sessions
        disconnected full
            told offline ann full
        connected
            > hello 2 nick=ann
        no unavailable
            hang up: unavailable
        """)


def test_wrong_version_is_final() -> None:
    play("""
        connected
            > hello 1 nick=ann
        no wrong_version
            told refused wrong_version wrong_version
        """)


def test_a_nickname_taken_meanwhile_is_replaced_by_a_free_one() -> None:
    play(
        """
        disconnected lost
            told offline ann lost
        connected
            > hello 2 nick=ann session=t1
        no nick_taken suggestion=ann_
            > hello 3 nick=ann_ session=t1
        welcome session=t2 sid=s-ann_ nick=ann_
            attach beacon/
            told online ann_
        """,
        ONLINE,
    )


# -- resuming and renewing ---------------------------------------------------------------------


def test_a_session_is_resumed_and_what_was_in_flight_is_sent_again() -> None:
    play(
        """
        say lobby one
            >> t1 n=1 text=one room=lobby
        say lobby two
            >> t1 n=2 text=two room=lobby
        disconnected lost
            told offline ann lost
        say lobby three
        connected
            > hello 3 nick=ann session=t1
        welcome resumed=true accepted=1 rooms={"lobby":2}
            attach beacon/ room/lobby/
            >> t1 n=2 text=two room=lobby | n=3 text=three room=lobby
            told online resumed ann
        tick 0.9
            > ping 4
        tick 0.2
            > history 5 room=lobby after=1
        page head=2 : 2<1 say lobby ann.1 "one"
            told 2<1 say lobby ann.1 "one"
        """,
        IN_LOBBY,
    )


def test_a_session_that_ended_is_renewed_and_its_rooms_rejoined_first() -> None:
    play(
        """
        say lobby one
            >> t1 n=1 text=one room=lobby
        say lobby two
            >> t1 n=2 text=two room=lobby
        disconnected lost
            told offline ann lost
        connected
            > hello 3 nick=ann session=t1
        welcome session=t2 sid=s-new accepted=1
            attach beacon/ room/lobby/
            > join 4 room=lobby after=1
            told online ann
        say lobby three
        joined room=lobby head=4 : 2<1 say lobby ann.1 "one" ; 4<2 join lobby new
            >> t2 n=1 text=two room=lobby | n=2 text=three room=lobby
            told 2<1 say lobby ann.1 "one"
            told 4<2 join lobby new
        """,
        IN_LOBBY,
    )


def test_what_was_sent_to_a_session_nobody_knows_is_of_unknown_fate() -> None:
    play(
        """
        say lobby one
            >> t1 n=1 text=one room=lobby
        disconnected lost
            told offline ann lost
        say lobby two
        connected
            > hello 3 nick=ann session=t1
        welcome session=t2 sid=s-new accepted=null
            attach beacon/ room/lobby/
            > join 4 room=lobby after=1
            told online ann
            told refusal ticket=1 code=unknown_fate text=one
        joined room=lobby head=4 : 4<1 join lobby new
            >> t2 n=1 text=two room=lobby
            told 4<1 join lobby new
        """,
        IN_LOBBY,
    )


def test_a_new_history_is_followed_from_its_start_and_everything_is_said_again() -> None:
    play(
        """
        say lobby one
            >> t1 n=1 text=one room=lobby
        disconnected lost
            told offline ann lost
        connected
            > hello 3 nick=ann session=t1
        welcome session=t2 sid=s-new epoch=e2 accepted=null
            attach beacon/ room/lobby/
            > join 4 room=lobby after=0
            told online new_history ann
        joined room=lobby head=2 : 1<0 join lobby bob ; 2<1 join lobby new
            >> t2 n=1 text=one room=lobby
            told 1<0 join lobby bob
            told 2<1 join lobby new
        """,
        IN_LOBBY,
    )


def test_a_room_that_cannot_be_rejoined_is_told_and_dropped() -> None:
    play(
        """
        disconnected lost
            told offline ann lost
        connected
            > hello 3 nick=ann session=t1
        welcome session=t2 sid=s-new
            attach beacon/ room/lobby/
            > join 4 room=lobby after=1
            told online ann
        no too_many_rooms
            unsubscribe room/lobby/
            told refusal ticket=0 code=too_many_rooms text=""
        """,
        IN_LOBBY,
    )


def test_a_rejoin_that_fails_for_a_while_is_asked_again() -> None:
    play(
        """
        disconnected lost
            told offline ann lost
        connected
            > hello 3 nick=ann session=t1
        welcome session=t2 sid=s-new
            attach beacon/ room/lobby/
            > join 4 room=lobby after=1
            told online ann
        no unavailable
        tick 4.9
        tick 0.2
            > join 4 room=lobby after=1
        joined room=lobby head=4 : 4<1 join lobby new
            told 4<1 join lobby new
        """,
        IN_LOBBY,
    )


def test_no_session_is_followed_by_a_hello_on_the_same_connection() -> None:
    play(
        """
        tick 10
            > ping 3 cursors={lobby=1}
        no no_session
            > hello 4 nick=ann session=t1
        welcome session=t2 sid=s-new
            attach beacon/ room/lobby/
            > join 5 room=lobby after=1
            told online ann
        joined room=lobby head=4 : 4<1 join lobby new
            told 4<1 join lobby new
        """,
        IN_LOBBY,
    )


def test_requests_are_asked_again_on_a_new_connection() -> None:
    play(
        """
        rename zoe
            > nick 2 nick=zoe
        disconnected lost
            told offline ann lost
        connected
            > hello 3 nick=ann session=t1
        welcome resumed=true
            attach beacon/
            > nick 2 nick=zoe
            told online resumed ann
        renamed nick=zoe
            answer 2 Renamed
        """,
        ONLINE,
    )
