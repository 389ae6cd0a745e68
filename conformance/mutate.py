"""Mutants: recorded replies with one thing wrong, at random: in the JSON, the events or the bytes.

A mutant is told by the mutation, the level and the place, in which items of lists have `*` for
their number, so that mutants of one kind can be counted together.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from conformance.reduce import Path, at, put
from conformance.wire.exchange import Piece, Reply

END = b"\n\n"
Shuffle = random.Random
OTHERS: tuple[Any, ...] = ("7", 7, True, None, [], {})  # a value of each type


@dataclass(frozen=True)
class Mutant:
    """A changed reply, and what was done to it."""

    mutation: str
    level: str
    place: str
    reply: Reply


class Nothing(Exception):
    """There is nothing that could be mutated in this way."""


# ------------------------------------------------------------------------------------------- JSON


def _places(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    for key, inner in _entries(value):
        yield from _places(inner, (*path, key))


def _entries(value: Any) -> list[tuple[str | int, Any]]:
    match value:
        case dict():
            return list(value.items())
        case list():
            return list(enumerate(value))
        case _:
            return []


def _pick(value: Any, draw: Shuffle, wanted: Callable[[Any], bool]) -> Path:
    found = [path for path in _places(value) if path and wanted(at(value, path))]
    if not found:
        raise Nothing
    return draw.choice(found)


def _within(value: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """The value with the container around a path changed."""
    return put(value, path[:-1], change(at(value, path[:-1])))


def _drop(value: Any, draw: Shuffle) -> tuple[Path, Any]:
    path = _pick(value, draw, lambda _: True)
    last = path[-1]

    def without(container: Any) -> Any:
        if isinstance(container, dict):
            return {name: each for name, each in container.items() if name != last}
        return [each for n, each in enumerate(container) if n != last]

    return path, _within(value, path, without)


def _duplicate(value: Any, draw: Shuffle) -> tuple[Path, Any]:
    path = _pick(value, draw, lambda each: isinstance(each, list) and bool(each))
    items = at(value, path)
    n = draw.randrange(len(items))
    return path, put(value, path, [*items[:n], items[n], *items[n:]])


def _swap(value: Any, draw: Shuffle) -> tuple[Path, Any]:
    path = _pick(value, draw, lambda each: isinstance(each, list) and len(each) > 1)
    items = list(at(value, path))
    n = draw.randrange(len(items) - 1)
    items[n], items[n + 1] = items[n + 1], items[n]
    return path, put(value, path, items)


def _retype(value: Any, draw: Shuffle) -> tuple[Path, Any]:
    path = _pick(value, draw, lambda _: True)
    old = at(value, path)
    others = [each for each in OTHERS if type(each) is not type(old)]
    return path, put(value, path, draw.choice(others))


def _truncate(value: Any, draw: Shuffle) -> tuple[Path, Any]:
    path = _pick(value, draw, lambda each: isinstance(each, str | list) and bool(each))
    return path, put(value, path, at(value, path)[:-1])


def _rename(value: Any, draw: Shuffle) -> tuple[Path, Any]:
    path = _pick(value, draw, lambda _: True)
    if not isinstance(path[-1], str):
        raise Nothing

    def renamed(container: Any) -> Any:
        return {f"{n}_" if n == path[-1] else n: each for n, each in container.items()}

    return path, _within(value, path, renamed)


def _number(value: Any, draw: Shuffle) -> tuple[Path, Any]:
    path = _pick(value, draw, lambda each: type(each) in (int, float))
    old = at(value, path)
    return path, put(value, path, draw.choice([old + 1, -1 - old, old * 1000 + 7]))


Json = Callable[[Any, Shuffle], tuple[Path, Any]]
JSON: Mapping[str, Json] = MappingProxyType(
    {
        "drop": _drop,
        "duplicate": _duplicate,
        "swap": _swap,
        "retype": _retype,
        "truncate": _truncate,
        "rename": _rename,
        "number": _number,
    }
)


def _shown(path: Path) -> str:
    return "".join("/*" if isinstance(key, int) else f"/{key}" for key in path)


# ----------------------------------------------------------------------------------------- events


def _drop_event(blocks: list[bytes], draw: Shuffle) -> list[bytes]:
    n = draw.randrange(len(blocks))
    return blocks[:n] + blocks[n + 1 :]


def _duplicate_event(blocks: list[bytes], draw: Shuffle) -> list[bytes]:
    n = draw.randrange(len(blocks))
    return [*blocks[:n], blocks[n], *blocks[n:]]


def _swap_events(blocks: list[bytes], draw: Shuffle) -> list[bytes]:
    if len(blocks) < 2:
        raise Nothing
    n = draw.randrange(len(blocks) - 1)
    return [*blocks[:n], blocks[n + 1], blocks[n], *blocks[n + 2 :]]


def _move_event(blocks: list[bytes], draw: Shuffle) -> list[bytes]:
    rest = list(blocks)
    moved = rest.pop(draw.randrange(len(rest)))
    rest.insert(draw.randrange(len(rest) + 1), moved)
    return rest


def _end_early(blocks: list[bytes], draw: Shuffle) -> list[bytes]:
    return blocks[: draw.randrange(len(blocks))]


Events = Callable[[list[bytes], Shuffle], list[bytes]]
EVENTS: Mapping[str, Events] = MappingProxyType(
    {
        "drop": _drop_event,
        "duplicate": _duplicate_event,
        "swap": _swap_events,
        "reorder": _move_event,
        "truncate": _end_early,
    }
)


# ------------------------------------------------------------------------------------------ bytes


def _cut(data: bytes, draw: Shuffle) -> bytes:
    return data[: draw.randrange(len(data))]


def _flip(data: bytes, draw: Shuffle) -> bytes:
    n = draw.randrange(len(data))
    return data[:n] + bytes([data[n] ^ 1 << draw.randrange(8)]) + data[n + 1 :]


def _lose(data: bytes, draw: Shuffle) -> bytes:
    n = draw.randrange(len(data))
    return data[:n] + data[n + 1 :]


def _stammer(data: bytes, draw: Shuffle) -> bytes:
    n = draw.randrange(len(data))
    return data[: n + 1] + data[n:]


Bytes = Callable[[bytes, Shuffle], bytes]
BYTES: Mapping[str, Bytes] = MappingProxyType(
    {"truncate": _cut, "retype": _flip, "drop": _lose, "duplicate": _stammer}
)


# ---------------------------------------------------------------------------------------- mutants


def mutant(reply: Reply, draw: Shuffle) -> Mutant:
    """A mutant of a reply with a body; raises `Nothing` where what was drawn does not apply."""
    streamed = (reply.header("content-type") or "").startswith("text/event-stream")
    level = draw.choice(["json", "json", "event", "bytes"] if streamed else ["json", "bytes"])
    if not reply.body:
        raise Nothing
    if level == "event":
        name = draw.choice(list(EVENTS))
        return Mutant(name, level, "", _of_blocks(reply, EVENTS[name](_blocks(reply), draw)))
    if level == "bytes":
        name = draw.choice(list(BYTES))
        changed = reply.with_body(BYTES[name](reply.body, draw))
        return Mutant(name, level, _differing(reply, changed, streamed=streamed), changed)
    name = draw.choice(list(JSON))
    if streamed:
        return _of_event(reply, name, draw)
    path, value = JSON[name](_json(reply.body), draw)
    return Mutant(name, level, _shown(path), reply.with_body(_dump(value)))


def _differing(old: Reply, new: Reply, *, streamed: bool) -> str:
    """The place of the JSON that differs; nothing where what was changed is no JSON any more."""
    pairs = [(old.body, new.body)]
    if streamed:
        both = zip(_blocks(old), _blocks(new), strict=False)
        pairs = [(a.rpartition(b"data: ")[2], b.rpartition(b"data: ")[2]) for a, b in both]
    a, b = next((pair for pair in pairs if pair[0] != pair[1]), (b"", b""))
    try:
        return _shown(_difference(_json(a), _json(b)))
    except Nothing:
        return ""


def _difference(a: Any, b: Any) -> Path:
    """The path of the first thing that differs."""
    if type(a) is type(b) and isinstance(a, dict | list):
        left, right = dict(_entries(a)), dict(_entries(b))
        for key, inner in left.items():
            if key in right and right[key] != inner:
                return (key, *_difference(inner, right[key]))
    return ()


def _of_event(reply: Reply, name: str, draw: Shuffle) -> Mutant:
    blocks = _blocks(reply)
    n = draw.randrange(len(blocks))
    head, mark, data = blocks[n].rpartition(b"data: ")
    path, value = JSON[name](_json(data), draw)
    blocks[n] = head + mark + _dump(value)
    return Mutant(name, "json", _shown(path), _of_blocks(reply, blocks))


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        raise Nothing from None


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _blocks(reply: Reply) -> list[bytes]:
    return [block for block in reply.body.split(END) if block]


def _of_blocks(reply: Reply, blocks: list[bytes]) -> Reply:
    times = [piece.at for piece in reply.pieces]
    pieces = (Piece(times[min(n, len(times) - 1)], block + END) for n, block in enumerate(blocks))
    return replace(reply, pieces=tuple(pieces))
