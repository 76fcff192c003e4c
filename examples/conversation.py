#!/usr/bin/env python3
"""Three people talk, on a broker of their own; what one of them sees is printed.

Run it with `python examples/conversation.py`. It ends by itself and leaves nothing behind.
"""

import threading

from chatlib import Broker, Client, Event

broker = Broker("tcp://127.0.0.1:0")
control, intake, feed = broker.bind()
serving = threading.Thread(target=broker.run)
serving.start()
print(f"a broker on {control}, intake {intake.port}, feed {feed.port}")

try:
    address = str(control)
    with (
        Client(address, nick="ann") as ann,
        Client(address, nick="bob") as bob,
        Client(address, nick="cyd") as cyd,
    ):
        for person in (ann, bob, cyd):
            person.join("lobby")
        ann.topic("lobby", "launch day")
        ann.say("lobby", "Is everybody here?")
        ann.flush()  # acknowledged: the broker has it, and everyone will
        bob.say("lobby", "I am. Where is the cake?")
        bob.tell("cyd", "you did bring the cake?")
        bob.flush()
        cyd.say("lobby", "puts a cake on the table", kind="act")
        cyd.flush()
        ann.rename("annabel")
        cyd.leave("lobby")

        for event in bob.events(timeout=0.5):
            match event:
                case Event(kind="say", to=str(to)):
                    print(f"  {event.nick} to {to} alone: {event.text}")
                case Event(kind="say"):
                    print(f"  <{event.nick}> {event.text}")
                case Event(kind="act"):
                    print(f"  * {event.nick} {event.text}")
                case Event(kind="join"):
                    print(f"  {event.nick} joined {event.room}")
                case Event(kind="leave"):
                    print(f"  {event.nick} left {event.room}")
                case Event(kind="nick"):
                    print(f"  {event.old} is now {event.nick}")
                case Event(kind="topic"):
                    print(f"  the topic of {event.room} is: {event.text}")
finally:
    broker.stop()
    serving.join()
print("that was all; in a terminal, `make chat` opens a client instead")
