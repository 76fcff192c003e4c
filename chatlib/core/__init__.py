"""The conversation itself, without a socket, a clock or a thread: bytes in, what to do out.

Broker: `admission` turns frames into commands (imperative: `Say`, `JoinRoom`), `apply` turns a
command and the `state` into a `Batch` (events, answers, notices). Client: `follower` turns what
comes in and what the user wants into actions and things to deliver. `now` and tokens are
arguments, so a thousand clients and a crashing broker can run in one process, from a seed.
"""
