"""The page: chat in a browser. A gateway to the broker, which serves many people at once.

    browser ◄─WebSocket─► socket ─┐                       ┌─► one DEALER for each person
    browser ◄─WebSocket─► socket ─┴ person ─── hub ───────┼─► one PUSH for all
                                     (follower)  (relay)  └─◄ one SUB for all: public rooms

One loop, one thread: asyncio's, in which ZeroMQ's descriptors are watched as well. A person is a
session of the broker and lives longer than tabs and connections; `journal` keeps who they are, and
what they said, over a restart. docs/web.md has what is spoken over the WebSocket.
"""
