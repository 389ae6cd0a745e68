"""What the faults of chat streams have in common: ways into a chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

ON = "chat-stream"
Chunk = dict[str, Any]
Chunks = list[Chunk]


def entry(chunk: Chunk) -> dict[str, Any]:
    """The first choice of a chunk; nothing where it has none."""
    entries = chunk["choices"]
    return entries[0] if entries else {}


def delta_of(chunk: Chunk) -> dict[str, Any]:
    """The delta of the first choice."""
    delta: dict[str, Any] = entry(chunk).get("delta", {})
    return delta


def finishes(chunk: Chunk) -> bool:
    """Whether the first choice ends."""
    return entry(chunk).get("finish_reason") is not None


def with_(chunk: Chunk, **members: Any) -> Chunk:
    """A chunk whose first choice has other members."""
    return chunk | {"choices": [entry(chunk) | members, *chunk["choices"][1:]]}


def each(chunks: Chunks, change: Callable[[Chunk], Chunk]) -> Iterator[Chunk]:
    """Every chunk with a choice changed."""
    yield from (change(chunk) if chunk["choices"] else chunk for chunk in chunks)


def pieces(chunk: Chunk) -> list[dict[str, Any]]:
    """The pieces of tool calls of the first choice."""
    found: list[dict[str, Any]] = delta_of(chunk).get("tool_calls", [])
    return found


def each_piece(
    chunks: Chunks, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> Iterator[Chunk]:
    """Every piece of a tool call changed."""
    for chunk in chunks:
        if pieces(chunk):
            delta = delta_of(chunk) | {"tool_calls": [change(piece) for piece in pieces(chunk)]}
            yield with_(chunk, delta=delta)
        else:
            yield chunk
