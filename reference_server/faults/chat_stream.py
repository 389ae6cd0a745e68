"""Faults of the stream of chat completion chunks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from conformance.wire.exchange import Reply
from reference_server.faults.fault import DONE, compact, fault, is_stream

ON = "chat-stream"
Chunk = dict[str, Any]
Chunks = list[Chunk]


def _entry(chunk: Chunk) -> dict[str, Any]:
    """The first choice of a chunk; nothing where it has none."""
    entries = chunk["choices"]
    return entries[0] if entries else {}


def _delta(chunk: Chunk) -> dict[str, Any]:
    delta: dict[str, Any] = _entry(chunk).get("delta", {})
    return delta


def _finishes(chunk: Chunk) -> bool:
    return _entry(chunk).get("finish_reason") is not None


def _with(chunk: Chunk, **members: Any) -> Chunk:
    """A chunk whose first choice has other members."""
    return chunk | {"choices": [_entry(chunk) | members, *chunk["choices"][1:]]}


def _each(chunks: Chunks, change: Callable[[Chunk], Chunk]) -> Iterator[Chunk]:
    yield from (change(chunk) if chunk["choices"] else chunk for chunk in chunks)


def _asks_usage(sent: Any) -> bool:
    options = sent.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


@fault(breaks={"chat-stream.json-events"}, on=ON, field="SF-03")
def forgets_a_blank_line(blocks: list[bytes]) -> Iterator[bytes]:
    """Leaves out the empty line between the first two events."""
    yield b"\n".join(blocks[:2])
    yield from blocks[2:]


@fault(breaks={"chat-stream.json-events"}, on=ON)
def quotes_done(blocks: list[bytes]) -> Iterator[bytes]:
    """Sends [DONE] as a JSON string."""
    yield from (b'data: "[DONE]"' if block == DONE else block for block in blocks)


@fault(breaks={"chat-stream.chunk-members"}, on=ON, field="SC-15")
def forgets_choices_of_usage(chunks: Chunks) -> Iterator[Chunk]:
    """Leaves `choices` out of the chunk that brings usage."""
    for chunk in chunks:
        yield chunk if chunk["choices"] else {k: v for k, v in chunk.items() if k != "choices"}


@fault(breaks={"chat-stream.chunk-members"}, on=ON)
def forgets_created(chunks: Chunks) -> Iterator[Chunk]:
    """Leaves `created` out of every chunk."""
    yield from ({k: v for k, v in chunk.items() if k != "created"} for chunk in chunks)


@fault(breaks={"chat-stream.object"}, on=ON, field="SC-26")
def says_chat_completion(chunks: Chunks) -> Iterator[Chunk]:
    """Calls its chunks chat.completion."""
    yield from (chunk | {"object": "chat.completion"} for chunk in chunks)


@fault(breaks={"chat-stream.id-not-empty"}, on=ON)
def sends_empty_ids(chunks: Chunks) -> Iterator[Chunk]:
    """Sends an empty id in every chunk."""
    yield from (chunk | {"id": ""} for chunk in chunks)


@fault(breaks={"chat-stream.one-id"}, on=ON)
def changes_id(chunks: Chunks) -> Iterator[Chunk]:
    """Makes a new id for every chunk."""
    yield from (chunk | {"id": f"chatcmpl-{n}"} for n, chunk in enumerate(chunks))


@fault(breaks={"chat-stream.one-created"}, on=ON, field="SC-02")
def reads_the_clock_again(chunks: Chunks) -> Iterator[Chunk]:
    """Stamps every chunk with a time of its own."""
    yield from (chunk | {"created": chunk["created"] + n} for n, chunk in enumerate(chunks))


@fault(breaks={"chat-stream.one-model"}, on=ON)
def forgets_the_model(chunks: Chunks) -> Iterator[Chunk]:
    """Names the last chunks after the file of the model."""
    for n, chunk in enumerate(chunks):
        yield chunk | {"model": "weights.gguf"} if n else chunk


@fault(breaks={"chat-stream.choice-members"}, on=ON, field="SO-03")
def forgets_the_last_delta(chunks: Chunks) -> Iterator[Chunk]:
    """Leaves `delta` out of the chunk that finishes."""
    for chunk in chunks:
        if _finishes(chunk):
            kept = {k: v for k, v in _entry(chunk).items() if k != "delta"}
            yield chunk | {"choices": [kept]}
        else:
            yield chunk


@fault(breaks={"chat-stream.choice-members"}, on=ON)
def counts_choices_from_minus_one(chunks: Chunks) -> Iterator[Chunk]:
    """Gives every choice the index -1."""
    yield from _each(chunks, lambda chunk: _with(chunk, index=-1))


@fault(breaks={"chat-stream.finish-reason-known"}, on=ON, field="SC-01")
def sends_empty_reasons(chunks: Chunks) -> Iterator[Chunk]:
    """Sends the empty string for a reason that is not there yet."""
    yield from _each(chunks, lambda c: c if _finishes(c) else _with(c, finish_reason=""))


@fault(breaks={"chat-stream.finish-reason-known"}, on=ON, field="SC-08")
def finishes_with_eos(chunks: Chunks) -> Iterator[Chunk]:
    """Finishes with the name of the engine's own reason."""
    yield from _each(chunks, lambda c: _with(c, finish_reason="eos") if _finishes(c) else c)


@fault(breaks={"chat-stream.role-known"}, on=ON)
def speaks_as_user(chunks: Chunks) -> Iterator[Chunk]:
    """Opens its answers with the role of the user."""
    yield from _each(
        chunks, lambda c: _with(c, delta=_delta(c) | {"role": "user"}) if "role" in _delta(c) else c
    )


@fault(breaks={"chat-stream.role-first"}, on=ON, field="SO-02")
def never_says_the_role(chunks: Chunks) -> Iterator[Chunk]:
    """Leaves the role out."""
    for chunk in chunks:
        delta = {k: v for k, v in _delta(chunk).items() if k != "role"}
        yield _with(chunk, delta=delta) if "role" in _delta(chunk) else chunk


@fault(breaks={"chat-stream.role-once"}, on=ON, field="SO-01")
def repeats_the_role(chunks: Chunks) -> Iterator[Chunk]:
    """Says the role in every delta."""
    yield from _each(
        chunks,
        lambda c: c if _finishes(c) else _with(c, delta={"role": "assistant"} | _delta(c)),
    )


@fault(breaks={"chat-stream.one-finish"}, on=ON, field="SO-05")
def finishes_twice(chunks: Chunks) -> Iterator[Chunk]:
    """Sends the chunk that finishes a choice twice."""
    for chunk in chunks:
        yield chunk
        if _finishes(chunk):
            yield chunk


@fault(breaks={"chat-stream.silent-after-finish"}, on=ON)
def speaks_after_finish(chunks: Chunks) -> Iterator[Chunk]:
    """Sends a last blank after the reason."""
    for chunk in chunks:
        yield chunk
        if _finishes(chunk):
            yield _with(chunk, delta={"content": " "}, finish_reason=None)


@fault(breaks={"chat-stream.some-chunk"}, on=ON)
def says_only_done(blocks: list[bytes]) -> Iterator[bytes]:
    """Streams nothing but the end mark."""
    yield from (block for block in blocks if block == DONE)


@fault(breaks={"chat-stream.finishes"}, on=ON)
def never_finishes(chunks: Chunks) -> Iterator[Chunk]:
    """Leaves out the chunk that finishes."""
    yield from (chunk for chunk in chunks if not _finishes(chunk))


@fault(breaks={"chat-stream.no-silent-end"}, on=ON, field="ER-05")
def ends_in_silence(blocks: list[bytes]) -> Iterator[bytes]:
    """Ends the stream properly, but before the choice has finished."""
    yield from itertools.takewhile(lambda block: b'"finish_reason":null' in block, blocks)


@fault(breaks={"chat-stream.done"}, on=ON, field="SF-01")
def forgets_done(blocks: list[bytes]) -> Iterator[bytes]:
    """Leaves [DONE] out."""
    yield from (block for block in blocks if block != DONE)


@fault(breaks={"chat-stream.nothing-after-done"}, on=ON, field="SF-04")
def says_done_twice(blocks: list[bytes]) -> Iterator[bytes]:
    """Sends [DONE] twice."""
    yield from (*blocks, DONE)


@fault(breaks={"chat-stream.nothing-after-usage"}, on=ON)
def goes_on_after_usage(sent: Any, chunks: Chunks) -> Iterator[Chunk]:
    """Sends an empty chunk after the one with usage."""
    yield from chunks
    if _asks_usage(sent):
        yield {k: v for k, v in chunks[-1].items() if k != "usage"} | {"choices": []}


@fault(breaks={"chat-stream.nothing-after-done"}, on=ON)
def goes_on_after_errors(blocks: list[bytes]) -> Iterator[bytes]:
    """Reports an error in mid-stream and goes on as if nothing had happened."""
    error = {"message": "one step failed", "type": "server_error", "param": None, "code": None}
    yield from blocks[:1]
    yield b"data: " + compact({"error": error})
    yield from blocks[1:]


@fault(breaks={"chat-stream.usage-when-asked"}, on=ON, field="US-01")
def ignores_include_usage(sent: Any, chunks: Chunks) -> Iterator[Chunk]:
    """Sends no usage to those who ask for it."""
    yield from (chunk for chunk in chunks if chunk["choices"])


@fault(breaks={"chat-stream.usage-members"}, on=ON)
def counts_below_zero(chunks: Chunks) -> Iterator[Chunk]:
    """Sends -1 for a number of tokens that it did not count."""
    for chunk in chunks:
        usage = chunk.get("usage")
        yield chunk | {"usage": usage | {"completion_tokens": -1}} if usage else chunk


@fault(breaks={"chat-stream.usage-adds-up"}, on=ON)
def forgets_the_prompt(chunks: Chunks) -> Iterator[Chunk]:
    """Leaves the prompt out of the total."""
    for chunk in chunks:
        usage = chunk.get("usage")
        total = {"total_tokens": usage["completion_tokens"]} if usage else {}
        yield chunk | {"usage": usage | total} if usage else chunk


@fault(breaks={"chat-stream.no-usage-unasked"}, on=ON)
def always_sends_usage(sent: Any, chunks: Chunks) -> Iterator[Chunk]:
    """Sends usage to those who did not ask."""
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    yield from chunks
    if not _asks_usage(sent):
        yield chunks[-1] | {"choices": [], "usage": usage}


@fault(breaks={"chat-stream.empty-last-delta"}, on=ON)
def finishes_with_text(chunks: Chunks) -> Iterator[Chunk]:
    """Puts a blank into the chunk that finishes."""
    yield from _each(chunks, lambda c: _with(c, delta={"content": " "}) if _finishes(c) else c)


@fault(breaks={"chat-stream.no-error-member"}, on=ON)
def sends_null_errors(chunks: Chunks) -> Iterator[Chunk]:
    """Sends `error: null` in every chunk."""
    yield from (chunk | {"error": None} for chunk in chunks)


@fault(breaks={"chat-stream.no-event-names"}, on=ON)
def names_its_events(blocks: list[bytes]) -> Iterator[bytes]:
    """Gives every event a name."""
    yield from (b"event: chat.completion.chunk\n" + block for block in blocks)


@fault(breaks={"chat-stream.incremental"}, on=ON)
def holds_the_stream_back(reply: Reply) -> Reply | None:
    """Sends every event when the last one is ready."""
    if not is_stream(reply):
        return None
    last = reply.pieces[-1].at
    return replace(reply, pieces=tuple(replace(piece, at=last) for piece in reply.pieces))


def _pieces(chunk: Chunk) -> list[dict[str, Any]]:
    pieces: list[dict[str, Any]] = _delta(chunk).get("tool_calls", [])
    return pieces


def _each_piece(
    chunks: Chunks, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> Iterator[Chunk]:
    """Every piece of a tool call changed."""
    for chunk in chunks:
        if _pieces(chunk):
            delta = _delta(chunk) | {"tool_calls": [change(piece) for piece in _pieces(chunk)]}
            yield _with(chunk, delta=delta)
        else:
            yield chunk


@fault(breaks={"chat-stream.tool-index"}, on=ON)
def forgets_tool_indexes(chunks: Chunks) -> Iterator[Chunk]:
    """Leaves `index` out of the pieces of tool calls."""
    yield from _each_piece(chunks, lambda p: {k: v for k, v in p.items() if k != "index"})


@fault(breaks={"chat-stream.tool-members"}, on=ON)
def sends_argument_objects(chunks: Chunks) -> Iterator[Chunk]:
    """Sends arguments as objects, not as text."""
    yield from _each_piece(chunks, lambda p: p | {"function": p["function"] | {"arguments": {}}})


@fault(breaks={"chat-stream.tool-opens"}, on=ON)
def calls_without_a_name(chunks: Chunks) -> Iterator[Chunk]:
    """Never says which tool it calls."""

    def change(piece: dict[str, Any]) -> dict[str, Any]:
        arguments = piece["function"]["arguments"]
        return {"index": piece["index"], "function": {"arguments": arguments}}

    yield from _each_piece(chunks, change)


@fault(breaks={"chat-stream.tool-opens-once"}, on=ON, field="TC-09")
def repeats_call_ids(chunks: Chunks) -> Iterator[Chunk]:
    """Repeats id and name in every piece of a call."""
    opened: dict[str, Any] = {}

    def change(piece: dict[str, Any]) -> dict[str, Any]:
        opened.update({k: v for k, v in piece.items() if k == "id"})
        opened.setdefault("name", piece["function"].get("name"))
        function = piece["function"] | {"name": opened["name"]}
        return piece | {"id": opened["id"], "function": function}

    yield from _each_piece(chunks, change)


@fault(breaks={"chat-stream.tool-index-unshared"}, on=ON, field="TC-22")
def renames_calls(chunks: Chunks) -> Iterator[Chunk]:
    """Makes a new id for every piece of a call."""
    numbers = iter(range(len(chunks)))
    yield from _each_piece(chunks, lambda piece: piece | {"id": f"call_{next(numbers)}"})


@fault(breaks={"chat-stream.tool-arguments-json"}, on=ON)
def loses_the_last_argument(chunks: Chunks) -> Iterator[Chunk]:
    """Loses the last piece of the arguments."""
    last = max((n for n, chunk in enumerate(chunks) if _pieces(chunk)), default=None)
    yield from (chunk for n, chunk in enumerate(chunks) if n != last or not _loses(chunk))


def _loses(chunk: Chunk) -> bool:
    return all(piece["function"]["arguments"] for piece in _pieces(chunk))


@fault(breaks={"chat-stream.tool-finish"}, on=ON)
def stops_after_tools(chunks: Chunks) -> Iterator[Chunk]:
    """Finishes with stop after a tool call."""
    called = any(_pieces(chunk) for chunk in chunks)
    yield from _each(
        chunks, lambda c: _with(c, finish_reason="stop") if called and _finishes(c) else c
    )
