#!/usr/bin/env python3
"""A bridge between a room and webhooks, in and out, both signed.

    HUBBUB_WEBHOOK_SECRET=... webhook.py --room ops --port 8080 [--to https://example.org/hook]
    HUBBUB_WEBHOOK_SECRET=... webhook.py --broker 'hubbub://...'

In: POST {"text": "..."} with the header `X-Hubbub-Signature: sha256=HEX`, the HMAC-SHA256 of the
body under the secret. It answers 200 once the broker has stored the message. Out: what people say
in the room is posted to `--to` in the same form, with `nick`, `room`, `seq` and `at`; what can't be
delivered is tried again, and given up after a while. It listens on 127.0.0.1 alone: put a web
server with TLS in front of it. Whoever sees a signed request can send it once more.
"""

import argparse
import hashlib
import hmac
import json
import logging
import os
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from chatlib import Bot, HubbubError, Misuse

HEADER = "X-Hubbub-Signature"
KEY = "webhook.key"  # here: what an encrypted broker knows it by, unless another one is named
MOST_BYTES = 64 * 1024
PAUSES_S = (0.5, 2, 8)  # between one try to deliver and the next
log = logging.getLogger("webhook")


def sign(secret: bytes, body: bytes) -> str:
    """Return the signature of a body."""
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


def make_bot(
    address: str, room: str | None, secret: bytes, to: str | None, *, pauses=PAUSES_S, key=None
) -> Bot:
    """Return the bot that posts to `to` what is said in the room; None is the link's, or lobby."""
    bot = Bot(address, "webhook", rooms=[room] if room else None, key=key)
    if bot.server_key is not None and key is None:
        bot.key = KEY

    @bot.on_message("")
    def deliver(ctx, match) -> None:
        if to is None or ctx.room is None:
            return
        event = {"text": ctx.text, "nick": ctx.nick, "room": ctx.room}
        body = json.dumps(event | {"seq": ctx.event.seq, "at": ctx.event.at}).encode()
        headers = {"Content-Type": "application/json", HEADER: sign(secret, body)}
        for pause in (*pauses, None):
            try:
                asked = urllib.request.Request(to, body, headers, method="POST")
                with urllib.request.urlopen(asked, timeout=10):
                    return
            except OSError as e:  # urllib's errors are of it
                if isinstance(e, urllib.error.HTTPError):
                    e.close()
                if pause is None:
                    log.error("seq %d was not delivered: %s", ctx.event.seq, e)
                    return
                time.sleep(pause)

    return bot


def say(bot: Bot, body: bytes) -> tuple[int, str]:
    """Say what was posted; return the status and the text to answer."""
    try:
        client = bot.client
    except Misuse as e:  # it is not in its room yet, or not any more
        return 503, str(e)
    try:
        client.say(bot.rooms[0], str(json.loads(body)["text"]))
        client.flush(10)
    except (ValueError, KeyError, TypeError) as e:  # chatlib's Misuse is one, too
        return 400, f'the body is no {{"text": "..."}} that can be said: {e}'
    except HubbubError as e:
        return 503, str(e)
    return 200, "said"


def make_server(bot: Bot, secret: bytes, port: int) -> ThreadingHTTPServer:
    """Return the server that says in the bot's room what is posted; port 0 takes a free one."""

    class Hook(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            try:
                size = int(self.headers.get("Content-Length", ""))
            except ValueError:
                size = -1
            if not 0 <= size <= MOST_BYTES:
                self.answer(413, f"a Content-Length of at most {MOST_BYTES} bytes is needed")
                return
            body = self.rfile.read(size)
            if not hmac.compare_digest(
                self.headers.get(HEADER, "").encode(), sign(secret, body).encode()
            ):
                self.answer(401, f"{HEADER} is not the HMAC-SHA256 of the body under the secret")
                return
            self.answer(*say(bot, body))

        def answer(self, status: int, text: str) -> None:
            body = (text + "\n").encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            log.info("%s: %s", self.address_string(), format % args)

    return ThreadingHTTPServer(("127.0.0.1", port), Hook)


def port(text: str) -> int:
    """Return the port that was typed."""
    if text.isdecimal() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535")


def url(text: str) -> str:
    """Return the URL that was typed."""
    if text.startswith(("http://", "https://")) and urllib.parse.urlsplit(text).hostname:
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is no URL such as https://example.org/hook")


def options(arguments: list[str]) -> argparse.Namespace:
    """Return what was typed; what is wrong ends the process with one line more than the usage."""
    parser = argparse.ArgumentParser(
        description="A bridge between a room and webhooks.",
        epilog="The secret that signs is in the environment: HUBBUB_WEBHOOK_SECRET.",
    )
    parser.add_argument(
        "--broker", default="tcp://127.0.0.1:5555", metavar="ADDRESS",
        help="its address, or a hubbub:// link in quotes (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--key", type=Path, metavar="FILE", help=f"its own key (default: {KEY})")
    parser.add_argument("--room", help="(default: the one that the link leads to, or lobby)")
    parser.add_argument("--port", type=port, default=8080, help="of 127.0.0.1 (default: 8080)")
    parser.add_argument("--to", type=url, metavar="URL", help="post here what is said")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM or Ctrl-C; return the exit code."""
    given = options(arguments)
    secret = os.environ.get("HUBBUB_WEBHOOK_SECRET", "").encode()
    try:
        if len(secret) < 16:
            raise Misuse("set HUBBUB_WEBHOOK_SECRET to 16 characters or more")
        bot = make_bot(given.broker, given.room, secret, given.to, key=given.key)
        serve(bot, make_server(bot, secret, given.port))
    except HubbubError as e:
        print(f"webhook: {e}", file=sys.stderr)
        return e.exit_code
    except OSError as e:
        why = f"cannot listen on 127.0.0.1:{given.port} ({e.strerror})"
        print(f"webhook: {why}: choose another --port", file=sys.stderr)
        return 73
    return 0


def serve(bot: Bot, server: ThreadingHTTPServer) -> None:
    """Let people in on both sides until the bot is stopped."""
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
        try:
            bot.run()
        finally:
            server.shutdown()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    sys.exit(main(sys.argv[1:]))
