"""Other ways to stream completions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reference_server.faults.chat_stream.entries import Chunk, Chunks, entry, finishes, with_
from reference_server.variants.variant import tolerated, variant

ON = "completions-stream"


@variant(on=ON, norms={"CMT-08"}, rulings={"RUL-25"}, traps={"FA-07"})
def null_usage(chunks: Chunks) -> Iterator[Chunk]:
    """Writes `usage: null` in every chunk but the one that brings it."""
    yield from ({"usage": None} | chunk for chunk in chunks)


@variant(on=ON, norms={"CMT-05"})
def opens_with_nothing(chunks: Chunks) -> Iterator[Chunk]:
    """Opens the stream with an empty text."""
    yield with_(chunks[0], text="", finish_reason=None, logprobs=None)
    yield from chunks


@variant(on=ON, norms={"CMT-06"}, traps={"FA-02"})
def no_reason_yet(chunks: Chunks) -> Iterator[Chunk]:
    """Leaves the reason out until there is one."""
    for chunk in chunks:
        kept = {k: v for k, v in entry(chunk).items() if k != "finish_reason"}
        open_ = chunk["choices"] and not finishes(chunk)
        yield chunk | {"choices": [kept]} if open_ else chunk


@variant(on=ON, norms={"CMT-06"})
def finishes_with_text(chunks: Chunks) -> Iterator[Chunk]:
    """Finishes with the last text."""
    for before, chunk, after in zip([None, *chunks], chunks, [*chunks[1:], None], strict=False):
        if after is not None and _joins(chunk, after):
            continue
        joined = before is not None and _joins(before, chunk)
        yield with_(chunk, text=entry(before)["text"]) if before and joined else chunk


def _joins(chunk: Chunk, after: Chunk) -> bool:
    """Whether a chunk of text is followed by the one that finishes the same choice."""
    same = entry(chunk).get("index") == entry(after).get("index")
    plain = chunk["choices"] and not finishes(chunk) and not entry(chunk)["logprobs"]
    return bool(plain and same and finishes(after))


@variant(on=ON, norms={"CMT-08"}, warns={"completions-stream.no-usage-unasked"})
def usage_for_all(sent: Any, chunks: Chunks) -> Iterator[Chunk]:
    """Sends usage to those who did not ask for it too."""
    yield from chunks
    if not (sent.get("stream_options") or {}).get("include_usage"):
        counts = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        yield chunks[-1] | {"choices": [], "usage": counts}


tolerated("completions-stream.reads-the-clock-again", norms={"CMT-04"}, rulings={"RUL-29"})
tolerated("completions-stream.forgets-done", norms={"CMT-07"}, rulings={"RUL-22"}, profiles="seed")
tolerated("completions-stream.says-done-twice", norms={"CMT-07"}, rulings={"RUL-22"},
          profiles="seed")  # fmt: skip
tolerated("completions-stream.fails-with-an-empty-chunk", norms={"CMT-10"}, rulings={"RUL-42"},
          profiles="seed ollama")  # fmt: skip
tolerated("completions-stream.ignores-include-usage", norms={"CMT-08"}, profiles="seed ollama")
tolerated("completions-stream.counts-as-it-goes", norms={"CMT-08"}, rulings={"RUL-25"},
          profiles="seed ollama")  # fmt: skip
tolerated("completions-stream.counts-nothing-yet", norms={"CMT-08"}, rulings={"RUL-25"})
tolerated("completions-stream.forgets-created", norms={"CMS-01"}, profiles="seed")
tolerated("completions-stream.says-chat-completion-chunk", norms={"CMT-02"}, profiles="seed")
