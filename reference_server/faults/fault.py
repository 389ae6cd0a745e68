"""Faults: deliberate deviations, each naming the requirements that must notice.

A reply fault is a pure function of a request and its clean reply; the same function changes
recorded replies in the proof and live ones below `/fault/ID/v1`. What it is given follows from
the name of its last parameter:

    chunks   the JSON objects of an event stream, in a list; yields objects
    blocks   the blocks of an event stream as bytes without their empty line; yields such blocks
    body     the JSON value of a plain answer; returns the changed one
    data     the bytes of the body; returns bytes
    reply    the whole `Reply`; returns a `Reply`

A first parameter `sent` gets the JSON value of the request body, `request` the whole `Request`. A
fault changes successes only, unless it takes the whole reply. Returning None, or yielding nothing
new, leaves the reply as it is.

A behaviour fault is a switch in the server, for what no change of one reply can show.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

from conformance.wire.exchange import Piece, Reply, Request

END = b"\n\n"
DONE = b"data: [DONE]"
BROKEN = "x-broken"  # a header that asks for the connection to be broken after the last piece
Changes = Callable[..., Any]


@dataclass(frozen=True)
class Fault:
    """One deviation. `breaks` names requirements, `on` the surfaces whose replies it changes (of a
    behaviour fault the beginnings of the names of dialogues that show it), `field` the report of a
    real server that did it; `change` is None for a behaviour fault.
    """

    id: str
    breaks: frozenset[str]
    on: tuple[str, ...]
    text: str
    field: str = ""
    change: Changes | None = None

    @property
    def kind(self) -> str:
        """`reply` or `behaviour`."""
        return "behaviour" if self.change is None else "reply"

    def apply(self, request: Request, reply: Reply) -> Reply:
        """The reply with the deviation; the same one where there is nothing to deviate in."""
        if self.change is None or not {surface(request), "*"} & set(self.on):
            return reply
        names = list(inspect.signature(self.change).parameters)
        change = self.change
        if names[0] == "sent":
            change = partial(change, _json(request.body))
        elif names[0] == "request":
            change = partial(change, request)
        return _FORMS[names[-1]](change, reply)


_FAULTS: dict[str, Fault] = {}
FAULTS: Mapping[str, Fault] = MappingProxyType(_FAULTS)


def fault(*, breaks: set[str], on: str, field: str = "") -> Callable[[Changes], Changes]:
    """Register a function as a fault; its id is module and name, its docstring says what it does.

    `on` holds surfaces, separated by blanks; `*` stands for every request, routed or not.
    """

    def register(change: Changes) -> Changes:
        module = change.__module__.split(".")[2]  # of a folder its name, not that of a theme
        _add(module, change.__name__, breaks, on, change.__doc__ or "", field, change)
        return change

    return register


def behaviour(name: str, text: str, *, breaks: set[str], on: str, field: str = "") -> None:
    """Register a switch of the server as a fault."""
    module, _, rest = name.partition(".")
    _add(module, rest, breaks, on, text, field, None)


def _add(
    module: str, name: str, breaks: set[str], on: str, text: str, field: str, change: Changes | None
) -> None:
    id_ = f"{module}.{name}".replace("_", "-")
    if id_ in _FAULTS:
        raise ValueError(f"two faults are called {id_}")
    summary = text.strip().splitlines()[0]
    _FAULTS[id_] = Fault(id_, frozenset(breaks), tuple(on.split()), summary, field, change)


SURFACES: Mapping[str, tuple[str, str]] = {
    "/chat/completions": ("chat", "chat-stream"),
    "/completions": ("completions", "completions-stream"),
    "/embeddings": ("embeddings", "embeddings"),
    "/images/generations": ("images", "images"),
    "/responses": ("responses", "responses-stream"),
}


def surface(request: Request) -> str:
    """The surface that a request is for; the empty string if none."""
    path = request.path.partition("?")[0]
    if path == "/models" or path.startswith("/models/"):
        return "models"
    plain, streamed = SURFACES.get(path, ("", ""))
    sent = _json(request.body)
    return streamed if isinstance(sent, dict) and sent.get("stream") is True else plain


def _json(data: bytes | None) -> Any:
    try:
        return json.loads(data or b"")
    except (ValueError, RecursionError):
        return None


def with_body(reply: Reply, body: bytes) -> Reply:
    """The reply with another body, in pieces cut where the old ones were."""
    if body == reply.body:
        return reply
    pieces, offset = [], 0
    for n, piece in enumerate(reply.pieces):
        last = n == len(reply.pieces) - 1
        end = len(body) if last else min(len(body), offset + len(piece.data))
        pieces.append(Piece(piece.at, body[offset:end]))
        offset = end
    headers = tuple(
        (k, str(len(body)) if k.lower() == "content-length" else v) for k, v in reply.headers
    )
    kept = tuple(p for p in pieces if p.data) or (Piece(0.0, body),)
    return replace(reply, pieces=kept, headers=headers)


def is_stream(reply: Reply) -> bool:
    """Whether a reply is an event stream that succeeded."""
    kind = reply.header("content-type") or ""
    return reply.status == 200 and kind.startswith("text/event-stream")


def blocks_of(reply: Reply) -> list[tuple[float, bytes]]:
    """The blocks of a clean stream, each with the time at which its last byte came."""
    found, buffer = [], b""
    for piece in reply.pieces:
        *whole, buffer = (buffer + piece.data).split(END)
        found += [(piece.at, block) for block in whole]
    return found


def _from_blocks(reply: Reply, old: list[tuple[float, bytes]], new: list[bytes]) -> Reply:
    if [block for _, block in old] == new or not old:
        return reply
    times = [at for at, _ in old]
    pieces = (Piece(times[min(n, len(times) - 1)], block + END) for n, block in enumerate(new))
    return replace(reply, pieces=tuple(pieces))


def _change_blocks(change: Changes, reply: Reply) -> Reply:
    if not is_stream(reply):
        return reply
    old = blocks_of(reply)
    return _from_blocks(reply, old, list(change([block for _, block in old])))


def _change_chunks(change: Changes, reply: Reply) -> Reply:
    def blocks(old: list[bytes]) -> Iterable[bytes]:
        values = [json.loads(block.removeprefix(b"data: ")) for block in old if block != DONE]
        for value in change(values):
            yield b"data: " + compact(value)
        yield from (block for block in old if block == DONE)

    if not is_stream(reply):
        return reply
    old = blocks_of(reply)
    clean = [
        b"data: " + compact(json.loads(b.removeprefix(b"data: "))) if b != DONE else b
        for _, b in old
    ]
    new = list(blocks([block for _, block in old]))
    return reply if new == clean else _from_blocks(reply, old, new)


def compact(value: Any) -> bytes:
    """JSON without blanks, in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _change_body(change: Changes, reply: Reply) -> Reply:
    value = _json(reply.body)
    if reply.status != 200 or value is None or is_stream(reply):
        return reply
    changed = change(json.loads(reply.body))
    return reply if changed is None or changed == value else with_body(reply, compact(changed))


def _change_data(change: Changes, reply: Reply) -> Reply:
    changed = change(reply.body) if reply.status == 200 else None
    return reply if changed is None else with_body(reply, changed)


def _change_reply(change: Changes, reply: Reply) -> Reply:
    changed = change(reply)
    return reply if changed is None else changed


_FORMS: Mapping[str, Callable[[Changes, Reply], Reply]] = MappingProxyType(
    {
        "blocks": _change_blocks,
        "chunks": _change_chunks,
        "body": _change_body,
        "data": _change_data,
        "reply": _change_reply,
    }
)
