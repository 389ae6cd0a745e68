"""Faults of the stream of completions; most are those of the chat stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from reference_server.faults import chat_stream  # noqa: F401  its faults are registered first
from reference_server.faults.chat_stream.entries import Chunk, Chunks, each, finishes, with_
from reference_server.faults.fault import FAULTS, also, compact, fault

ON = "completions-stream"
SAME = """
forgets-a-blank-line quotes-done forgets-choices-of-usage forgets-created sends-empty-ids
reads-the-clock-again forgets-the-model counts-choices-from-minus-one finishes-with-eos
changes-its-reason says-only-done forgets-done says-done-twice
goes-on-after-usage ignores-include-usage counts-as-it-goes
counts-nothing-yet sends-null-errors names-its-events holds-the-stream-back
"""
for _name in SAME.split():
    also(FAULTS[f"chat-stream.{_name}"], ON)


@fault(breaks={"completions-stream.object"}, on=ON, field="SC-10")
def says_chat_completion_chunk(chunks: Chunks) -> Iterator[Chunk]:
    """Calls its chunks chat.completion.chunk, and gives them ids of chat."""
    chat = {"object": "chat.completion.chunk"}
    yield from (chunk | chat | {"id": chunk["id"].replace("cmpl", "chatcmpl")} for chunk in chunks)


@fault(breaks={"completions-stream.choice-members"}, on=ON)
def forgets_the_last_text(chunks: Chunks) -> Iterator[Chunk]:
    """Leaves `text` out of the chunk that finishes."""
    for chunk in chunks:
        if finishes(chunk):
            kept = [{k: v for k, v in e.items() if k != "text"} for e in chunk["choices"]]
            yield chunk | {"choices": kept}
        else:
            yield chunk


@fault(breaks={"completions-stream.finish-reason-known"}, on=ON)
def sends_empty_reasons(chunks: Chunks) -> Iterator[Chunk]:
    """Sends the empty string for a reason that is not there yet."""
    yield from each(chunks, lambda c: c if finishes(c) else with_(c, finish_reason=""))


@fault(breaks={"completions-stream.silent-after-finish"}, on=ON)
def speaks_after_finish(chunks: Chunks) -> Iterator[Chunk]:
    """Sends a last blank after the reason."""
    for chunk in chunks:
        yield chunk
        if finishes(chunk):
            yield with_(chunk, text=" ", finish_reason=None)


@fault(breaks={"completions-stream.one-id"}, on=ON)
def changes_id(chunks: Chunks) -> Iterator[Chunk]:
    """Makes a new id for every chunk."""
    yield from (chunk | {"id": f"{chunk['id']}-{n}"} for n, chunk in enumerate(chunks))


@fault(breaks={"completions-stream.nothing-after-done"}, on=ON)
def goes_on_after_errors(blocks: list[bytes]) -> Iterator[bytes]:
    """Reports an error in mid-stream and goes on as if nothing had happened."""
    error = {"message": "one step failed", "type": "server_error", "param": None, "code": None}
    yield from blocks[:1]
    if len(blocks) > 2:
        yield b"data: " + compact({"error": error})
    yield from blocks[1:]


@fault(breaks={"completions-stream.finishes"}, on=ON)
def never_finishes(chunks: Chunks) -> Iterator[Chunk]:
    """Leaves out the chunk that finishes, unless it is the only one."""
    yield from (c for n, c in enumerate(chunks) if not finishes(c) or n == 0)


@fault(breaks={"completions-stream.no-usage-unasked"}, on=ON)
def always_sends_usage(sent: Any, chunks: Chunks) -> Iterator[Chunk]:
    """Sends usage to those who did not ask."""
    usage = {"prompt_tokens": 3, "completion_tokens": 0, "total_tokens": 3}
    yield from chunks
    if not (sent.get("stream_options") or {}).get("include_usage"):
        yield chunks[-1] | {"choices": [], "usage": usage}


@fault(breaks={"completions-stream.no-silent-end"}, on=ON, field="ER-21")
def fails_with_an_empty_chunk(sent: Any, blocks: list[bytes]) -> Iterator[bytes]:
    """Makes an empty chunk of an error, and ends the stream as if nothing had happened."""
    if len(blocks) < 4 or b'"finish_reason":"' in b"".join(blocks[:2]):
        yield from blocks
        return
    yield from blocks[:2]
    first = json.loads(blocks[0].removeprefix(b"data: "))
    entry = {"index": 0, "text": "", "finish_reason": None}
    yield b"data: " + compact(first | {"model": "", "choices": [entry]})


@fault(breaks={"completions-stream.no-failure"}, on=ON, field="RO-01")
def fails_with_two_choices(sent: Any, blocks: list[bytes]) -> Iterator[bytes]:
    """Fails in the middle of a stream where two choices are wanted with probabilities."""
    failing = sent.get("n", 1) > 1 and "logprobs" in sent
    told = {"message": "list index out of range", "type": "server_error"}
    failure = b"data: " + compact({"error": told | {"param": None, "code": None}})
    yield from (*blocks[:2], failure) if failing else blocks
