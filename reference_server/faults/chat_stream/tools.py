"""Faults in tool calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from reference_server.faults.chat_stream.entries import (
    ON,
    Chunk,
    Chunks,
    delta_of,
    each,
    each_piece,
    entry,
    finishes,
    pieces,
    with_,
)
from reference_server.faults.fault import fault


@fault(breaks={"chat-stream.tool-index"}, on=ON)
def forgets_tool_indexes(chunks: Chunks) -> Iterator[Chunk]:
    """Leaves `index` out of the pieces of tool calls."""
    yield from each_piece(chunks, lambda p: {k: v for k, v in p.items() if k != "index"})


@fault(breaks={"chat-stream.tool-members"}, on=ON, field="TC-18")
def sends_argument_objects(chunks: Chunks) -> Iterator[Chunk]:
    """Sends arguments as objects, not as text."""
    yield from each_piece(chunks, lambda p: p | {"function": p["function"] | {"arguments": {}}})


@fault(breaks={"chat-stream.tool-opens"}, on=ON)
def calls_without_a_name(chunks: Chunks) -> Iterator[Chunk]:
    """Never says which tool it calls."""

    def change(piece: dict[str, Any]) -> dict[str, Any]:
        arguments = piece["function"]["arguments"]
        return {"index": piece["index"], "function": {"arguments": arguments}}

    yield from each_piece(chunks, change)


@fault(breaks={"chat-stream.tool-opens-once"}, on=ON, field="TC-09")
def repeats_call_ids(chunks: Chunks) -> Iterator[Chunk]:
    """Repeats id and name in every piece of a call."""
    opened: dict[str, Any] = {}

    def change(piece: dict[str, Any]) -> dict[str, Any]:
        opened.update({k: v for k, v in piece.items() if k == "id"})
        opened.setdefault("name", piece["function"].get("name"))
        function = piece["function"] | {"name": opened["name"]}
        return piece | {"id": opened["id"], "function": function}

    yield from each_piece(chunks, change)


@fault(breaks={"chat-stream.tool-index-unshared"}, on=ON, field="TC-22")
def renames_calls(chunks: Chunks) -> Iterator[Chunk]:
    """Makes a new id for every piece of a call."""
    numbers = iter(range(len(chunks)))
    yield from each_piece(chunks, lambda piece: piece | {"id": f"call_{next(numbers)}"})


@fault(breaks={"chat-stream.tool-arguments-json"}, on=ON)
def loses_the_last_argument(chunks: Chunks) -> Iterator[Chunk]:
    """Loses the last piece of the arguments."""
    last = max((n for n, chunk in enumerate(chunks) if pieces(chunk)), default=None)
    yield from (chunk for n, chunk in enumerate(chunks) if n != last or not _loses(chunk))


def _loses(chunk: Chunk) -> bool:
    return all(piece["function"]["arguments"] for piece in pieces(chunk))


@fault(breaks={"chat-stream.tool-finish"}, on=ON)
def stops_after_tools(chunks: Chunks) -> Iterator[Chunk]:
    """Finishes with stop after a tool call."""
    called = any(pieces(chunk) for chunk in chunks)
    yield from each(
        chunks, lambda c: with_(c, finish_reason="stop") if called and finishes(c) else c
    )


@fault(breaks={"chat-stream.finish-reason-known"}, on=ON, field="SC-13")
def finishes_with_one_tool_call(chunks: Chunks) -> Iterator[Chunk]:
    """Finishes with tool_call, in the singular."""
    yield from each(
        chunks,
        lambda c: (
            with_(c, finish_reason="tool_call")
            if entry(c).get("finish_reason") == "tool_calls"
            else c
        ),
    )


@fault(breaks={"chat-stream.tool-type"}, on=ON, field="TC-08")
def opens_calls_without_type(chunks: Chunks) -> Iterator[Chunk]:
    """Leaves `type` out of the pieces that open calls."""
    yield from each_piece(chunks, lambda p: {k: v for k, v in p.items() if k != "type"})


@fault(breaks={"chat-stream.tool-index-unshared"}, on=ON, field="TC-01")
def puts_all_calls_at_0(chunks: Chunks) -> Iterator[Chunk]:
    """Gives every call of an answer the index 0."""
    yield from each_piece(chunks, lambda piece: piece | {"index": 0})


@fault(breaks={"chat-stream.tool-order"}, on=ON)
def counts_calls_from_one(chunks: Chunks) -> Iterator[Chunk]:
    """Counts the calls of an answer from 1."""
    yield from each_piece(chunks, lambda piece: piece | {"index": piece["index"] + 1})


@fault(breaks={"chat-stream.tool-order"}, on=ON)
def counts_calls_by_two(chunks: Chunks) -> Iterator[Chunk]:
    """Leaves a gap between the indexes of two calls."""
    yield from each_piece(chunks, lambda piece: piece | {"index": 2 * piece["index"]})


@fault(breaks={"chat-stream.accumulates"}, on=ON)
def gives_all_calls_one_id(chunks: Chunks) -> Iterator[Chunk]:
    """Opens every call of an answer with the same id."""
    yield from each_piece(
        chunks, lambda piece: piece | {"id": "call_0"} if "id" in piece else piece
    )


@fault(breaks={"chat-stream.tool-arguments-json"}, on=ON, field="TC-05")
def hides_the_limit(chunks: Chunks) -> Iterator[Chunk]:
    """Finishes with tool_calls where the limit cut the arguments."""
    called = any(map(pieces, chunks))
    yield from each(
        chunks, lambda c: with_(c, finish_reason="tool_calls") if called and finishes(c) else c
    )


def _first_arguments(chunks: Chunks, change: Callable[[str], str]) -> Iterator[Chunk]:
    """The arguments of each call changed as one text, and sent in its first piece."""
    whole: dict[tuple[int, int], str] = {}
    keys = [(entry(c)["index"], p) for c in chunks if c["choices"] for p in pieces(c)]
    for index, piece in keys:
        key = (index, piece["index"])
        whole[key] = whole.get(key, "") + piece["function"].get("arguments", "")
    for chunk in chunks:
        changed = []
        for piece in pieces(chunk):
            text = whole.pop((entry(chunk)["index"], piece["index"]), None)
            arguments = "" if text is None else change(text)
            changed.append(piece | {"function": piece["function"] | {"arguments": arguments}})
        yield with_(chunk, delta=delta_of(chunk) | {"tool_calls": changed}) if changed else chunk


@fault(breaks={"chat-stream.tool-arguments-json"}, on=ON, field="TC-27")
def leaves_the_name_of_the_format(chunks: Chunks) -> Iterator[Chunk]:
    """Sends what the model wrote in front of the arguments with them."""
    yield from _first_arguments(chunks, lambda text: "json\n" + text)


@fault(breaks={"chat-stream.tool-arguments-object"}, on=ON, field="TC-30")
def encodes_arguments_twice(chunks: Chunks) -> Iterator[Chunk]:
    """Sends the arguments as a string of JSON in a string of JSON."""
    yield from _first_arguments(chunks, json.dumps)


@fault(breaks={"chat-stream.same-calls"}, on=ON, field="TC-19")
def streams_no_calls(chunks: Chunks) -> Iterator[Chunk]:
    """Streams nothing where it calls tools, and finishes with stop."""
    for chunk in chunks:
        called = entry(chunk).get("finish_reason") == "tool_calls"
        if not pieces(chunk):
            yield with_(chunk, finish_reason="stop") if called else chunk


@fault(breaks={"chat-stream.same-calls"}, on=ON, field="TC-20")
def streams_the_first_call(chunks: Chunks) -> Iterator[Chunk]:
    """Streams the first tool call alone."""
    for chunk in chunks:
        if not any(piece["index"] for piece in pieces(chunk)):
            yield chunk
