"""The client's half of the conversation, line by line."""

from __future__ import annotations

import pytest

from chatlib.core.follower import Follower
from chatlib.errors import ProtocolViolation
from tests.core.client_play import IN_LOBBY, ONLINE, ClientPlay, play

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


# -- rooms -------------------------------------------------------------------------------------


def test_a_join_subscribes_before_it_asks_and_joins_feed_and_history_without_a_seam() -> None:
    play(
        """
        join lobby 1
            subscribe room/lobby/
            > join 2 room=lobby
        feed 4<3 say lobby bob.3 "c"
        feed 5<4 join lobby ann ; 6<5 say lobby bob.4 "d"
        joined head=5 : 3<2 say lobby bob.2 "b" ; 4<3 say lobby bob.3 "c" ; 5<4 join lobby ann
            told 4<3 say lobby bob.3 "c"
            told 5<4 join lobby ann
            told 6<5 say lobby bob.4 "d"
            answer 2 Joined
        feed 7<6 say lobby bob.5 "e"
            told 7<6 say lobby bob.5 "e"
        """,
        ONLINE,
    )


def test_a_join_that_is_refused_unsubscribes() -> None:
    play(
        """
        join lobby
            subscribe room/lobby/
            > join 2 room=lobby
        no too_many_rooms
            unsubscribe room/lobby/
            answer 2 too_many_rooms
        """,
        ONLINE,
    )


def test_what_came_after_ones_own_join_and_not_on_the_feed_is_fetched() -> None:
    play(
        """
        join lobby
            subscribe room/lobby/
            > join 2 room=lobby
        joined room=lobby head=3 : 1<0 join lobby ann
            > history 3 room=lobby after=1
            told 1<0 join lobby ann
            answer 2 Joined
        page head=3 : 2<1 say lobby bob.1 "a" ; 3<2 say lobby bob.2 "b"
            told 2<1 say lobby bob.1 "a"
            told 3<2 say lobby bob.2 "b"
        """,
        ONLINE,
    )


def test_leaving_unsubscribes_when_it_is_answered() -> None:
    play(
        """
        leave lobby
            > leave 3 room=lobby
        left room=lobby
            unsubscribe room/lobby/
            answer 3 Left
        feed 2<1 say lobby bob.1 "too late"
        """,
        IN_LOBBY,
    )


def test_a_leave_that_was_granted_before_is_as_good() -> None:
    play(
        """
        leave lobby
            > leave 3 room=lobby
        tick 5
            > leave 3 room=lobby
        no not_joined
            unsubscribe room/lobby/
            answer 3 not_joined
        """,
        IN_LOBBY,
    )


def test_a_leave_that_is_refused_leaves_nothing() -> None:
    play(
        """
        leave lobby
            > leave 3 room=lobby
        no unavailable
            answer 3 unavailable
        feed 2<1 say lobby bob.1 "hi"
            told 2<1 say lobby bob.1 "hi"
        """,
        IN_LOBBY,
    )


def test_a_join_is_not_asked_again_behind_a_leave() -> None:
    play(
        """
        join lobby
            subscribe room/lobby/
            > join 2 room=lobby
        tick 4
        leave lobby
            > leave 3 room=lobby
        tick 1.5
        left room=lobby
            unsubscribe room/lobby/
            answer 3 Left
            answer 2 not_joined
        tick 5
            > ping 4
        """,
        ONLINE,
    )


def test_joining_behind_a_leave_joins_anew() -> None:
    play(
        """
        leave lobby
            > leave 3 room=lobby
        join lobby
        left room=lobby
            unsubscribe room/lobby/
            > join 4 room=lobby
            answer 3 Left
        joined room=lobby head=3 : 2<1 leave lobby ann ; 3<2 join lobby ann
            subscribe room/lobby/
            told 2<1 leave lobby ann
            told 3<2 join lobby ann
            answer 4 Joined
        feed 4<3 say lobby bob.1 "hi"
            told 4<3 say lobby bob.1 "hi"
        """,
        IN_LOBBY,
    )


def test_a_leave_that_is_asked_again_does_not_undo_the_join_behind_it() -> None:
    play(
        """
        leave lobby
            > leave 3 room=lobby
        disconnected lost
            told offline ann lost
        connected
            > hello 4 nick=ann session=t1
        welcome session=t1 sid=s-ann resumed=true rooms={"lobby":1}
            attach beacon/ room/lobby/
            > leave 3 room=lobby
            told online resumed ann
        join lobby
        no unavailable
        tick 5
            > leave 3 room=lobby
        left room=lobby
            unsubscribe room/lobby/
            > join 5 room=lobby
            answer 3 Left
        """,
        IN_LOBBY,
    )


def test_a_rejoin_stays_ahead_of_an_older_leave_when_both_are_asked_again() -> None:
    play(
        """
        leave lobby
            > leave 3 room=lobby
        disconnected lost
            told offline ann lost
        connected
            > hello 4 nick=ann session=t1
        welcome session=t2 sid=s2 accepted=0
            attach beacon/ room/lobby/
            > join 5 room=lobby after=1
            > leave 3 room=lobby
            told online ann
        disconnected lost
            told offline ann lost
        connected
            > hello 6 nick=ann session=t2
        welcome session=t2 sid=s2 resumed=true
            attach beacon/ room/lobby/
            > join 5 room=lobby after=1
            > leave 3 room=lobby
            told online resumed ann
        """,
        IN_LOBBY,
    )


def test_leaving_a_room_that_is_being_rejoined_sends_what_waits() -> None:
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
        tell bob psst
        leave lobby
            > leave 5 room=lobby
        left room=lobby
            unsubscribe room/lobby/
            >> t2 n=1 text=psst to=bob
            answer 5 Left
        """,
        IN_LOBBY,
    )


def test_ones_own_nickname_is_known_from_the_event_too() -> None:
    play(
        """
        rename zoe
            > nick 3 nick=zoe
        feed 2<1 nick lobby zoe sid=s-ann old=ann
            told 2<1 nick lobby zoe old=ann
        disconnected lost
            told offline zoe lost
        connected
            > hello 4 nick=zoe session=t1
        """,
        IN_LOBBY,
    )


# -- saying ------------------------------------------------------------------------------------


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
            > ping 3 cursors={lobby=3}
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


# -- the chain ---------------------------------------------------------------------------------


def test_a_gap_is_fetched_and_told_in_order() -> None:
    play(
        """
        feed 3<2 say lobby bob.2 "b"
            > history 3 room=lobby after=1
        feed 4<3 say lobby bob.3 "c"
        page head=3 : 2<1 say lobby bob.1 "a" ; 3<2 say lobby bob.2 "b"
            told 2<1 say lobby bob.1 "a"
            told 3<2 say lobby bob.2 "b"
            told 4<3 say lobby bob.3 "c"
        feed 4<3 say lobby bob.3 "c"
        """,
        IN_LOBBY,
    )


def test_a_page_that_is_not_all_is_followed_by_the_next() -> None:
    play(
        """
        feed head lobby 4
            > history 3 room=lobby after=1
        page head=4 more=true : 2<1 say lobby bob.1 "a"
            > history 4 room=lobby after=2
            told 2<1 say lobby bob.1 "a"
        page head=4 : 3<2 say lobby bob.2 "b" ; 4<3 say lobby bob.3 "c"
            told 3<2 say lobby bob.2 "b"
            told 4<3 say lobby bob.3 "c"
        """,
        IN_LOBBY,
    )


def test_what_is_gone_is_told_as_a_gap() -> None:
    play(
        """
        feed head lobby 9
            > history 3 room=lobby after=1
        page head=9 oldest=7 : 7<6 say lobby bob.6 "f" ; 9<7 say lobby bob.8 "h"
            told gap lobby 1..7
            told 7<6 say lobby bob.6 "f"
            told 9<7 say lobby bob.8 "h"
        feed head lobby 12
            > history 4 room=lobby after=9
        page head=12 oldest=0
            told gap lobby 9..13
        feed 13<12 say lobby bob.9 "i"
            told 13<12 say lobby bob.9 "i"
        """,
        IN_LOBBY,
    )


def test_a_head_that_overtook_the_feed_is_believed_after_a_second() -> None:
    play(
        """
        tick 10
            > ping 3 cursors={lobby=1}
        pong heads={"lobby":2}
        tick 0.9
        tick 0.2
            > history 4 room=lobby after=1
        page head=2 : 2<1 say lobby bob.1 "a"
            told 2<1 say lobby bob.1 "a"
        """,
        IN_LOBBY,
    )


def test_a_head_of_another_epoch_or_of_no_room_says_nothing() -> None:
    play(
        """
        feed head lobby 9 e0
        feed head elsewhere 9
        feed head lobby 1
        """,
        IN_LOBBY,
    )


def test_what_was_told_is_not_told_again() -> None:
    play(
        """
        feed 2<1 say lobby bob.1 "a"
            told 2<1 say lobby bob.1 "a"
        feed 2<1 say lobby bob.1 "a" ; 3<2 say lobby bob.2 "b"
            told 3<2 say lobby bob.2 "b"
        feed 2<1 say lobby bob.1 "a"
        """,
        IN_LOBBY,
    )


def test_an_unknown_kind_of_event_is_told_and_followed() -> None:
    play(
        """
        feed 2<1 dance lobby bob
            told 2<1 dance lobby bob
        feed 3<2 say lobby bob.1 "a"
            told 3<2 say lobby bob.1 "a"
        """,
        IN_LOBBY,
    )


def test_an_unknown_kind_of_notice_is_ignored() -> None:
    play(
        """
        < kind=weather text=fine
        < kind=refused
        """,
        ONLINE,
    )


def test_the_inbox_has_a_chain_too() -> None:
    play(
        """
        < 7<5 say @ann bob.2 "b"
            > history 2 inbox=true after=0
        page head=7 : 5<0 say @ann bob.1 "a" ; 7<5 say @ann bob.2 "b"
            told 5<0 say @ann bob.1 "a"
            told 7<5 say @ann bob.2 "b"
        < 9<7 say @ann bob.3 "c"
            told 9<7 say @ann bob.3 "c"
        tick 10
            > ping 3
        pong inbox=12
            > history 4 inbox=true after=9
        """,
        ONLINE,
    )


def test_private_events_before_the_welcome_are_left_to_the_chain() -> None:
    play(
        """
        disconnected lost
            told offline ann lost
        connected
            > hello 2 nick=ann session=t1
        < 7<5 say @ann bob.2 "b"
        welcome resumed=true inbox=7
            attach beacon/
            > history 3 inbox=true after=0
            told online resumed ann
        page head=7 : 5<0 say @ann bob.1 "a" ; 7<5 say @ann bob.2 "b"
            told 5<0 say @ann bob.1 "a"
            told 7<5 say @ann bob.2 "b"
        """,
        ONLINE,
    )


def test_a_read_that_is_refused_is_tried_when_there_is_news() -> None:
    play(
        """
        feed head lobby 2
            > history 3 room=lobby after=1
        no busy
        tick 1
        feed head lobby 2
            > history 4 room=lobby after=1
        """,
        IN_LOBBY,
    )


def test_who_does_not_read_is_not_read_to() -> None:
    play(
        """
        pause
        feed head lobby 2
        tick 1
        read on
        tick 0.1
            > history 3 room=lobby after=1
        page head=2 : 2<1 say lobby bob.1 "a"
            told 2<1 say lobby bob.1 "a"
        """,
        IN_LOBBY,
    )


# -- silence, and the end ----------------------------------------------------------------------


def test_a_silent_feed_is_attached_anew() -> None:
    play(
        """
        tick 10
            > ping 2
        pong
        tick 9
            > ping 3
        pong
        beacon
        tick 9
            > ping 4
        pong
        tick 9
            > ping 5
        pong
        tick 6.9
        tick 0.2
            attach beacon/
        """,
        ONLINE,
    )


def test_a_request_is_asked_three_times_and_then_the_connection_is_given_up() -> None:
    play(
        """
        rename zoe
            > nick 2 nick=zoe
        tick 5
            > nick 2 nick=zoe
        tick 5
            > ping 3
            > nick 2 nick=zoe
        pong
        tick 5
            hang up: the broker does not answer
        """,
        ONLINE,
    )


def test_a_refusal_that_waiting_takes_back_decides_nothing_when_it_was_asked_before() -> None:
    play(
        """
        rename zoe
            > nick 2 nick=zoe
        tick 5
            > nick 2 nick=zoe
        no unavailable
        tick 5
            > ping 3
            > nick 2 nick=zoe
        renamed nick=zoe
            answer 2 Renamed
        """,
        ONLINE,
    )


def test_a_refusal_of_what_was_asked_once_is_told() -> None:
    play(
        """
        rename zoe
            > nick 2 nick=zoe
        no unavailable
            answer 2 unavailable
        """,
        ONLINE,
    )


def test_nobody_is_told_what_he_stopped_waiting_for() -> None:
    play(
        """
        rename zoe
            > nick 2 nick=zoe
        forget 2
        renamed nick=zoe
        """,
        ONLINE,
    )


def test_a_broker_that_stops_says_why() -> None:
    play(
        """
        closing for tonight
        disconnected lost
            told offline ann for tonight
        connected
            > hello 2 nick=ann session=t1
        welcome resumed=true
            attach beacon/
            told online resumed ann
        < kind=closing reason="the broker was stopped"
        disconnected lost
            told offline ann the broker was stopped
        disconnected lost
            told offline ann the broker was stopped
        """,
        ONLINE,
    )


def test_what_is_no_json_is_a_violation_and_changes_nothing() -> None:
    follower = Follower("ann")
    for noise in (b"", b"{", b"[]", b'{"ok":7}', b'{"kind":"say","seq":"x"}', b"\xff"):
        with pytest.raises(ProtocolViolation):
            follower.control(noise, 1.0)
        with pytest.raises(ProtocolViolation):
            follower.feed(b"room/lobby/", noise or b"{", 1.0)
    assert not follower.actions
    assert not follower.delivered
    assert follower.state == "offline"


def test_next_tick_is_soon_when_something_waits() -> None:
    client = ClientPlay()
    assert client.follower.next_tick(client.now) == 1.0
    client.given("connected")
    assert client.follower.next_tick(client.now) == 0.25
    client.given("welcome")
    assert client.follower.next_tick(client.now) == 1.0
    client.given("tell bob psst")
    assert client.follower.next_tick(client.now) == 0.1


DEN = """
    connected
    welcome
    join den
    joined room=den private=true head=1 : 1<0 join den ann
    """


def test_a_private_room_is_followed_on_control() -> None:
    play(
        """
        join den
            subscribe room/den/
            > join 2 room=den
        < 3<2 say den bob.1 "early"
        joined room=den private=true head=3 : 1<0 join den bob ; 2<1 join den ann
            unsubscribe room/den/
            told 1<0 join den bob
            told 2<1 join den ann
            told 3<2 say den bob.1 "early"
            answer 2 Joined
        < 4<3 say den bob.2 "hi"
            told 4<3 say den bob.2 "hi"
        < 6<5 say den bob.4 "and one was lost"
            > history 3 room=den after=4
        page head=6 : 5<4 say den bob.3 "this" ; 6<5 say den bob.4 "and one was lost"
            told 5<4 say den bob.3 "this"
            told 6<5 say den bob.4 "and one was lost"
        < 7<0 role den bob to=ann role=owner inbox=true
            told 7<0 role den bob
        """,
        ONLINE,
    )


def test_a_private_room_of_another_history_is_not_opened_as_a_public_one() -> None:
    play(
        """
        disconnected gone
            told offline ann gone
        connected
            > hello 3 nick=ann session=t1
        welcome epoch=e2 session=t2
            attach beacon/
            told online new_history ann
            told refusal ticket=0 code=no_such_room text=""
        """,
        DEN,
    )


def test_who_is_put_out_of_a_room_leaves_it() -> None:
    play(
        """
        < 2<1 leave den ann reason=kicked by=bob
            told 2<1 leave den ann reason=kicked
        < 3<2 say den bob.1 "he is gone"
        """,
        DEN,
    )
    play(
        """
        feed 2<1 leave lobby ann reason=kicked ; 3<2 say lobby bob.1 "gone"
            unsubscribe room/lobby/
            told 2<1 leave lobby ann reason=kicked
        """,
        IN_LOBBY,
    )


def test_what_history_has_of_the_time_behind_a_kick_is_not_told() -> None:
    client = ClientPlay()
    client.given(IN_LOBBY)
    client.given('feed 4<3 say lobby bob.2 "two"')
    client.play("""
        page head=4 : 2<1 leave lobby ann reason=kicked ; 3<2 say lobby bob.1 "one" ; 4<3 say lobby bob.2 "two"
            unsubscribe room/lobby/
            told 2<1 leave lobby ann reason=kicked
        """)  # noqa: E501


def test_who_was_put_out_and_not_told_hears_it_from_history_or_the_heads() -> None:
    play(
        """
        < 3<2 say den bob.1 "what was before?"
            > history 3 room=den after=1
        no no_such_room
            told refusal ticket=0 code=no_such_room text=""
        """,
        DEN,
    )
    client = ClientPlay()
    client.given(DEN)
    client.given("tick 10")
    client.play("""
        pong heads={}
            told refusal ticket=0 code=not_joined text=""
        """)
    assert client.follower.rooms == []


def test_who_is_back_before_he_hears_that_he_was_put_out_is_in() -> None:
    client = ClientPlay()
    client.given(IN_LOBBY)
    client.given("""
        join lobby
        joined room=lobby head=3 : 1<0 join lobby ann ; 2<1 leave lobby ann reason=kicked ; 3<2 join lobby ann
        feed 2<1 leave lobby ann reason=kicked
        feed 3<2 join lobby ann
        """)  # noqa: E501
    assert client.follower.rooms == ["lobby"]
