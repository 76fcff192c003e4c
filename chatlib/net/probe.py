"""Trying a broker as a client meets it: hello, the endpoints that it tells, and a beacon."""

from __future__ import annotations

import time
from datetime import datetime
from typing import NamedTuple

import zmq

from chatlib.errors import ProtocolViolation, Refused, TimedOut, Unreachable
from chatlib.net.curve import use_curve
from chatlib.net.dial import dial
from chatlib.net.sockets import ANSWER_FRAME_BYTES, make_context, make_socket, receive
from chatlib.protocol import limits, requests
from chatlib.protocol.answers import Welcome
from chatlib.protocol.codec import decode_answer, decode_events, decode_head, encode
from chatlib.protocol.links import Endpoint, dialled, parse_endpoint
from chatlib.protocol.topics import BEACON
from chatlib.security.keys import KeyPair

Context = zmq.Context[zmq.Socket[bytes]]
Keys = tuple[bytes, KeyPair] | None  # the broker's, and one's own
ANSWER_S, DIAL_S = 5.0, 3.0


class Seen(NamedTuple):
    """What a broker showed.

    `skew` are the seconds by which this machine's clock is ahead of its; None where its feed
    brought nothing in `waited` seconds. `faults` are endpoints that it told and that can't be
    reached, with the cause.
    """

    server: str
    feed: str
    skew: float | None
    waited: float
    faults: list[str]


def probe(control: Endpoint, keys: Keys, program: str, beats: float) -> Seen:
    """Open a session, wait for a beacon, at most so many heartbeats of the broker, and end it.

    Raises Refused, TimedOut, ProtocolViolation.
    """
    context = make_context()
    dealer = _connected(context, zmq.DEALER, control, keys)
    try:
        welcome = _hello(dealer, control, program)
        intake, feed = (
            parse_endpoint(dialled(place, control)) for place in (welcome.intake, welcome.feed)
        )
        wait = beats * welcome.heartbeat
        skew = _skew(context, feed, keys, wait)
        dealer.send(encode(requests.Bye(id=2)))
        dealer.poll(int(ANSWER_S * 1000))
        return Seen(welcome.server, str(feed), skew, wait, _unreachable(intake, feed))
    finally:
        dealer.close(linger=0)
        context.term()


def _connected(
    context: Context, kind: int, place: Endpoint, keys: Keys, topic: bytes = b""
) -> zmq.Socket[bytes]:
    socket = make_socket(context, kind, ANSWER_FRAME_BYTES, place)
    if keys is not None:
        use_curve(socket, *keys)
    if topic:
        socket.subscribe(topic)
    socket.connect(str(place))
    return socket


def _hello(dealer: zmq.Socket[bytes], control: Endpoint, program: str) -> Welcome:
    dealer.send(encode(requests.Hello(id=1, v=limits.WIRE_VERSION, client=program, bot=True)))
    if not dealer.poll(int(ANSWER_S * 1000)):
        raise TimedOut(f"{control} takes the connection and does not answer")
    frame = dealer.recv()
    head = decode_head(frame)
    if head.error is not None:
        raise Refused(head.error.code, head.error.message)
    return decode_answer(frame, Welcome)


def _skew(context: Context, feed: Endpoint, keys: Keys, wait: float) -> float | None:
    socket = _connected(context, zmq.SUB, feed, keys, BEACON)
    deadline = time.monotonic() + wait
    try:
        while (left := deadline - time.monotonic()) > 0:
            if socket.poll(int(left * 1000)) and (at := _beacon(receive(socket))) is not None:
                return time.time() - at.timestamp()
        return None
    finally:
        socket.close(linger=0)


def _beacon(frames: list[bytes]) -> datetime | None:
    try:
        event = decode_events(frames[-1])[0]
        return datetime.fromisoformat(event.at) if event.kind == "beacon" else None
    except (ProtocolViolation, ValueError, IndexError):  # of somebody who is no broker
        return None


def _unreachable(*places: Endpoint) -> list[str]:
    faults = []
    for place in places:
        try:
            dial(place, DIAL_S)
        except Unreachable as e:
            faults.append(str(e).partition(": ")[0])
    return faults
