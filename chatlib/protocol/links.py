"""Addresses: what a user types, what ZeroMQ takes, and where intake and feed are.

Users give one address, the control endpoint. Intake and feed are the next two ports of TCP, and
`.intake` and `.feed` behind the path of ipc. A link says more in one line: the address, the room,
the broker's key and what lets its bearer in.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote

from chatlib.errors import BadAddress

DEVICE_TOKEN = "device-"  # begins the token of a link that adds a key to a nickname
DEFAULT_ADDRESS = "tcp://127.0.0.1:5555"
DEFAULT_PORT = 5555
IPC_BYTES = 107  # sockaddr_un.sun_path, less its closing zero
SCHEME = "hubbub://"
LINK_CHARS = 2_000  # what mail, chats and QR codes still carry
LINK_FIELDS = 20

_tcp = re.compile(r"(?:tcp://)?(\[[0-9a-fA-F:.]+(?:%\w+)?\]|[^\s:/\[\]]+)(?::([0-9]{1,5}|\*))?/?")
_unusable = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # in a file or by libzmq
_link = re.compile(r"([^/?#]*)(?:/([^/?]*))?(?:\?(.*))?")
_broken_percent = re.compile(r"%(?![0-9a-fA-F]{2})")
_base64url = re.compile(r"[A-Za-z0-9_-]+")


class Endpoint(NamedTuple):
    """A parsed endpoint. For ipc, `host` is empty and `path` is set."""

    host: str
    port: int
    path: str = ""

    def __str__(self) -> str:
        return f"ipc://{self.path}" if self.path else f"tcp://{self.host}:{self.port}"

    @property
    def ipv6(self) -> bool:
        """Tell whether the host is an IPv6 literal: libzmq must be told before it is used."""
        return self.host.startswith("[")

    @property
    def loopback(self) -> bool:
        """Tell whether only this machine can reach it."""
        if self.path or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]").split("%")[0]).is_loopback
        except ValueError:
            return False


def parse_endpoint(text: str) -> Endpoint:
    """Return the endpoint that `text` names: `tcp://HOST:PORT`, `HOST`, `HOST:PORT`, `ipc://PATH`.

    Without a port it is 5555; port 0 or `*` takes a free one. Raises BadAddress.
    """
    if _unusable.search(text):
        raise BadAddress(f"{text!r} is no address: it has a control character, or is not UTF-8")
    if text.startswith("ipc://"):
        path = text.removeprefix("ipc://")
        if path != path.strip():
            raise BadAddress(f"{text!r}: an ipc path neither begins nor ends with a space")
        if not path or len(f"{path}.intake".encode()) > IPC_BYTES:
            raise BadAddress(f"{text!r}: an ipc path has 1 to {IPC_BYTES - 7} bytes")
        return Endpoint("", 0, path)
    found = _tcp.fullmatch(text)
    port = (found[2] or DEFAULT_PORT) if found else 0
    if found is None or (port != "*" and int(port) > 65535):
        raise BadAddress(f"{text!r} is no address: give tcp://HOST:PORT or ipc://PATH")
    return Endpoint(found[1], 0 if port == "*" else int(port))


def beside(control: Endpoint) -> tuple[Endpoint, Endpoint]:
    """Return the intake and the feed that belong to `control` unless configured otherwise."""
    if control.path:
        return (
            control._replace(path=control.path + ".intake"),
            control._replace(path=control.path + ".feed"),
        )
    if control.port == 0:
        return control, control
    if control.port > 65533:
        raise BadAddress(f"{control}: the next two ports are needed too; take one up to 65533")
    return control._replace(port=control.port + 1), control._replace(port=control.port + 2)


def dialled(answered: str, control: Endpoint) -> str:
    """Return the endpoint that `hello` answered; its host `*` is the one that was dialled."""
    return answered.replace("tcp://*:", f"tcp://{control.host}:", 1)


class Link(NamedTuple):
    """What a link says. `server_key` is base64url of 32 bytes, as `security.keys.from_link` takes.

    `room` is as typed, and empty for none. `token` lets its bearer in: keep such a link private.
    """

    endpoint: Endpoint
    room: str = ""
    server_key: str | None = None
    token: str | None = None

    def __str__(self) -> str:
        if self.endpoint.path:
            raise BadAddress(f"{self.endpoint}: only this machine can reach it, so it has no link")
        given = (("k", self.server_key), ("t", self.token))
        query = "&".join(f"{name}={value}" for name, value in given if value)
        host, port, room = self.endpoint.host, self.endpoint.port, quote(self.room, safe="")
        return f"{SCHEME}{host}:{port}/{room}" + (f"?{query}" if query else "")


def parse_link(text: str) -> Link:
    """Return what `hubbub://HOST:PORT/ROOM?k=SERVERKEY&t=TOKEN` says; all but HOST may be missing.

    Fields of the query that are not known are skipped. Raises BadAddress, which names what is
    wrong and never shows the token.
    """
    scheme, rest = text[: len(SCHEME)].lower(), text[len(SCHEME) :]
    if scheme != SCHEME:
        shown = text.partition("?")[0]
        raise BadAddress(f"{shown!r} is no link: it does not start with {SCHEME}")
    if len(text) > LINK_CHARS:
        raise BadAddress(
            f"this link has {len(text)} characters, and at most {LINK_CHARS} are taken"
        )
    parts = _link.fullmatch(rest)
    text = text.partition("?")[0]
    if parts is None:
        raise BadAddress(f"{text!r} is no link: behind the address comes one room, then '?'")
    fields = _fields(text, parts[3] or "")
    key, token = fields.get("k"), fields.get("t")
    if key is not None and not _is_key(key):
        raise BadAddress(
            f"{text!r}: its key (k=) is damaged: it is 43 letters, digits, '-' and '_'"
        )
    if token is not None and not _base64url.fullmatch(token):
        raise BadAddress(f"{text!r}: its token (t=) is damaged: it is letters, digits, '-' and '_'")
    return Link(_link_endpoint(text, parts[1]), _room(text, parts[2] or ""), key, token)


def _link_endpoint(text: str, authority: str) -> Endpoint:
    if not authority or re.fullmatch(r":\d*", authority):
        raise BadAddress(f"{text!r}: the link names no host")
    if "@" in authority:
        raise BadAddress(f"{text!r}: there is no user in a link, only HOST:PORT")
    try:
        endpoint = parse_endpoint(f"tcp://{authority}")
    except BadAddress:
        raise BadAddress(f"{text!r}: {authority!r} is no HOST:PORT") from None
    if endpoint.host == "*":
        raise BadAddress(f"{text!r}: '*' is no host that anybody can dial")
    if endpoint.port == 0:
        raise BadAddress(f"{text!r}: nobody can dial port 0")
    return endpoint


def _room(text: str, quoted: str) -> str:
    try:
        if _broken_percent.search(quoted):
            raise ValueError("a '%' without two hexadecimal digits")
        quoted.encode()  # a command line that is no UTF-8 comes with lone surrogates
        room = unquote(quoted, errors="strict")
    except ValueError as e:
        raise BadAddress(f"{text!r}: the room is not percent-encoded UTF-8 ({e})") from None
    if any(ord(character) < 32 or ord(character) == 127 for character in room):
        raise BadAddress(f"{text!r}: the room has a control character")
    return room


def _fields(text: str, query: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=LINK_FIELDS))
    except ValueError:
        raise BadAddress(f"{text!r}: more than {LINK_FIELDS} fields behind '?'") from None


def _is_key(text: str) -> bool:
    """Tell whether these are 32 bytes in base64url, with no bit beyond the 256th."""
    if len(text) != 43 or not _base64url.fullmatch(text):
        return False
    return base64.urlsafe_b64encode(base64.urlsafe_b64decode(text + "="))[:43] == text.encode()
