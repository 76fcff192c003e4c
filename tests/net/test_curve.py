"""Nobody comes in but whom the doorman admits, whatever else goes wrong. Real sockets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import zmq

from chatlib.net.curve import NOT_NOW, ZAP_ENDPOINT, Doorman, handshake_fault, make_pair, use_curve
from chatlib.net.sockets import bind, make_context, make_socket
from chatlib.security.door import Knock, Verdict, as_its_key
from tests.net.curves import HERE, KINDS, PEERS, House, admit_all, events_of, refuse_all

SHORT = 0.6  # seconds in which an admitted peer has long been heard, several attempts included
DOMAINS = list(KINDS)


@pytest.fixture
def house() -> Iterator[House]:
    with House() as made:
        yield made


def knock_on_all(house: House, **options: object) -> dict[str, zmq.Socket[bytes]]:
    """Let a peer of each socket connect and say something."""
    made = {domain: house.client(domain, **options) for domain in DOMAINS}  # type: ignore[arg-type]
    for domain in ("control", "intake"):
        made[domain].send(b"let me in")
    return made


def test_an_admitted_key_comes_in_everywhere_and_each_frame_tells_it(house: House) -> None:
    pair = make_pair()
    peers = knock_on_all(house, pair=pair)
    house.until("all three heard", lambda: {d for d, _ in house.heard} == set(DOMAINS))
    peers["control"].send_multipart([b"", b"two frames"])
    peers["intake"].send_multipart([b"two", b"frames"])
    house.until("the second ones", lambda: len(house.heard) == 5)
    for domain, frames in house.heard:
        payload = frames[1:] if domain == "control" else frames  # the routing id is ROUTER's own
        if domain != "feed":  # what XPUB hands out is its own frame
            assert {frame.get("User-Id") for frame in payload} == {pair.public.decode()}
            assert {frame.get("Peer-Address") for frame in payload} == {"127.0.0.1"}
    assert {k.domain for k in house.knocks} == set(DOMAINS)
    assert {k.key for k in house.knocks} == {pair.public}
    house.sockets["feed"].send(b"news")
    house.until("the news come", lambda: peers["feed"].poll(0))


def test_a_key_that_is_let_in_on_control_alone(house: House) -> None:
    def only_control(knock: Knock) -> Verdict:
        return as_its_key(knock) if knock.domain == "control" else Verdict(None, "no member")

    house.decide = only_control
    peers = knock_on_all(house, pair=make_pair())
    house.until("two refused", lambda: house.doorman and house.doorman.refused.total() >= 2)
    house.until("control heard", lambda: house.heard_on("control"))
    house.sockets["feed"].send(b"secret")
    house.pass_time(SHORT)
    assert {domain for domain, _ in house.heard} == {"control"}
    assert not peers["feed"].poll(0)
    assert house.doorman is not None
    assert (house.doorman.admitted, house.doorman.refused) == (1, {"no member": 2})


def test_without_a_key_nobody_comes_in_and_nobody_is_asked(house: House) -> None:
    knock_on_all(house)
    house.pass_time(SHORT)
    assert not house.heard and not house.knocks


def test_with_another_servers_key_nobody_comes_in(house: House) -> None:
    knock_on_all(house, pair=make_pair(), server_key=make_pair().public)
    house.pass_time(SHORT)
    assert not house.heard and not house.knocks


def test_a_doorman_who_sleeps_lets_nobody_in(house: House) -> None:
    knock_on_all(house, pair=make_pair())
    house.pass_time(SHORT, serve=False)
    assert not house.heard
    house.until("he woke up", lambda: len(house.heard) == 3)


def test_without_a_doorman_nobody_comes_in() -> None:
    with House(doorman=False) as house:
        knock_on_all(house, pair=make_pair())
        house.pass_time(SHORT)
        assert not house.heard


def test_a_doorman_who_left_lets_nobody_in(house: House) -> None:
    assert house.doorman is not None
    house.doorman.close()
    house.doorman = None
    knock_on_all(house, pair=make_pair())
    house.pass_time(SHORT)
    assert not house.heard


def test_a_decision_that_fails_lets_nobody_in(house: House) -> None:
    def fails(knock: Knock) -> Verdict:
        raise KeyError(knock)

    house.decide = fails
    knock_on_all(house, pair=make_pair())
    house.pass_time(SHORT)
    assert not house.heard
    assert house.doorman is not None
    assert house.doorman.refused == {"the decision failed": 3}
    house.decide = admit_all  # and the doorman still works
    house.client("intake", make_pair()).send(b"x")
    house.until("the next one heard", lambda: house.heard_on("intake"))


def test_only_one_doorman_at_a_time(house: House) -> None:
    with pytest.raises(zmq.ZMQError):
        Doorman(house.context)


def test_hundreds_at_once_all_get_an_answer(house: House) -> None:
    count = 300
    good, bad = {make_pair() for _ in range(count)}, {make_pair() for _ in range(count)}
    keys = {pair.public for pair in good}
    house.decide = lambda k: as_its_key(k) if k.key in keys else Verdict(None, "unknown key")
    for pair in good | bad:
        house.client("intake", pair).send(pair.public)
    house.until(
        "all were answered",
        lambda: house.doorman and house.doorman.refused.total() == count <= len(house.heard),
    )
    assert {parts[0] for parts in house.heard_on("intake")} == keys
    for _, (frame,) in house.heard:
        assert frame.get("User-Id") == frame.bytes.decode()


def test_a_turn_answers_no_more_than_it_is_told(house: House) -> None:
    for _ in range(5):
        house.client("intake", make_pair()).send(b"x")
    house.pass_time(SHORT, serve=False)
    assert house.doorman is not None
    assert house.doorman.serve(admit_all, 3) == 3
    assert house.doorman.serve(admit_all, 3) == 2
    assert house.doorman.serve(admit_all, 3) == 0


@pytest.mark.parametrize("kind", [zmq.DEALER, zmq.REQ])
def test_forged_requests_do_no_harm(house: House, kind: int) -> None:
    forger = house.context.socket(kind)
    forger.connect(ZAP_ENDPOINT)
    forger.setsockopt(zmq.LINGER, 0)
    whole = [b"1.0", b"1", b"intake", b"127.0.0.1", b"", b"CURVE", bytes(31) + b"x"]
    forged = [whole[:n] for n in range(1, 7)] + [[b"\xff" * 300] * n for n in (1, 7, 400)]
    forged += [[b""] * n for n in (1, 2, 9)] + [[*whole[:6], b"x" * 100_000]]
    for frames in forged:
        forger.send_multipart(frames if kind == zmq.REQ else [b"", *frames])
        house.pass_time(0.02)
        assert forger.poll(1_000)
        answered = forger.recv_multipart()
        assert (answered if kind == zmq.REQ else answered[1:])[2] in (b"400", b"500")
    if kind == zmq.DEALER:
        for frames in [[b"no delimiter"], [b""], [b"x"] * 50]:
            forger.send_multipart(frames)
        for _ in range(500):  # and one who never reads what it is answered
            forger.send_multipart([b"", *whole], zmq.NOBLOCK) if forger.poll(0, zmq.POLLOUT) else 0
            house.turn(pause=0)
        assert house.doorman and house.doorman.refused["no envelope"] == 2
    forger.close()
    house.decide = refuse_all
    house.client("intake", make_pair()).send(b"x")
    house.pass_time(SHORT)
    assert not house.heard
    house.decide = admit_all
    house.client("intake", make_pair()).send(b"x")
    house.until("the honest one heard", lambda: house.heard_on("intake"))


def test_reasons_are_counted_up_to_a_bound(house: House) -> None:
    assert house.doorman is not None
    numbers = iter(range(1_000))
    house.decide = lambda knock: Verdict(None, f"reason {next(numbers)}")
    for _ in range(120):
        house.client("intake", make_pair())
    house.until("all refused", lambda: house.doorman and house.doorman.refused.total() >= 120)
    assert len(house.doorman.refused) <= 51


# -- what the one outside hears of it


def hears(house: House, domain: str, **options: object) -> list[tuple[int, int]]:
    """Return the handshake events of a client in a second, in order."""
    heard = []
    client = make_socket(house.client_context, PEERS[domain], 1_000, HERE)
    client.setsockopt(zmq.LINGER, 0)
    monitor = client.get_monitor_socket()
    if "pair" in options:
        key = options.get("server_key", house.pair.public)
        use_curve(client, key, options["pair"])  # type: ignore[arg-type]
    client.connect(str(house.places[domain]))
    house.clients.append(client)
    for _ in range(100):
        house.turn()
        heard += list(events_of(monitor))
    client.disable_monitor()
    monitor.close()
    return [
        (event, value) for event, value in heard if event >= zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    ]


@pytest.mark.parametrize("domain", DOMAINS)
def test_who_is_refused_hears_it_once_and_does_not_dial_again(house: House, domain: str) -> None:
    house.decide = refuse_all
    events = hears(house, domain, pair=make_pair())
    assert events == [(zmq.EVENT_HANDSHAKE_FAILED_AUTH, 400)]
    assert handshake_fault(*events[0]) == "refused"
    assert len(house.knocks) == 1


def test_who_is_let_in_hears_no_fault(house: House) -> None:
    events = hears(house, "control", pair=make_pair())
    assert events == [(zmq.EVENT_HANDSHAKE_SUCCEEDED, 0)]
    assert handshake_fault(*events[0]) == ""


def test_a_decision_that_failed_is_told_apart(house: House) -> None:
    house.decide = lambda knock: Verdict(b"")
    events = hears(house, "control", pair=make_pair())
    assert [handshake_fault(*event) for event in events] == [NOT_NOW]


def test_who_has_a_wrong_server_key_hears_only_that_it_was_hung_up_on(house: House) -> None:
    events = hears(house, "control", pair=make_pair(), server_key=make_pair().public)
    assert len(events) > 1  # it dials on
    assert {handshake_fault(*event) for event in events} == {
        "hung up on: is its key the right one?"
    }


def test_who_has_no_key_hears_that_keys_are_needed_or_is_hung_up_on(house: House) -> None:
    told = {handshake_fault(*event) for event in hears(house, "control")}
    assert told and "" not in told


def test_a_client_with_a_key_at_a_broker_without(house: House) -> None:
    with make_context() as context:
        plain = make_socket(context, zmq.ROUTER, 1_000, HERE)
        house.places["control"] = bind(plain, HERE)
        told = {handshake_fault(*event) for event in hears(house, "control", pair=make_pair())}
        plain.close(linger=0)
    assert told and "" not in told
