"""The routes: Starlette on uvicorn, one application for the clean server and every fault."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from reference_server.chat import Answer
from reference_server.constrain import Constraints, Uncompilable
from reference_server.contract import Contract, Refused
from reference_server.decode import Batch
from reference_server.engine import Engine
from reference_server.faulty import Faulty
from reference_server.generate import Generator

LARGEST = 16 * 1024 * 1024  # bytes of a request body
LOADED = 1_700_000_000  # when the model was made, as far as anybody can tell
LOG = logging.getLogger("reference_server")


@dataclass
class Server:
    """What the routes share."""

    engine: Engine
    aliases: tuple[str, ...] = ()
    contract: Contract = field(default_factory=Contract)
    lists: int = 0

    def __post_init__(self) -> None:
        self.batch = Batch(self.engine)
        self.generator = Generator(self.batch, Constraints(self.engine))

    @property
    def models(self) -> list[dict[str, Any]]:
        """Every model that can be asked for."""
        return [
            {"id": id_, "object": "model", "created": LOADED, "owned_by": "library"}
            for id_ in (self.engine.name, *self.aliases)
        ]

    def known(self, model: str) -> dict[str, Any]:
        """A model by its id; raises `Refused`."""
        found = next((each for each in self.models if each["id"] == model), None)
        if found is None:
            said = f"the model {model[:100]!r} does not exist"
            raise Refused(said, "model", "model_not_found", 404, "not_found_error")
        return found

    async def list_models(self, request: Request) -> Response:
        """GET /models."""
        self.lists += 1
        in_turn = "models.lists-in-turn" in request.scope.get("faults", ())
        kept = self.models[:-1] if in_turn and self.lists % 2 else self.models
        return JSONResponse({"object": "list", "data": kept})

    async def retrieve_model(self, request: Request) -> Response:
        """GET /models/{model}; the id may have slashes."""
        return JSONResponse(self.known(request.path_params["model"]))

    async def chat(self, request: Request) -> Response:
        """POST /chat/completions."""
        sent = self.contract.read("/chat/completions", await _body(request))
        self.known(sent["model"])
        answer = Answer.begin(sent, self.engine, self.generator)
        if sent.get("stream"):
            headers = {"cache-control": "no-cache"}
            return StreamingResponse(
                _events(answer), media_type="text/event-stream", headers=headers
            )
        return await _unless_gone(request, answer.body())

    async def health(self, _: Request) -> Response:
        """GET /health."""
        return JSONResponse({"status": "ok"})


async def _body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(f"the body is {kind[:50]!r}, not application/json", status=415)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            raise Refused(f"the body is larger than {LARGEST} bytes", status=413)
    return bytes(body)


async def _events(answer: Answer) -> AsyncGenerator[bytes]:
    """The stream: a block for each chunk, then the end mark. A failure is told in the stream."""
    try:
        async with aclosing(answer.chunks()) as chunks:
            async for chunk in chunks:
                yield _block(chunk)
    except Exception:
        LOG.exception("a stream failed")
        yield _block(Refused("the model failed", status=500, type="server_error").body())
        return
    yield b"data: [DONE]\n\n"


def _block(value: Any) -> bytes:
    return f"data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


async def _unless_gone(request: Request, answer: Awaitable[dict[str, Any]]) -> Response:
    """The answer, unless the client goes away first; then the work stops."""
    work = asyncio.ensure_future(answer)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        return JSONResponse(work.result()) if work.done() else Response(status_code=499)
    finally:
        for task in (work, gone):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _envelope(refused: Refused, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(refused.body(), refused.status, headers=headers)


async def _on_refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _envelope(error)


async def _on_uncompilable(_: Request, error: Exception) -> Response:
    return _envelope(Refused(f"the schema cannot be used: {str(error)[:200]}", "response_format"))


async def _on_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    type_ = "not_found_error" if error.status_code == 404 else "invalid_request_error"
    refused = Refused(str(error.detail), status=error.status_code, type=type_)
    return _envelope(refused, dict(error.headers or {}))


async def _on_failure(_: Request, error: Exception) -> Response:
    LOG.error("a request failed", exc_info=error)
    return _envelope(Refused("internal error", status=500, type="server_error"))


Handler = Callable[[Request, Exception], Awaitable[Response]]


def create_app(engine: Engine, *, fault: str = "", aliases: tuple[str, ...] = ()) -> Faulty:
    """The application; below `/fault/ID/v1` it commits that fault, `fault` makes it the default."""
    server = Server(engine, aliases)
    handlers: dict[Any, Handler] = {
        Refused: _on_refused,
        Uncompilable: _on_uncompilable,
        HTTPException: _on_http,
        ClientDisconnect: _on_http,
        Exception: _on_failure,
    }
    routes = [
        Route("/v1/models", server.list_models, methods=["GET"]),
        Route("/v1/models/{model:path}", server.retrieve_model, methods=["GET"]),
        Route("/v1/chat/completions", server.chat, methods=["POST"]),
        Route("/health", server.health, methods=["GET"]),
    ]
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return Faulty(app, fault)
