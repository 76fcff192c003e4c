"""Replies, edits, deletions, reactions (docs/protocol.md, "About what was said")."""

from __future__ import annotations

from tests.core.broker_play import play


def test_they_are_events_with_their_place_in_the_chain() -> None:
    play(
        """
        t1 >> n=1 room=lobby text="hello wrold"
            room/lobby/ < 3<2 say lobby ann.1 "hello wrold"
        --
        t1 >> n=2 room=lobby kind=edit re=3 text="hello world"
        t2 >> n=1 room=#Lobby re=3 text="hi ann" | n=2 room=lobby kind=react re=3 text=👋
        t2 >> n=3 room=lobby kind=act re=3 text=waves
            room/lobby/ <
                4<3 edit lobby ann.2 "hello world" re=3
                5<4 say lobby bob.1 "hi ann" re=3
                6<5 react lobby bob.2 "👋" re=3
                7<6 act lobby bob.3 "waves" re=3
        --
        t1 >> n=3 room=lobby kind=delete re=3
            room/lobby/ < 8<7 delete lobby ann.3 re=3
        --
        bob > history room=lobby after=2 id=1
            bob < 1 ok head=8 oldest=1
                3<2 say lobby ann.1 "" deleted=true
                4<3 edit lobby ann.2 "" re=3 deleted=true
                5<4 say lobby bob.1 "hi ann" re=3
                6<5 react lobby bob.2 "👋" re=3
                7<6 act lobby bob.3 "waves" re=3
                8<7 delete lobby ann.3 re=3
        --
        eve > hello v=1 nick=eve id=1
        eve > join room=lobby id=2
            eve < 1 ok session=t3 sid=s3 nick=eve accepted=0
            eve < 2 ok room=lobby members=[ann,bob,eve] head=9
                1<0 join lobby ann
                2<1 join lobby bob
                3<2 say lobby ann.1 "" deleted=true
                4<3 edit lobby ann.2 "" re=3 deleted=true
                5<4 say lobby bob.1 "hi ann" re=3
                6<5 react lobby bob.2 "👋" re=3
                7<6 act lobby bob.3 "waves" re=3
                8<7 delete lobby ann.3 re=3
                9<8 join lobby eve
            room/lobby/ < 9<8 join lobby eve
        """,
        ann="lobby",
        bob="lobby",
    )


def test_only_who_said_it_may_change_it() -> None:
    play(
        """
        t1 >> n=1 room=lobby text=mine
            room/lobby/ < 3<2 say lobby ann.1 "mine"
        --
        t2 >> n=1 room=lobby kind=edit re=3 text=ours | n=2 room=lobby kind=delete re=3
            bob < kind=refused n=1 code=not_yours
            bob < kind=refused n=2 code=not_yours
        --
        bob > history room=lobby after=2
            bob < 0 ok head=3 oldest=1
                3<2 say lobby ann.1 "mine"
        """,
        ann="lobby",
        bob="lobby",
    )


def test_only_what_was_said_here_and_is_there() -> None:
    play(
        """
        t1 >> n=1 room=lobby text=one | n=2 room=ops text=two
            room/lobby/ < 4<1 say lobby ann.1 "one"
            room/ops/ < 5<3 say ops ann.2 "two"
        --
        t1 >> n=3 room=lobby kind=delete re=5 | n=4 room=lobby kind=delete re=1
        t1 >> n=5 room=lobby kind=edit re=99 text=x | n=6 room=lobby re=0 text=x
        t1 >> n=7 room=lobby kind=react re=2 text=x | n=8 room=nowhere kind=delete re=4
        t1 >> n=9 room="a b" kind=delete re=4 | n=10 to=bob kind=delete re=4
        t1 >> n=11 to=nobody kind=delete re=4 | n=12 to="a b" kind=delete re=4
        t2 >> n=1 room=lobby kind=react re=4 text=x | n=2 room=ops kind=react re=4 text=x
            ann < kind=refused n=3 code=no_such_event
            ann < kind=refused n=4 code=no_such_event
            ann < kind=refused n=5 code=no_such_event
            ann < kind=refused n=6 code=no_such_event
            ann < kind=refused n=7 code=no_such_event
            ann < kind=refused n=8 code=no_such_room
            ann < kind=refused n=9 code=bad_room
            ann < kind=refused n=10 code=no_such_event
            ann < kind=refused n=11 code=no_such_nick
            ann < kind=refused n=12 code=bad_nick
            bob < kind=refused n=1 code=not_joined
            bob < kind=refused n=2 code=no_such_event
        """,
        ann="lobby ops",
        bob="ops",
    )


def test_what_was_deleted_is_there_for_nothing_more() -> None:
    play(
        """
        t1 >> n=1 room=lobby text=one
            room/lobby/ < 2<1 say lobby ann.1 "one"
        --
        t1 >> n=2 room=lobby kind=delete re=2
            room/lobby/ < 3<2 delete lobby ann.2 re=2
        --
        t1 >> n=3 room=lobby kind=delete re=2 | n=4 room=lobby kind=edit re=2 text=x
        t1 >> n=5 room=lobby kind=react re=2 text=x | n=6 room=lobby re=2 text=x
        t1 >> n=7 room=lobby kind=delete re=3
            ann < kind=refused n=3 code=no_such_event
            ann < kind=refused n=4 code=no_such_event
            ann < kind=refused n=5 code=no_such_event
            ann < kind=refused n=6 code=no_such_event
            ann < kind=refused n=7 code=no_such_event
        """,
        ann="lobby",
    )


def test_what_came_in_the_same_pass_is_not_there_yet() -> None:
    play(
        """
        t1 >> n=1 room=lobby text=one | n=2 room=lobby kind=delete re=2
            ann < kind=refused n=2 code=no_such_event
            room/lobby/ < 2<1 say lobby ann.1 "one"
        """,
        ann="lobby",
    )


def test_an_edit_behind_the_deletion_in_one_pass_is_blanked_with_it() -> None:
    play(
        """
        t1 >> n=1 room=lobby text=one
            room/lobby/ < 2<1 say lobby ann.1 "one"
        --
        t1 >> n=2 room=lobby kind=delete re=2 | n=3 room=lobby kind=edit re=2 text=two
            room/lobby/ <
                3<2 delete lobby ann.2 re=2
                4<3 edit lobby ann.3 "two" re=2
        --
        ann > history room=lobby after=1
            ann < 0 ok head=4 oldest=1
                2<1 say lobby ann.1 "" deleted=true
                3<2 delete lobby ann.2 re=2
                4<3 edit lobby ann.3 "" re=2 deleted=true
        """,
        ann="lobby",
    )


def test_lines_that_cannot_be() -> None:
    play(
        """
        t1 >> n=1 room=lobby kind=edit text=x | n=2 room=lobby kind=delete
        t1 >> n=3 room=lobby kind=react re=1 text="a b" | n=4 room=lobby kind=react re=1 text=""
        t1 >> n=5 room=lobby kind=edit re=1 text="" | n=6 kind=delete re=1
        t1 >> n=7 room=lobby kind=edit re=one text=x
            ann < kind=refused n=1 code=bad_message
            ann < kind=refused n=2 code=bad_message
            ann < kind=refused n=3 code=bad_text
            ann < kind=refused n=4 code=empty_text
            ann < kind=refused n=5 code=empty_text
            ann < kind=refused n=6 code=bad_message
            ann < kind=refused n=7 code=bad_message
        """,
        ann="lobby",
    )


def test_the_text_of_a_deletion_is_ignored() -> None:
    play(
        """
        t1 >> n=1 room=lobby text=one
            room/lobby/ < 2<1 say lobby ann.1 "one"
        --
        t1 >> n=2 room=lobby kind=delete re=2 text=why
            room/lobby/ < 3<2 delete lobby ann.2 re=2
        """,
        ann="lobby",
    )


def test_in_private_both_may_answer_and_each_may_delete_his_own() -> None:
    play(
        """
        t1 >> n=1 to=bob text=psst
            bob < 1<0 say @bob ann.1 "psst"
            ann < 1<0 say @bob ann.1 "psst"
        --
        t2 >> n=1 to=ann re=1 text=what? | n=2 to=ann kind=react re=1 text=🤫
        t2 >> n=3 to=ann kind=delete re=1
        t3 >> n=1 to=ann kind=react re=1 text=x | n=2 to=bob re=1 text=x
            ann < 2<1 say @ann bob.1 "what?" re=1
            bob < 2<1 say @ann bob.1 "what?" re=1
            ann < 3<2 react @ann bob.2 "🤫" re=1
            bob < 3<2 react @ann bob.2 "🤫" re=1
            bob < kind=refused n=3 code=not_yours
            eve < kind=refused n=1 code=no_such_event
            eve < kind=refused n=2 code=no_such_event
        --
        t1 >> n=2 to=eve kind=delete re=1
            ann < kind=refused n=2 code=no_such_event
        --
        t1 >> n=3 to=bob kind=edit re=1 text=pst | n=4 to=bob kind=delete re=1
            bob < 4<3 edit @bob ann.3 "pst" re=1
            ann < 4<3 edit @bob ann.3 "pst" re=1
            bob < 5<4 delete @bob ann.4 re=1
            ann < 5<4 delete @bob ann.4 re=1
        --
        ann > history inbox=true id=1
        ann > history peer=bob id=2
        bob > history inbox=true id=3
        bob > history peer=ann limit=2 after=3 id=4
            ann < 1 ok head=5 oldest=1
                1<0 say @bob ann.1 "" deleted=true
                2<1 say @ann bob.1 "what?" re=1
                3<2 react @ann bob.2 "🤫" re=1
                4<3 edit @bob ann.3 "" re=1 deleted=true
                5<4 delete @bob ann.4 re=1
            bob < 3 ok head=5 oldest=1
                1<0 say @bob ann.1 "" deleted=true
                2<1 say @ann bob.1 "what?" re=1
                3<2 react @ann bob.2 "🤫" re=1
                4<3 edit @bob ann.3 "" re=1 deleted=true
                5<4 delete @bob ann.4 re=1
            ann < 2 ok head=5 oldest=1
                1<0 say @bob ann.1 "" deleted=true
                2<1 say @ann bob.1 "what?" re=1
                3<2 react @ann bob.2 "🤫" re=1
                4<3 edit @bob ann.3 "" re=1 deleted=true
                5<4 delete @bob ann.4 re=1
            bob < 4 ok head=5 oldest=1
                4<3 edit @bob ann.3 "" re=1 deleted=true
                5<4 delete @bob ann.4 re=1
        """,
        ann="",
        bob="",
        eve="",
    )


def test_a_conversation_is_with_a_person_and_not_with_a_nickname() -> None:
    play(
        """
        t1 >> n=1 to=bob text=psst
            bob < 1<0 say @bob ann.1 "psst"
            ann < 1<0 say @bob ann.1 "psst"
        --
        bob > nick nick=robert
        eve > nick nick=bob
            bob < 0 ok nick=robert
            eve < 0 ok nick=bob
        --
        t1 >> n=2 to=bob kind=edit re=1 text=hey | n=3 to=robert kind=delete re=1
            bob < 2<1 delete @robert ann.3 re=1
            ann < 2<1 delete @robert ann.3 re=1
            ann < kind=refused n=2 code=no_such_event
        --
        bob > history peer=ann id=1
        ann > history peer=bob id=2
        ann > history peer=robert id=3
            bob < 1 ok head=2 oldest=1
                1<0 say @bob ann.1 "" deleted=true
                2<1 delete @robert ann.3 re=1
            ann < 2 ok head=2 oldest=1
                1<0 say @bob ann.1 "" deleted=true
            ann < 3 ok head=2 oldest=2
                2<1 delete @robert ann.3 re=1
        """,
        ann="",
        bob="",
        eve="",
    )


def test_a_note_to_oneself_can_be_changed() -> None:
    play(
        """
        t1 >> n=1 to=ann text="buy milk"
            ann < 1<0 say @ann ann.1 "buy milk"
        --
        t1 >> n=2 to=ann kind=edit re=1 text="buy oat milk" | n=3 to=ann kind=delete re=1
            ann < 2<1 edit @ann ann.2 "buy oat milk" re=1
            ann < 3<2 delete @ann ann.3 re=1
        --
        ann > history inbox=true
            ann < 0 ok head=3 oldest=1
                1<0 say @ann ann.1 "" deleted=true
                2<1 edit @ann ann.2 "" re=1 deleted=true
                3<2 delete @ann ann.3 re=1
        """,
        ann="",
    )


def test_another_session_of_the_same_name_is_somebody_else() -> None:
    play(
        """
        t1 >> n=1 room=lobby text=mine
            room/lobby/ < 2<1 say lobby ann.1 "mine"
        --
        ann > bye
        ann > hello v=1 nick=ann
        ann > join room=lobby after=3
            ann < 0 ok session=t2 sid=s2 nick=ann accepted=0
            ann < 0 ok
            ann < 0 ok room=lobby members=[ann] head=4
                4<3 join lobby ann
            room/lobby/ <
                3<2 leave lobby ann reason=left
                4<3 join lobby ann
        --
        t2 >> n=1 room=lobby kind=delete re=2
            ann < kind=refused n=1 code=not_yours
        """,
        ann="lobby",
    )
