"""What a client missed: gaps, heads, and what history has of them."""

from __future__ import annotations

from tests.core.client_play import IN_LOBBY, ONLINE, play


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
