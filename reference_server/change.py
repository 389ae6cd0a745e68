"""Changes: what faults and variants have in common, pure functions of a clean reply.

What such a function is given follows from the name of its last parameter:

    chunks   the JSON objects of an event stream, in a list; yields objects
    blocks   the blocks of an event stream as bytes without their empty line; yields such blocks
    body     the JSON value of a plain answer; returns the changed one
    data     the bytes of the body; returns bytes
    reply    the whole `Reply`; returns a `Reply`

A first parameter `sent` gets the JSON value of the request body, `request` the whole `Request`.
Only successes are changed, unless the function takes the whole reply. Returning None, or yielding
nothing new, leaves the reply as it is.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, TypeVar

from conformance.wire.exchange import Piece, Reply, Request

END = b"\n\n"
DONE = b"data: [DONE]"
HEAD = "head"  # stands for the surface of what has no body
BROKEN = "x-broken"  # a header that asks for the connection to be broken after the last piece
Function = Callable[..., Any]


@dataclass(frozen=True)
class Change:
    """A change of the replies on some surfaces, with a name and a sentence that says what it does;
    without a function it is a switch of the server.
    """

    id: str
    on: tuple[str, ...]
    text: str
    change: Function | None

    def apply(self, request: Request, reply: Reply) -> Reply:
        """The changed reply; the same one where there is nothing to change."""
        where = {HEAD} if request.method == "HEAD" else {surface(request), "*"}
        if self.change is None or not where & set(self.on):
            return reply
        change = self.change
        if self._parameters[0] == "sent":
            change = partial(change, json_of(request.body))
        elif self._parameters[0] == "request":
            change = partial(change, request)
        return _FORMS[self._parameters[-1]](change, reply)

    @cached_property
    def _parameters(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.change).parameters) if self.change else ()


Kind = TypeVar("Kind", bound=Change)


def add(table: dict[str, Kind], change: Kind) -> None:
    """Put a change into its table."""
    if change.id in table:
        raise ValueError(f"two changes are called {change.id}")
    table[change.id] = change


def named(module: str, name: str) -> str:
    """The id of a change, from the name of its function and its module, or folder of themes."""
    return f"{module.split('.')[2]}.{name}".replace("_", "-")


def summary(text: str | None) -> str:
    """The first line of a docstring."""
    return (text or "").strip().partition("\n")[0]


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
    sent = json_of(request.body)
    return streamed if isinstance(sent, dict) and sent.get("stream") is True else plain


def json_of(data: bytes | None) -> Any:
    """The JSON value of a body; None where it is none."""
    try:
        return json.loads(data or b"")
    except (ValueError, RecursionError):
        return None


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


def _change_blocks(change: Function, reply: Reply) -> Reply:
    if not is_stream(reply):
        return reply
    old = blocks_of(reply)
    return _from_blocks(reply, old, list(change([block for _, block in old])))


def value_of(block: bytes) -> Any:
    """The JSON value of a block of a clean stream."""
    return json.loads(block.partition(b"data: ")[2])


def block_of(value: Any) -> bytes:
    """The block of an event, with its type for a name where it has one."""
    type_ = value.get("type") if isinstance(value, dict) else None
    name = f"event: {type_}\n" if isinstance(type_, str) else ""
    return name.encode() + b"data: " + compact(value)


def _change_chunks(change: Function, reply: Reply) -> Reply:
    def blocks(old: list[bytes]) -> Iterable[bytes]:
        for value in change([value_of(block) for block in old if block != DONE]):
            yield block_of(value)
        yield from (block for block in old if block == DONE)

    if not is_stream(reply):
        return reply
    old = blocks_of(reply)
    clean = [block if block == DONE else block_of(value_of(block)) for _, block in old]
    new = list(blocks([block for _, block in old]))
    return reply if new == clean else _from_blocks(reply, old, new)


def compact(value: Any) -> bytes:
    """JSON without blanks, in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _change_body(change: Function, reply: Reply) -> Reply:
    value = json_of(reply.body)
    if reply.status != 200 or value is None or is_stream(reply):
        return reply
    changed = change(json.loads(reply.body))
    return reply if changed is None or changed == value else reply.with_body(compact(changed))


def _change_data(change: Function, reply: Reply) -> Reply:
    changed = change(reply.body) if reply.status == 200 else None
    return reply if changed is None else reply.with_body(changed)


def _change_reply(change: Function, reply: Reply) -> Reply:
    changed = change(reply)
    return reply if changed is None else changed


_FORMS: Mapping[str, Callable[[Function, Reply], Reply]] = MappingProxyType(
    {
        "blocks": _change_blocks,
        "chunks": _change_chunks,
        "body": _change_body,
        "data": _change_data,
        "reply": _change_reply,
    }
)
