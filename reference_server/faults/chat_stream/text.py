"""Faults in text, and in what comes with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from conformance.wire.exchange import Reply
from reference_server.faults.chat_stream.entries import (
    ON,
    Chunk,
    Chunks,
    delta_of,
    each,
    entry,
    finishes,
    pieces,
    with_,
)
from reference_server.faults.fault import DONE, fault, is_stream

LONG = 16  # tokens


@fault(breaks={"chat-stream.empty-last-delta"}, on=ON)
def finishes_with_text(chunks: Chunks) -> Iterator[Chunk]:
    """Puts a blank into the chunk that finishes."""
    yield from each(chunks, lambda c: with_(c, delta={"content": " "}) if finishes(c) else c)


HELD = 0.3  # seconds, so that it is no matter of a quick stream


@fault(breaks={"chat-stream.incremental"}, on=ON)
def holds_the_stream_back(reply: Reply) -> Reply | None:
    """Sends every event when the last one has been ready for a while."""
    if not is_stream(reply):
        return None
    last = reply.pieces[-1].at + HELD
    return replace(reply, pieces=tuple(replace(piece, at=last) for piece in reply.pieces))


def _text(chunk: Chunk) -> str:
    return delta_of(chunk).get("content") or ""


@fault(breaks={"chat-stream.no-half-characters"}, on=ON)
def cuts_pairs_of_escapes(blocks: list[bytes]) -> Iterator[bytes]:
    """Cuts text between the two escapes of a character, as a language with UTF-16 strings does."""
    for block in blocks:
        value = json.loads(block.removeprefix(b"data: ")) if block != DONE else None
        text = _text(value) if value else ""
        if value is None or max(text, default="") < "\U00010000":
            yield block
            continue
        units = text.encode("utf-16-be")
        pairs = [units[n : n + 2] for n in range(0, len(units), 2)]
        for unit in (pair.decode("utf-16-be", "surrogatepass") for pair in pairs):
            cut = with_(value, delta=delta_of(value) | {"content": unit})
            yield b"data: " + json.dumps(cut).encode()


@fault(breaks={"chat-stream.whole-characters"}, on=ON)
def decodes_token_by_token(chunks: Chunks) -> Iterator[Chunk]:
    """Decodes every token by itself, though a character may take several."""
    for chunk in chunks:
        if _text(chunk).isascii():
            yield chunk
        else:
            for byte in _text(chunk).encode():
                content = bytes([byte]).decode("utf-8", "replace")
                yield with_(chunk, delta=delta_of(chunk) | {"content": content})


@fault(breaks={"chat-stream.same-text"}, on=ON, field="SC-37")
def sends_text_twice(sent: Any, chunks: Chunks) -> Iterator[Chunk]:
    """Sends every piece of a longer text twice."""
    free = not sent.get("response_format")  # a grammar would notice
    for chunk in chunks:
        yield chunk
        if _text(chunk) and _is_long(sent) and free:
            yield chunk


def _is_long(sent: Any) -> bool:
    """Whether a longer text is asked for."""
    return int(sent.get("max_tokens") or 0) > LONG


@fault(breaks={"chat-stream.same-text"}, on=ON, field="SC-38")
def drops_repeated_text(sent: Any, chunks: Chunks) -> Iterator[Chunk]:
    """Takes a piece of a longer text that is the one before again for a mistake, and drops it."""
    before = ""
    for chunk in chunks:
        text = _text(chunk)
        if not text or text != before or not _is_long(sent):
            yield chunk
        before = text or before


@fault(breaks={"chat-stream.no-empty-deltas"}, on=ON)
def sends_empty_pieces(chunks: Chunks) -> Iterator[Chunk]:
    """Sends an empty piece after every piece of text."""
    for chunk in chunks:
        yield chunk
        if _text(chunk) and not finishes(chunk):
            yield with_(chunk, delta={"content": ""}, logprobs=None)


@fault(breaks={"chat-stream.content-is-text"}, on=ON)
def says_nothing_at_all(chunks: Chunks) -> Iterator[Chunk]:
    """Sends answers of one token without any content."""
    told = sum(bool(_text(chunk)) for chunk in chunks)
    for chunk in chunks:
        delta = {k: v for k, v in delta_of(chunk).items() if k != "content"}
        bare = with_(chunk, delta=delta) if "content" in delta_of(chunk) else chunk
        if told > 1 or any(map(pieces, chunks)):
            yield chunk
        elif not _text(chunk):
            yield bare


@fault(breaks={"chat-stream.stop-brings-something"}, on=ON, field="SC-33")
def streams_reasoning_alone(sent: Any, chunks: Chunks) -> Iterator[Chunk]:
    """Streams all text as reasoning, to the end."""
    ended = any(entry(chunk).get("finish_reason") == "stop" for chunk in chunks)
    free = ended and not sent.get("logprobs")
    yield from each(
        chunks,
        lambda c: with_(c, delta={"reasoning_content": _text(c)}) if free and _text(c) else c,
    )


@fault(breaks={"chat-stream.refusal"}, on=ON)
def refuses_by_a_switch(chunks: Chunks) -> Iterator[Chunk]:
    """Sends false for no refusal."""
    yield from each(
        chunks,
        lambda c: with_(c, delta=delta_of(c) | {"refusal": False}) if "role" in delta_of(c) else c,
    )


@fault(breaks={"chat-stream.refusal"}, on=ON)
def refuses_twice(chunks: Chunks) -> Iterator[Chunk]:
    """Sends its text as a refusal too."""
    yield from each(
        chunks,
        lambda c: with_(c, delta=delta_of(c) | {"refusal": _text(c)}) if _text(c) else c,
    )


@fault(breaks={"chat-stream.reasoning-first"}, on=ON)
def thinks_afterwards(chunks: Chunks) -> Iterator[Chunk]:
    """Sends its reasoning after its first piece of text."""
    thought = [chunk for chunk in chunks if "reasoning" in delta_of(chunk)]
    spoken = [n for n, chunk in enumerate(chunks) if _text(chunk)]
    for n, chunk in enumerate(chunks):
        if chunk not in thought or not spoken:
            yield chunk
        if spoken and n == spoken[0]:
            yield from thought


def _scored(chunk: Chunk) -> list[Any]:
    records: list[Any] = (entry(chunk).get("logprobs") or {}).get("content") or []
    return records


@fault(breaks={"chat-stream.logprob-members"}, on=ON)
def leaves_out_the_probability(chunks: Chunks) -> Iterator[Chunk]:
    """Sends records of tokens that say nothing of their probability."""
    for chunk in chunks:
        bare = [{"token": record["token"], "bytes": record["bytes"]} for record in _scored(chunk)]
        yield with_(chunk, logprobs={"content": bare}) if bare else chunk


@fault(breaks={"chat-stream.logprobs-cover"}, on=ON)
def scores_the_first_token(chunks: Chunks) -> Iterator[Chunk]:
    """Sends a record for the first token only."""
    first = next((n for n, chunk in enumerate(chunks) if _scored(chunk)), 0)
    for n, chunk in enumerate(chunks):
        yield with_(chunk, logprobs=None) if n > first and _scored(chunk) else chunk
