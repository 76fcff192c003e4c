"""Prints a room, its history first: reader.py tcp://127.0.0.1:5557 lobby (docs/protocol.md, 6)."""

import json
import sys
import uuid

import zmq

endpoint, room = sys.argv[1:] if len(sys.argv) == 3 else sys.exit("usage: reader.py FEED ROOM")
feed = zmq.Context().socket(zmq.SUB)
feed.subscribe(f"room/{room}/")
feed.connect(endpoint)
epoch, cursor, asked, answer, ask = "", 0, b"", [], True
while True:
    if ask:  # for what is behind the cursor, by a subscription
        feed.unsubscribe(asked)
        asked, answer, ask = f"replay/{room}/{cursor}/{uuid.uuid4().hex}".encode(), [], False
        feed.subscribe(asked)
    if not feed.poll(5000):
        ask = bool(asked)  # again: the answer was lost
        continue
    topic, body = feed.recv_multipart()
    for event in map(json.loads, body.split(b"\n")):
        known, epoch, found = epoch, event.get("epoch", epoch), []
        if known and epoch != known:  # the broker has another history
            cursor, ask = 0, True
        elif topic == asked and event["kind"] != "replayed":
            answer.append(event)
        elif topic == asked:  # the end of an answer; with less than its count it is not whole
            found = answer if len(answer) == event.get("count", 0) else []
            ask = len(answer) > len(found) or event.get("more", False)
            feed.unsubscribe(asked)
            asked = b""
        elif not asked and event["seq"] > cursor:  # while an answer is awaited, that brings it
            found = [event] if event.get("prev", cursor + 1) <= cursor else []
            ask = not found
        for one in found:
            print(json.dumps(one), flush=True)
            cursor = one["seq"]
