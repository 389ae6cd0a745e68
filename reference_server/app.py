"""The routes: Starlette on uvicorn, one application for the clean server and every change of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from reference_server import chat, completions, embeddings, images
from reference_server.constrain import Constraints
from reference_server.contract import Contract, parse
from reference_server.decode import ROWS, Batch
from reference_server.engine import Embedder, Engine
from reference_server.faulty import Faulty
from reference_server.generate import Generator
from reference_server.mischief import Mischief, ignoring
from reference_server.refusal import Refused, failed
from reference_server.responses import answer as responses
from reference_server.responses.store import Store
from reference_server.stream import DONE, Answer, blocks

LARGEST = 16 * 1024 * 1024  # bytes of a request body
LOADED = 1_700_000_000  # when the model was made, as far as anybody can tell
LOG = logging.getLogger("reference_server")
Json = dict[str, Any]


@dataclass
class Server:
    """What the routes share."""

    engine: Engine
    embedder: Embedder
    aliases: tuple[str, ...] = ()
    rows: int = ROWS
    contract: Contract = field(default_factory=Contract)
    store: Store = field(default_factory=Store)
    mischief: Mischief = field(default_factory=Mischief)
    lists: int = 0
    stumbled: bool = False

    def __post_init__(self) -> None:
        self.batch = Batch(self.engine, self.rows)
        self.generator = Generator(self.batch, Constraints(self.engine))

    @property
    def models(self) -> list[Json]:
        """Every model that can be asked for."""
        names = dict.fromkeys((self.engine.name, *self.aliases, self.embedder.name))
        return [
            {"id": id_, "object": "model", "created": LOADED, "owned_by": "library"}
            for id_ in names
        ]

    def known(self, model: str) -> Json:
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
        sent = await self._read(request, "/chat/completions")
        faults = request.scope.get("faults", ())
        sent = self.mischief.read(faults, sent, self.batch.size)
        made = chat.Answer.begin(sent, self.engine, self.generator)
        return self.mischief.watch(faults, await _answered(request, sent, made))

    async def completions(self, request: Request) -> Response:
        """POST /completions."""
        sent = await self._read(request, "/completions")
        made = completions.Answer.begin(sent, self.engine, self.generator)
        return await _answered(request, sent, made)

    async def embeddings(self, request: Request) -> Response:
        """POST /embeddings."""
        sent = await self._read(request, "/embeddings")
        named = sent["model"] == self.embedder.name
        embedder = self.embedder if named else self.engine
        made = await asyncio.to_thread(embeddings.answer, sent, embedder)
        return JSONResponse(made)

    async def images(self, request: Request) -> Response:
        """POST /images/generations."""
        sent = await self._read(request, "/images/generations")
        return JSONResponse(await asyncio.to_thread(images.answer, sent))

    async def responses(self, request: Request) -> Response:
        """POST /responses."""
        sent = await self._read(request, "/responses")
        sent = ignoring(request.scope.get("faults", ()), sent)
        made = responses.Answer.begin(sent, self.engine, self.generator, self.store)
        return await _answered(request, sent, made, end=b"")

    async def health(self, _: Request) -> Response:
        """GET /health: that the server is there, and how many sequences are under way."""
        return JSONResponse({"status": "ok", "sequences": self.batch.size})

    async def _read(self, request: Request, path: str) -> Json:
        body = await _body(request)
        if "robustness.stumbles" in request.scope.get("faults", ()) and self._stumbles(body):
            raise failed("internal error")
        sent = self.contract.read(path, body)
        model = self.known(sent["model"])["id"]
        only_embeds = model == self.embedder.name != self.engine.name
        if only_embeds and path != "/embeddings":
            raise Refused(f"the model {model!r} does not do this", "model", "model_not_supported")
        return sent

    def _stumbles(self, body: bytes) -> bool:
        """Whether the body before this one was no JSON, for a fault."""
        before, self.stumbled = self.stumbled, not _is_json(body)
        return before and not self.stumbled


def _is_json(body: bytes) -> bool:
    try:
        parse(body)
    except Refused:
        return False
    return True


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


async def _answered(request: Request, sent: Json, answer: Answer, end: bytes = DONE) -> Response:
    """The answer as a stream or as one body, as the request wants it."""
    if not sent.get("stream"):
        return await _unless_gone(request, answer.body())
    headers = {"cache-control": "no-cache"}
    return StreamingResponse(blocks(answer, end), media_type="text/event-stream", headers=headers)


async def _unless_gone(request: Request, answer: Awaitable[Json]) -> Response:
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
    more = {} if refused.retry is None else {"retry-after": str(refused.retry)}
    return JSONResponse(refused.body(), refused.status, headers=(headers or {}) | more)


async def _on_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    if "semantics.errors-in-turn" in request.scope.get("faults", ()):
        state = request.app.state
        state.turn = not getattr(state, "turn", False)
        error.type = "invalid_request_error" if state.turn else "not_found_error"
    return _envelope(error)


async def _on_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    type_ = "not_found_error" if error.status_code == 404 else "invalid_request_error"
    refused = Refused(str(error.detail), status=error.status_code, type=type_)
    return _envelope(refused, dict(error.headers or {}))


async def _on_gone(_: Request, __: Exception) -> Response:
    return Response(status_code=499)  # nobody reads it


async def _on_failure(_: Request, error: Exception) -> Response:
    LOG.error("a request failed", exc_info=error)
    return _envelope(failed("internal error"))


Handler = Callable[[Request, Exception], Awaitable[Response]]
HANDLERS: dict[Any, Handler] = {
    Refused: _on_refused,
    HTTPException: _on_http,
    ClientDisconnect: _on_gone,
    Exception: _on_failure,
}


def create_app(server: Server, *, change: str = "") -> Faulty:
    """The application. Below `/fault/ID/v1` it commits that fault, below `/variant/ID/v1` it takes
    that variant; `change`, as in `fault/ID`, makes one of them the default.
    """
    routes = [
        Route("/v1/models", server.list_models, methods=["GET"]),
        Route("/v1/models/{model:path}", server.retrieve_model, methods=["GET"]),
        Route("/v1/chat/completions", server.chat, methods=["POST"]),
        Route("/v1/completions", server.completions, methods=["POST"]),
        Route("/v1/embeddings", server.embeddings, methods=["POST"]),
        Route("/v1/images/generations", server.images, methods=["POST"]),
        Route("/v1/responses", server.responses, methods=["POST"]),
        Route("/health", server.health, methods=["GET"]),
    ]
    pages = Middleware(
        CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"]
    )
    app = Starlette(routes=routes, middleware=[pages], exception_handlers=HANDLERS)
    app.router.redirect_slashes = False
    return Faulty(app, change)
