"""Faults in usage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reference_server.faults.chat_stream.entries import (
    ON,
    Chunk,
    Chunks,
)
from reference_server.faults.fault import fault


def _asks_usage(sent: Any) -> bool:
    options = sent.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


@fault(breaks={"chat-stream.nothing-after-usage"}, on=ON)
def goes_on_after_usage(sent: Any, chunks: Chunks) -> Iterator[Chunk]:
    """Sends an empty chunk after the one with usage."""
    yield from chunks
    if _asks_usage(sent):
        yield {k: v for k, v in chunks[-1].items() if k != "usage"} | {"choices": []}


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


@fault(breaks={"chat-stream.usage-once"}, on=ON)
def counts_as_it_goes(sent: Any, chunks: Chunks) -> Iterator[Chunk]:
    """Sends with every chunk the usage so far."""
    for n, chunk in enumerate(chunks):
        usage = {"prompt_tokens": 3, "completion_tokens": n, "total_tokens": 3 + n}
        yield chunk | {"usage": usage} if chunk["choices"] and _asks_usage(sent) else chunk


@fault(breaks={"chat-stream.no-zero-usage"}, on=ON)
def counts_nothing_yet(sent: Any, chunks: Chunks) -> Iterator[Chunk]:
    """Sends a usage of zeros with every chunk but the last."""
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    for chunk in chunks:
        yield chunk | {"usage": usage} if chunk["choices"] and _asks_usage(sent) else chunk
