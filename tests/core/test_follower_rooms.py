"""The client's rooms: joining, leaving, being put out."""

from __future__ import annotations

from tests.core.client_play import IN_LOBBY, ONLINE, ClientPlay, play


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


def test_an_old_nickname_in_a_rooms_history_is_not_ones_own_now() -> None:
    client = ClientPlay()
    client.given(IN_LOBBY)
    client.given("""
        feed 2<1 nick lobby anna sid=s-ann old=ann
        leave lobby
        left room=lobby
        rename zoe
        renamed nick=zoe
        join lobby
        joined head=4 : 1<0 join lobby ann ; 2<1 nick lobby anna sid=s-ann old=ann ; 3<2 leave lobby anna sid=s-ann reason=left ; 4<3 join lobby zoe sid=s-ann
        """)  # noqa: E501
    assert client.follower.nick == "zoe"


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
