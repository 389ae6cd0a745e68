"""Faults and variants on the live wire: below `/fault/ID` and `/variant/ID` every reply is
collected, changed and sent again.

The change is the same pure function that the proof applies to recorded replies. The pieces of the
changed reply leave at the times that it now gives them. A behaviour fault is a name in
`scope["faults"]` that the server looks at.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from starlette.responses import JSONResponse

from conformance.wire.exchange import Headers, Piece, Reply, Request
from reference_server.change import BROKEN, Change
from reference_server.faults import FAULTS
from reference_server.refusal import Refused
from reference_server.variants import VARIANTS

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
BASE = "/v1"
SLOW = 0.4  # seconds that only a body takes which is sent slowly
KINDS: Mapping[str, Mapping[str, Change]] = MappingProxyType({"fault": FAULTS, "variant": VARIANTS})


class Faulty:
    """An application that makes the change which its path names, or the default one.

    A change is named by its kind and its id, as in `fault/ID`.
    """

    def __init__(self, app: App, default: str = "") -> None:
        self._app = app
        self._default = default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        (kind, id_), scope = _split(scope, self._default)
        change = KINDS.get(kind, {}).get(id_)
        if kind and change is None:
            refused = Refused(f"there is no {kind} {id_[:100]!r}", status=404)
            await JSONResponse(refused.body(), 404)(scope, receive, send)
        elif change is None:
            await self._app(scope, receive, send)
        elif change.change is None:
            await self._app({**scope, "faults": {change.id}}, receive, send)
        else:
            await self._changed(change, scope, receive, send)

    async def _changed(self, change: Change, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.monotonic()
        body = await _read(receive)
        waited = time.monotonic() - began
        reply = await self._collect(scope, body)
        path = scope["raw_path"].decode("latin-1").removeprefix(BASE)
        query = scope["query_string"].decode("latin-1")
        path += f"?{query}" if query else ""
        pace = waited if waited > SLOW else 0.0
        request = Request(scope["method"], path, _headers(scope["headers"]), body or None, pace)
        await _send(change.apply(request, reply), send)

    async def _collect(self, scope: Scope, body: bytes) -> Reply:
        """The clean reply, with the times at which its pieces left."""
        began, status = time.monotonic(), 500
        headers: Headers = ()
        pieces: list[Piece] = []
        asked = False

        async def receive() -> MutableMapping[str, Any]:
            nonlocal asked
            if asked:
                await asyncio.Event().wait()
            asked = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], _headers(message["headers"])
            elif message.get("body"):
                pieces.append(Piece(time.monotonic() - began, message["body"]))

        await self._app(scope, receive, send)
        return Reply(status, headers, tuple(pieces))


def _split(scope: Scope, default: str) -> tuple[tuple[str, str], Scope]:
    """Kind and id of the change that a path names, and the scope without them."""
    kind, id_, rest = _cut(scope["path"])
    if kind not in KINDS:
        kind, _, id_ = default.partition("/")
        return (kind, id_), scope
    raw = _cut(scope["raw_path"].decode("latin-1"))[2]
    return (kind, id_), {**scope, "path": rest, "raw_path": raw.encode("latin-1")}


def _cut(path: str) -> tuple[str, str, str]:
    """`/kind/id/rest` in its parts, the last one with its slash."""
    _, kind, id_, rest = (*path.split("/", 3), "", "", "")[:4]
    return kind, unquote(id_), f"/{rest}"


def _headers(raw: Any) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)


async def _read(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _send(reply: Reply, send: Send) -> None:
    broken = any(name == BROKEN for name, _ in reply.headers)
    dropped = {BROKEN, "content-length"} if broken else {BROKEN}
    headers = [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in reply.headers
        if name.lower() not in dropped
    ]
    if broken:
        headers.append((b"content-length", str(len(reply.body) + 1).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    at = 0.0
    for piece in reply.pieces:
        await asyncio.sleep(max(0.0, piece.at - at))
        at = max(at, piece.at)
        await send({"type": "http.response.body", "body": piece.data, "more_body": True})
    if not broken:  # else uvicorn closes the connection
        await send({"type": "http.response.body", "body": b"", "more_body": False})
