"""The operator's page: who is here, how the broker does, and what an operator does about it.

It is asked for what it shows once a second, and only while somebody looks; one look serves all.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Annotated, Any, Union

import msgspec
import segno
from msgspec import Meta
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from chatlib.core.buckets import Buckets, Rate
from chatlib.core.meter import network
from chatlib.core.whom import shown
from chatlib.errors import HubbubError, Refused
from chatlib.net.belonging import link_of
from chatlib.protocol import answers, requests
from chatlib.protocol.codec import encode
from chatlib.web.guard import Guard
from chatlib.web.messages import failure, id_of
from chatlib.web.operator_line import OperatorLine
from chatlib.web.operator_links import COOKIE_S, PATH, Visitors
from chatlib.web.operator_view import Look, View

LOOK_S = 1.0  # between two looks at the broker
MOST_TABS = 20
NOBODY, TOO_MANY = 4401, 4429
ENTERING = Rate(0.2, 10)  # of one address
ASKING = Rate(5, 40)  # of one tab

log = logging.getLogger("hubbub.web")


class Enter(msgspec.Struct):
    """What somebody who opened a link says."""

    token: Annotated[str, Meta(max_length=64)]


class Invite(requests.Invite, tag="invite", kw_only=True):
    """An invitation, for people who come by the page at this address."""

    page: Annotated[str, Meta(max_length=256, pattern=r"^https?://[^\s#]+$")]


ASKED: dict[type[Any], type[answers.Answer]] = {
    requests.Invitations: answers.InvitationList,
    requests.Uninvite: answers.Answer,
    requests.Bans: answers.BanList,
    requests.Ban: answers.Answer,
    requests.Unban: answers.Answer,
    requests.Whereis: answers.Whereabouts,
    requests.Roles: answers.RoleList,
    requests.Kick: answers.Answer,
    requests.Mute: answers.Answer,
    requests.Unmute: answers.Answer,
    requests.Close: answers.Answer,
    requests.Reopen: answers.Answer,
    requests.Backup: answers.BackingUp,
    requests.Drain: answers.Draining,
    requests.Audit: answers.Page,
}
IN_ROOMS = (requests.Roles, requests.Kick, requests.Mute, requests.Unmute)

_frames: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Union[(Look, Invite, *ASKED)])


class _Tab:
    """One operator's page, and what it looks at."""

    def __init__(self, websocket: WebSocket, cookie: str) -> None:
        self.websocket = websocket
        self.cookie = cookie
        self.look = Look()
        self._sending = asyncio.Lock()

    async def tell(self, payload: bytes) -> None:
        """Send; what comes for one who is gone is dropped."""
        try:
            async with self._sending:
                await self.websocket.send_text(payload.decode())
        except (WebSocketDisconnect, RuntimeError):
            pass


class OperatorPages:
    """The routes of the operator's page; `page` is its HTML file. Made before the loop runs."""

    def __init__(self, guard: Guard, line: OperatorLine, visitors: Visitors, page: Any) -> None:
        self._guard = guard
        self._line = line
        self._visitors = visitors
        self._page_file = page
        self._entering = Buckets(ENTERING)
        self._asking = Buckets(ASKING)
        self._view = View()
        self._tabs: set[_Tab] = set()
        self._watching: asyncio.Task[None] | None = None

    @property
    def cookie(self) -> str:
        """The cookie's name: another one than that of who chats."""
        return f"{self._guard.cookie}-operator"

    def routes(self, body: Callable[[Request], Any]) -> list[Any]:
        """Return the routes; `body` reads what was posted, if it is this page that posts it."""
        self._body = body
        return [
            Route(PATH, self._page),
            Route("/api/operator/enter", self._enter, methods=["POST"]),
            Route("/api/operator/leave", self._leave, methods=["POST"]),
            WebSocketRoute(f"{PATH}/ws", self._socket),
        ]

    def close(self) -> None:
        """Look no more."""
        if self._watching is not None:
            self._watching.cancel()
        self._line.close()

    # -- HTTP ---------------------------------------------------------------------------------

    async def _page(self, request: Request) -> Response:
        if not self._guard.is_ours(request.headers.get("host", "")):
            return PlainTextResponse("this is not the address of this page", 421)
        return FileResponse(self._page_file)

    async def _enter(self, request: Request) -> Response:
        try:
            asked = msgspec.json.decode(await self._body(request), type=Enter)
        except (msgspec.DecodeError, UnicodeDecodeError) as e:
            return _answer({"id": None}, 400, error=("bad_request", str(e)))
        except Refused as e:
            return _answer({"id": None}, 403, error=(e.code, str(e)))
        address = request.client.host if request.client else ""
        if self._entering.take(network(address), 1, time.monotonic()):
            text = "too many tries from your address: wait a moment"
            return _answer({}, 429, error=("slow_down", text))
        cookie = self._visitors.redeem(asked.token)
        if cookie is None:
            text = "this link was used, or is too old: make another one with hubbub weblink"
            return _answer({}, 403, error=("bad_token", text))
        answer = _answer({"ok": True})
        answer.set_cookie(
            self.cookie,
            cookie,
            max_age=int(COOKIE_S),
            httponly=True,
            samesite="strict",
            secure=self._guard.secure,
        )
        return answer

    async def _leave(self, request: Request) -> Response:
        try:
            await self._body(request)
        except Refused as e:
            return _answer({}, 403, error=(e.code, str(e)))
        cookie = self._cookie(request)
        self._visitors.forget(cookie)
        for tab in [tab for tab in self._tabs if tab.cookie == cookie]:
            await tab.websocket.close(NOBODY)
        answer = _answer({"ok": True})
        answer.delete_cookie(
            self.cookie, httponly=True, samesite="strict", secure=self._guard.secure
        )
        return answer

    def _cookie(self, connection: HTTPConnection) -> str | None:
        return connection.cookies.get(self.cookie)

    # -- the WebSocket ------------------------------------------------------------------------

    async def _socket(self, websocket: WebSocket) -> None:
        if not self._guard.same_origin(websocket.headers):
            await websocket.close()  # before it is accepted: 403
            return
        await websocket.accept()
        cookie = self._cookie(websocket)
        if cookie is None or not self._visitors.known(cookie):
            await websocket.close(NOBODY, "open a link of hubbub weblink first")
            return
        if len(self._tabs) >= MOST_TABS:
            await websocket.close(TOO_MANY, "too many operators look: close a tab")
            return
        tab = _Tab(websocket, cookie)
        self._tabs.add(tab)
        await tab.tell(encode({"kind": "past", "points": list(self._view.points)}))
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        try:
            while True:
                await self._take(tab, await websocket.receive_text())
        except (WebSocketDisconnect, KeyError):  # KeyError: a binary frame, which nobody sends
            pass
        finally:
            self._tabs.discard(tab)

    async def _watch(self) -> None:
        """Look at the broker while somebody looks at us."""
        while self._tabs:
            began = time.monotonic()
            await self._drop_unknown()
            try:
                status = await self._line.ask(requests.Status(), answers.BrokerStatus)
                self._view.take(status)
                for tab in list(self._tabs):
                    await self._show(tab)
            except HubbubError as e:
                told = encode({"kind": "away", "message": str(e), "code": getattr(e, "code", "")})
                for tab in list(self._tabs):
                    await tab.tell(told)
            await asyncio.sleep(max(0.05, LOOK_S - (time.monotonic() - began)))

    async def _drop_unknown(self) -> None:
        for tab in [tab for tab in self._tabs if not self._visitors.known(tab.cookie)]:
            self._tabs.discard(tab)
            await tab.websocket.close(NOBODY, "your time is over: open another link")

    async def _show(self, tab: _Tab) -> None:
        frame = self._view.frame(tab.look)
        if frame is not None:
            await tab.tell(encode(frame))

    async def _take(self, tab: _Tab, text: str) -> None:
        try:
            asked = _frames.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
            await tab.tell(failure(id_of(text), "bad_request", str(e)))
            return
        if self._asking.take(tab.cookie, 1, time.monotonic()) and not isinstance(asked, Look):
            await tab.tell(failure(asked.id, "slow_down", "too much at once: wait a moment"))
            return
        if isinstance(asked, Look):
            tab.look = asked
            await self._show(tab)
            return
        await tab.tell(await self._do(asked))

    async def _do(self, asked: Any) -> bytes:
        id = asked.id
        try:
            if isinstance(asked, Invite):
                return encode(await self._invite(asked) | {"id": id, "ok": True})
            kind = ASKED[type(asked)]
            of_room = isinstance(asked, requests.Ban | requests.Unban | requests.Bans)
            if isinstance(asked, IN_ROOMS) or (of_room and asked.room is not None):
                answer = await self._line.ask_in_session(asked, kind)
            else:
                answer = await self._line.ask(asked, kind)
        except Refused as e:
            return failure(id, e.code, str(e))
        except HubbubError as e:
            return failure(id, "unavailable", str(e))
        answer.id = id
        if isinstance(answer, answers.BanList):
            for ban in answer.bans:
                ban.who = shown(ban.who)
        return encode(answer)

    async def _invite(self, asked: Invite) -> dict[str, Any]:
        """Make an invitation; return what leads to it, by the page and for a terminal."""
        plain = requests.Invite(room=asked.room, uses=asked.uses, seconds=asked.seconds)
        made = await self._line.ask(plain, answers.Invited)
        page = f"{asked.page.rstrip('/')}/#t={made.token}"
        return {
            "invitation": made.invitation,
            "room": made.room,
            "uses": made.uses,
            "expires": made.expires,
            "page": page,
            "link": link_of(made),
            "qr": qr_path(page),
        }


def qr_path(text: str) -> dict[str, Any]:
    """Return a QR code as the path of an SVG, `size` units wide, with its border."""
    rows = segno.make_qr(text, error="L", boost_error=True).matrix_iter(border=4)
    parts, size = [], 0
    for y, row in enumerate(rows):
        cells = bytes(row)
        size = len(cells)
        x = 0
        while (x := cells.find(1, x)) >= 0:
            end = x
            while end < size and cells[end]:
                end += 1
            parts.append(f"M{x} {y}h{end - x}v1h-{end - x}z")
            x = end
    return {"size": size, "path": "".join(parts)}


def _answer(value: dict[str, Any], status: int = 200, error: Any = None) -> Response:
    if error is not None:
        value = {"ok": False, "error": {"code": error[0], "message": error[1]}}
    return Response(encode(value), status, media_type="application/json")
