"""What the page server answers over HTTP: the page, entering, and the WebSocket."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from chatlib.core.buckets import Buckets, Rate
from chatlib.errors import BadName, HubbubError, Refused
from chatlib.protocol.codec import encode
from chatlib.protocol.fields import Error
from chatlib.web.entrance import Entrance
from chatlib.web.files import Files, headers
from chatlib.web.guard import MOST_BODY, Guard, Headers, paced
from chatlib.web.hub import Hub
from chatlib.web.operator import OperatorPages
from chatlib.web.person import MOST_TABS, Tab
from chatlib.web.socket import Conversation, frame_rates
from chatlib.web.wire import WIRE

STATIC = Path(__file__).parent / "static"
UPLOADS = Rate(0.2, 40)  # of one person: files a second, and at once
COOKIE_S = 90 * 24 * 3600
NOBODY = 4401  # close codes of ours: there is no person to this cookie
TOO_MANY = 4429
_STATUS = {
    "slow_down": 429, "unavailable": 503, "bad_token": 403, "not_admitted": 403, "forbidden": 403,
    "too_big": 413, "full": 507, "no_session": 401, "too_slow": 408,
    "too_many_sessions": 503,
}  # fmt: skip


class Enter(Struct):
    """What somebody who comes in says."""

    nick: str
    token: str = ""


class Pages:
    """The routes; the hub and the entrance are made when the loop runs."""

    def __init__(
        self,
        guard: Guard,
        start: Callable[[], tuple[Hub, Entrance, Files]],
        operator: OperatorPages | None = None,
    ) -> None:
        self._operator = operator
        self._guard = guard
        self._start = start
        self._frames = frame_rates()
        self._uploads = Buckets(UPLOADS)
        self._hub: Hub
        self._entrance: Entrance
        self._files: Files

    def app(self) -> Any:
        """Return the ASGI application."""
        routes = [
            Route("/", self._page),
            Route("/healthz", self._healthz),
            Route("/api/enter", self._enter, methods=["POST"]),
            Route("/api/leave", self._leave, methods=["POST"]),
            Route("/files", self._upload, methods=["POST"]),
            Route("/files/{digest}/{name}", self._file),
            WebSocketRoute("/ws", self._socket),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
        if self._operator is not None:
            routes += self._operator.routes(self._body)
        app = Starlette(routes=routes, lifespan=self._lifespan)
        return Headers(app, secure=self._guard.secure)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self._hub, self._entrance, self._files = self._start()
        self._hub.start()
        try:
            yield
        finally:
            if self._operator is not None:
                self._operator.close()
            self._hub.close()

    # -- HTTP ---------------------------------------------------------------------------------

    async def _page(self, request: Request) -> Response:
        if not self._guard.is_ours(request.headers.get("host", "")):
            return PlainTextResponse("this is not the address of this page", 421)
        return FileResponse(STATIC / "index.html")

    async def _healthz(self, request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def _enter(self, request: Request) -> Response:
        try:
            asked = msgspec.json.decode(await self._body(request), type=Enter)
            address = request.client.host if request.client else ""
            if wait := self._guard.enters(address, time.monotonic()):
                text = "too many people come from your address: try again in a moment"
                return _failure("slow_down", text, after_ms=int(wait * 1000) + 1)
            room = await self._entrance.admit(asked.token)
            try:
                cookie = await self._hub.enter(asked.nick)
            except BaseException:
                self._entrance.owe(asked.token, room)
                raise
        except (msgspec.DecodeError, UnicodeDecodeError) as e:
            return _failure("bad_request", str(e))
        except Refused as e:
            return _failure(e.code, str(e), suggestion=e.suggestion)
        except BadName as e:
            return _failure(e.code, str(e))
        except HubbubError as e:
            return _failure("unavailable", str(e))
        answer = _json({"ok": True, "room": room})
        answer.set_cookie(
            self._guard.cookie,
            cookie,
            max_age=COOKIE_S,
            httponly=True,
            samesite="strict",
            secure=self._guard.secure,
        )
        return answer

    async def _leave(self, request: Request) -> Response:
        try:
            await self._body(request)
        except Refused as e:
            return _failure(e.code, str(e))
        if (person := self._hub.find(self._cookie(request))) is not None:
            self._hub.forget(person)
        answer = _json({"ok": True})
        answer.delete_cookie(
            self._guard.cookie, httponly=True, samesite="strict", secure=self._guard.secure
        )
        return answer

    # -- files --------------------------------------------------------------------------------

    async def _upload(self, request: Request) -> Response:
        """Keep the body, which is read as far as it may be long."""
        person = self._hub.find(self._cookie(request))
        if not self._guard.same_origin(request.headers):
            return _failure("forbidden", "only this page itself may send files")
        if person is None:
            return _failure("no_session", "choose a nickname first")
        if wait := self._uploads.take(person.cookie, 1, time.monotonic()):
            text = "too many files at once: try again in a moment"
            return _failure("slow_down", text, after_ms=int(wait * 1000) + 1)
        try:
            name = request.headers.get("x-file-name", "")
            kept = await self._files.keep(name, paced(request.stream()))
        except Refused as e:
            return _failure(e.code, str(e))
        except ClientDisconnect:
            return _failure("bad_request", "the file did not come to its end")
        return _json({"ok": True, **kept._asdict()})

    async def _file(self, request: Request) -> Response:
        found = self._files.find(request.path_params["digest"])
        if not self._guard.is_ours(request.headers.get("host", "")) or found is None:
            return PlainTextResponse("there is no such file", 404)
        path, kind = found
        return FileResponse(
            path, media_type=kind, headers=headers(kind, request.path_params["name"])
        )

    async def _body(self, request: Request) -> bytes:
        """Return what was posted. Raises Refused: of another site, too much, or too slow."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        if kind != "application/json" or not self._guard.same_origin(request.headers):
            raise Refused("forbidden", "only this page itself may ask that")
        body = b""
        async for chunk in paced(request.stream()):
            body += chunk
            if len(body) > MOST_BODY:
                raise Refused("too_big", f"a request has at most {MOST_BODY} bytes")
        return body

    def _cookie(self, connection: HTTPConnection) -> str | None:
        return connection.cookies.get(self._guard.cookie)

    # -- the WebSocket ------------------------------------------------------------------------

    async def _socket(self, websocket: WebSocket) -> None:
        if not self._guard.same_origin(websocket.headers):
            await websocket.close()  # before it is accepted: 403
            return
        await websocket.accept()
        person = self._hub.find(self._cookie(websocket))
        if person is None:
            await websocket.close(NOBODY, "choose a nickname first")
            return
        if len(person.tabs) >= MOST_TABS:
            await websocket.close(TOO_MANY, f"you have {MOST_TABS} tabs open: close one")
            return
        wire = websocket.scope["extensions"][WIRE]
        tab = Tab(wire.push)
        conversation = Conversation(self._hub, person, tab, self._frames)
        self._hub.came(person, tab)
        wire.take = conversation.take
        try:
            while True:  # for what came before, or in parts
                conversation.take(await websocket.receive_text())
        except (WebSocketDisconnect, KeyError):  # KeyError: a binary frame, which nobody sends
            pass
        finally:
            wire.take = None
            self._hub.went(person, tab)


def _json(value: Any, status: int = 200) -> Response:
    return Response(encode(value), status, media_type="application/json")


def _failure(code: str, message: str, **more: Any) -> Response:
    return _json({"ok": False, "error": Error(code, message, **more)}, _STATUS.get(code, 400))
