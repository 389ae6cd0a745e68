"""Faults in the members of chunks, and in their order."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator

from reference_server.faults.chat_stream.entries import (
    ON,
    Chunk,
    Chunks,
    delta_of,
    each,
    entry,
    finishes,
    with_,
)
from reference_server.faults.fault import DONE, compact, fault


@fault(breaks={"chat-stream.json-events"}, on=ON, field="SF-03")
def forgets_a_blank_line(blocks: list[bytes]) -> Iterator[bytes]:
    """Leaves out the empty line between the first two events."""
    yield b"\n".join(blocks[:2])
    yield from blocks[2:]


@fault(breaks={"chat-stream.json-events"}, on=ON)
def quotes_done(blocks: list[bytes]) -> Iterator[bytes]:
    """Sends [DONE] as a JSON string."""
    yield from (b'data: "[DONE]"' if block == DONE else block for block in blocks)


@fault(breaks={"chat-stream.json-events"}, on=ON, field="SF-06")
def sends_pings_as_data(blocks: list[bytes]) -> Iterator[bytes]:
    """Sends heartbeats whose data is a comment."""
    for block in blocks:
        yield b"data: : PROCESSING"
        yield block


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


@fault(breaks={"chat-stream.created-in-seconds"}, on=ON, field="SC-28")
def counts_milliseconds(chunks: Chunks) -> Iterator[Chunk]:
    """Sends `created` in milliseconds."""
    yield from (chunk | {"created": chunk["created"] * 1000} for chunk in chunks)


@fault(breaks={"chat-stream.unique-ids"}, on=ON, field="SC-35")
def draws_three_digits(chunks: Chunks) -> Iterator[Chunk]:
    """Draws its ids from few values of three digits."""
    digits = 100 + zlib.crc32(chunks[0]["id"].encode()) % 7
    yield from (chunk | {"id": f"chatcmpl-{digits}"} for chunk in chunks)


@fault(breaks={"chat-stream.one-fingerprint"}, on=ON)
def changes_its_fingerprint(chunks: Chunks) -> Iterator[Chunk]:
    """Sends another fingerprint with the last chunk."""
    yield from chunks[:-1]
    yield chunks[-1] | {"system_fingerprint": "fp_other"}


@fault(breaks={"chat-stream.one-fingerprint"}, on=ON)
def changes_its_tier(chunks: Chunks) -> Iterator[Chunk]:
    """Names the service tier that was asked for, and then the one that it got."""
    yield chunks[0] | {"service_tier": "auto"}
    yield from (chunk | {"service_tier": "default"} for chunk in chunks[1:])


@fault(breaks={"chat-stream.one-model"}, on=ON)
def forgets_the_model(chunks: Chunks) -> Iterator[Chunk]:
    """Names the last chunks after the file of the model."""
    for n, chunk in enumerate(chunks):
        yield chunk | {"model": "weights.gguf"} if n else chunk


@fault(breaks={"chat-stream.choice-members"}, on=ON, field="SO-03")
def forgets_the_last_delta(chunks: Chunks) -> Iterator[Chunk]:
    """Leaves `delta` out of the chunk that finishes."""
    for chunk in chunks:
        if finishes(chunk):
            kept = {k: v for k, v in entry(chunk).items() if k != "delta"}
            yield chunk | {"choices": [kept]}
        else:
            yield chunk


@fault(breaks={"chat-stream.choice-members"}, on=ON)
def counts_choices_from_minus_one(chunks: Chunks) -> Iterator[Chunk]:
    """Gives every choice the index -1."""
    yield from each(chunks, lambda chunk: with_(chunk, index=-1))


@fault(breaks={"chat-stream.choice-order"}, on=ON)
def counts_choices_from_one(chunks: Chunks) -> Iterator[Chunk]:
    """Counts choices from 1."""
    yield from each(chunks, lambda chunk: with_(chunk, index=entry(chunk)["index"] + 1))


@fault(breaks={"chat-stream.choice-order"}, on=ON)
def opens_the_second_choice_first(chunks: Chunks) -> Iterator[Chunk]:
    """Opens the second choice before the first."""
    second = len(chunks) > 1 and entry(chunks[1]).get("index") == 1
    yield from (chunks[1], chunks[0], *chunks[2:]) if second else chunks


@fault(breaks={"chat-stream.finish-reason-known"}, on=ON, field="SC-01")
def sends_empty_reasons(chunks: Chunks) -> Iterator[Chunk]:
    """Sends the empty string for a reason that is not there yet."""
    yield from each(chunks, lambda c: c if finishes(c) else with_(c, finish_reason=""))


@fault(breaks={"chat-stream.finish-reason-known"}, on=ON, field="SC-08")
def finishes_with_eos(chunks: Chunks) -> Iterator[Chunk]:
    """Finishes with the name of the engine's own reason."""
    yield from each(chunks, lambda c: with_(c, finish_reason="eos") if finishes(c) else c)


@fault(breaks={"chat-stream.role-known"}, on=ON)
def speaks_as_user(chunks: Chunks) -> Iterator[Chunk]:
    """Opens its answers with the role of the user."""
    yield from each(
        chunks,
        lambda c: with_(c, delta=delta_of(c) | {"role": "user"}) if "role" in delta_of(c) else c,
    )


@fault(breaks={"chat-stream.role-first"}, on=ON, field="SO-02")
def never_says_the_role(chunks: Chunks) -> Iterator[Chunk]:
    """Leaves the role out."""
    for chunk in chunks:
        delta = {k: v for k, v in delta_of(chunk).items() if k != "role"}
        yield with_(chunk, delta=delta) if "role" in delta_of(chunk) else chunk


@fault(breaks={"chat-stream.role-once"}, on=ON, field="SO-01")
def repeats_the_role(chunks: Chunks) -> Iterator[Chunk]:
    """Says the role in every delta."""
    yield from each(
        chunks,
        lambda c: c if finishes(c) else with_(c, delta={"role": "assistant"} | delta_of(c)),
    )


@fault(breaks={"chat-stream.one-finish"}, on=ON)
def changes_its_reason(chunks: Chunks) -> Iterator[Chunk]:
    """Finishes a choice, and then finishes it for another reason."""
    for chunk in chunks:
        yield chunk
        if finishes(chunk):
            other = [{**entry, "finish_reason": "content_filter"} for entry in chunk["choices"]]
            yield chunk | {"choices": other}


@fault(breaks={"chat-stream.finish-repeated"}, on=ON, field="SO-05")
def finishes_twice(chunks: Chunks) -> Iterator[Chunk]:
    """Sends the chunk that finishes a choice twice."""
    for chunk in chunks:
        yield chunk
        if finishes(chunk):
            yield chunk


@fault(breaks={"chat-stream.silent-after-finish"}, on=ON)
def speaks_after_finish(chunks: Chunks) -> Iterator[Chunk]:
    """Sends a last blank after the reason."""
    for chunk in chunks:
        yield chunk
        if finishes(chunk):
            yield with_(chunk, delta={"content": " "}, finish_reason=None)


@fault(breaks={"chat-stream.some-chunk"}, on=ON)
def says_only_done(blocks: list[bytes]) -> Iterator[bytes]:
    """Streams nothing but the end mark."""
    yield from (block for block in blocks if block == DONE)


@fault(breaks={"chat-stream.finishes"}, on=ON)
def never_finishes(chunks: Chunks) -> Iterator[Chunk]:
    """Leaves out the chunk that finishes."""
    yield from (chunk for chunk in chunks if not finishes(chunk))


@fault(breaks={"chat-stream.no-silent-end"}, on=ON, field="ER-05")
def ends_in_silence(blocks: list[bytes]) -> Iterator[bytes]:
    """Ends the stream properly, but before the choice has finished."""
    yield from itertools.takewhile(lambda block: b'"finish_reason":null' in block, blocks)


@fault(breaks={"chat-stream.done", "chat-stream.choice-members"}, on=ON)
def says_as_little_as_it_can(blocks: list[bytes]) -> Iterator[bytes]:
    """Leaves out what is null, and [DONE] too."""
    yield from (block.replace(b',"finish_reason":null', b"") for block in blocks if block != DONE)


@fault(breaks={"chat-stream.done"}, on=ON, field="SF-01")
def forgets_done(blocks: list[bytes]) -> Iterator[bytes]:
    """Leaves [DONE] out."""
    yield from (block for block in blocks if block != DONE)


@fault(breaks={"chat-stream.nothing-after-done"}, on=ON, field="SF-04")
def says_done_twice(blocks: list[bytes]) -> Iterator[bytes]:
    """Sends [DONE] twice."""
    yield from (*blocks, DONE)


@fault(breaks={"chat-stream.nothing-after-done"}, on=ON)
def goes_on_after_errors(blocks: list[bytes]) -> Iterator[bytes]:
    """Reports an error in mid-stream and goes on as if nothing had happened."""
    error = {"message": "one step failed", "type": "server_error", "param": None, "code": None}
    yield from blocks[:1]
    yield b"data: " + compact({"error": error})
    yield from blocks[1:]


@fault(breaks={"chat-stream.no-error-member"}, on=ON)
def sends_null_errors(chunks: Chunks) -> Iterator[Chunk]:
    """Sends `error: null` in every chunk."""
    yield from (chunk | {"error": None} for chunk in chunks)


@fault(breaks={"chat-stream.no-event-names"}, on=ON)
def names_its_events(blocks: list[bytes]) -> Iterator[bytes]:
    """Gives every event a name."""
    yield from (b"event: chat.completion.chunk\n" + block for block in blocks)
