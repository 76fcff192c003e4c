"""Getting in: links of devices, and what the welcome of a registered nickname brings."""

from __future__ import annotations

from tests.core.client_play import ClientPlay

DEVICE = "device-token"
OURS = """
    connected
    welcome registered=true user=s-first
    """


def test_a_devices_link_is_redeemed_before_the_hello() -> None:
    ClientPlay("ann", invitation=DEVICE).play("""
        connected
            > redeem 1 token=device-token
        redeemed
            > hello 2 nick=ann
        welcome registered=true user=s-first
            attach beacon/
            told online ann
        """)


def test_a_devices_link_that_is_used_up_may_have_been_ours() -> None:
    ClientPlay("ann", invitation=DEVICE).play("""
        connected
            > redeem 1 token=device-token
        no bad_token
            > hello 2 nick=ann
        welcome registered=true user=s-first
            attach beacon/
            told online ann
        """)


def test_nobody_becomes_a_guest_by_a_devices_link() -> None:
    for answer in ("welcome", "no not_admitted"):
        ours = ClientPlay("ann", invitation=DEVICE)
        ours.given(f"""
            connected
            no bad_token
            {answer}
            """)
        assert ours.follower.state == "refused"


def test_a_new_device_comes_into_the_rooms_and_reads_the_end_of_the_inbox() -> None:
    device = ClientPlay(None)
    device.play("""
        connected
            > hello 1
        welcome registered=true user=s-first inbox=9 waiting=70 rooms={"lobby":7}
            attach beacon/
            > history 2 inbox=true limit=70
            subscribe room/lobby/
            > join 3 room=lobby
            told online ann
        page head=9 : 8<5 say @ann bob.1 "psst" ; 9<8 say @ann bob.2 "hello?"
            told 8<5 say @ann bob.1 "psst"
            told 9<8 say @ann bob.2 "hello?"
        joined room=lobby head=7 : 7<6 say lobby bob.3 "hi"
            told 7<6 say lobby bob.3 "hi"
        < 11<9 say @ann bob.4 "again"
            told 11<9 say @ann bob.4 "again"
        """)
    assert device.follower.rooms == ["lobby"]


def test_the_inbox_stays_when_the_same_user_comes_back() -> None:
    device = ClientPlay()
    device.given(OURS)
    device.play("""
        < 3<0 say @ann bob.1 "one"
            told 3<0 say @ann bob.1 "one"
        disconnected gone
            told offline ann gone
        connected
            > hello 2 nick=ann session=t1
        welcome registered=true user=s-first inbox=5
            attach beacon/
            > history 3 inbox=true after=3
            told online ann
        page head=5 : 5<3 say @ann bob.2 "two"
            told 5<3 say @ann bob.2 "two"
        """)


def test_what_another_device_does_is_ours_and_no_acknowledgement() -> None:
    device = ClientPlay()
    device.given(OURS)
    device.given("""
        join lobby
        joined room=lobby head=1 : 1<0 join lobby ann user=s-first
        say lobby mine
        feed 2<1 say lobby ann2.1 "from the other one" user=s-first
        """)
    assert [m.text for m in device.follower.outbox.pending()] == ["mine"]
    device.given("feed 3<2 nick lobby Anna old=ann user=s-first")
    assert device.follower.nick == "Anna"


def test_a_room_that_another_device_left_is_left() -> None:
    device = ClientPlay()
    device.given(OURS)
    device.given("""
        join lobby
        joined room=lobby head=1 : 1<0 join lobby ann user=s-first
        """)
    device.play("""
        feed 2<1 leave lobby ann2 reason=left user=s-first
            unsubscribe room/lobby/
            told 2<1 leave lobby ann2 reason=left user=s-first
        """)
    assert device.follower.rooms == []


def test_an_old_absence_is_no_leaving() -> None:
    device = ClientPlay()
    device.given("""
        connected
        welcome registered=true user=s-first rooms={"lobby":4}
        joined room=lobby head=4 : 3<2 leave lobby b reason=left user=s-first ; 4<3 join lobby b
        """)
    assert device.follower.rooms == ["lobby"]


def test_a_room_that_another_device_has_joined_is_followed() -> None:
    device = ClientPlay()
    device.given("""
        connected
        welcome registered=true user=s-first
        tick 10
        """)
    device.play("""
        pong heads={"ops":3}
            subscribe room/ops/
            > join 3 room=ops
        joined room=ops head=3 : 2<0 say ops bob.1 "hi" ; 3<2 join ops ann user=s-first
            told 2<0 say ops bob.1 "hi"
            told 3<2 join ops ann user=s-first
        tick 8
        leave ops
            > leave 4 room=ops
        tick 1.5
            > ping 5 cursors={ops=3}
        pong heads={"ops":3}
        left room=ops
            unsubscribe room/ops/
            answer 4 Left
        """)


def test_a_pong_that_the_feed_has_overtaken_leads_nowhere() -> None:
    for event in ("leave lobby ann2 reason=left", "leave lobby ann reason=kicked"):
        device = ClientPlay()
        device.given(f"""
            connected
            welcome registered=true user=s-first rooms={{"lobby":1}}
            joined room=lobby head=1 : 1<0 join lobby ann user=s-first
            tick 10
            feed 2<1 {event} user=s-first
            """)
        device.play('pong heads={"lobby":1}')
        device.given("tick 10")
        device.play("""
            pong heads={"lobby":4}
                subscribe room/lobby/
                > join 5 room=lobby
            """)


def test_a_room_of_who_is_not_registered_is_joined_by_himself_alone() -> None:
    client = ClientPlay()
    client.given("""
        connected
        welcome
        tick 10
        """)
    client.play('pong heads={"ops":3}')
    assert client.follower.rooms == []


LEFT_BEFORE = (
    "1<0 join lobby ann sid=s-first ; 2<1 leave lobby ann sid=s-first reason=left ; "
    "3<2 join lobby ann user=s-first"
)


def test_an_old_leaving_does_not_undo_a_new_join() -> None:
    device = ClientPlay()
    device.given(OURS)
    device.given(f"""
        join lobby
        joined room=lobby head=3 : {LEFT_BEFORE}
        feed {LEFT_BEFORE}
        """)
    assert device.follower.rooms == ["lobby"]


def test_who_another_device_has_brought_back_after_a_kick_is_in() -> None:
    device = ClientPlay()
    device.given(OURS)
    device.given("""
        join lobby
        joined room=lobby head=1 : 1<0 join lobby ann user=s-first
        feed 3<2 join lobby ann2 user=s-first
        page head=3 : 2<1 leave lobby ann reason=kicked user=s-first ; 3<2 join lobby ann2 user=s-first
        """)  # noqa: E501
    assert device.follower.rooms == ["lobby"]


def test_a_room_that_was_left_or_lost_meanwhile_is_not_joined_again() -> None:
    device = ClientPlay()
    device.given(OURS)
    device.given("""
        join lobby
        joined room=lobby head=1 : 1<0 join lobby ann user=s-first
        disconnected gone
        connected
        """)
    device.play("""
        welcome session=t2 sid=s-new registered=true user=s-first
            attach beacon/ room/lobby/
            unsubscribe room/lobby/
            told online ann
            told refusal ticket=0 code=not_joined text=""
        """)
    assert device.follower.rooms == []
