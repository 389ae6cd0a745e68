"""Faults that show beside the other form, or beside the same text without a stop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reference_server.faults.chat.answer import each_choice, usage, without
from reference_server.faults.chat_stream.entries import entry, with_
from reference_server.faults.fault import behaviour, fault
from reference_server.faults.responses.parts import each_part
from reference_server.faults.semantics.again import is_bare, is_cold, saying

ON = "chat"
STREAM = "chat-stream"
Json = dict[str, Any]


@fault(breaks={"semantics.stop-absent"}, on=ON)
def keeps_the_stop(sent: Any, body: Json) -> Json | None:
    """Leaves the string that stopped a text at its end."""
    stop = sent.get("stop")
    stop = stop[0] if isinstance(stop, list) and stop else stop
    cold = isinstance(stop, str) and is_cold(sent) and is_bare(sent)
    return saying(body, lambda text: text + stop) if cold else None


@fault(breaks={"semantics.stop-absent"}, on=STREAM)
def streams_the_stop(sent: Any, chunks: list[Json]) -> Iterator[Json]:
    """Sends the string that stopped a stream before it ends."""
    stop = sent.get("stop")
    told = isinstance(stop, str) and is_cold(sent) and is_bare(sent)
    for chunk in chunks:
        if told and entry(chunk).get("finish_reason") == "stop":
            yield with_(chunk, delta={"content": stop}, finish_reason=None)
        yield chunk


@fault(breaks={"semantics.stop-finish"}, on=ON)
def says_length_of_a_stop(sent: Any, body: Json) -> Json | None:
    """Says length of every text that did not end by itself."""
    if not sent.get("stop"):
        return None
    return each_choice(
        body, lambda c: c | {"finish_reason": "length"} if c["finish_reason"] == "stop" else c
    )


@fault(breaks={"semantics.same-finish"}, on=STREAM)
def says_stop_of_counted_streams(sent: Any, chunks: list[Json]) -> Iterator[Json]:
    """Ends every stream whose usage is told with stop, cut or not."""
    counted = bool(sent.get("stream_options")) and sent.get("temperature") == 0 and is_bare(sent)
    for chunk in chunks:
        cut = entry(chunk).get("finish_reason") == "length" and counted
        yield with_(chunk, finish_reason="stop") if cut else chunk


@fault(breaks={"semantics.same-usage"}, on=STREAM)
def counts_the_prompt_otherwise(chunks: list[Json]) -> Iterator[Json]:
    """Counts two tokens more for the prompt of a stream."""
    for chunk in chunks:
        if told := chunk.get("usage"):
            asked, total = told["prompt_tokens"] + 2, told["total_tokens"] + 2
            yield chunk | {"usage": told | {"prompt_tokens": asked, "total_tokens": total}}
        else:
            yield chunk


@fault(breaks={"semantics.same-usage-details"}, on=ON, field="US-06")
def details_only_streams(sent: Any, body: Json) -> Json | None:
    """Tells what was cached of a prompt in streams only."""
    compared = sent.get("temperature") == 0 and "seed" not in sent and is_bare(sent)
    return usage(body, prompt_tokens_details=None) if compared and body.get("usage") else None


@fault(breaks={"semantics.same-usage-details"}, on=STREAM, field="US-06")
def details_no_stream(chunks: list[Json]) -> Iterator[Json]:
    """Tells what was cached of a prompt in plain answers only."""
    for chunk in chunks:
        told = chunk.get("usage")
        yield chunk | {"usage": without(told, "prompt_tokens_details")} if told else chunk


@fault(breaks={"semantics.same-usage"}, on=STREAM, field="US-04")
def counts_what_came_before(chunks: list[Json]) -> Iterator[Json]:
    """Counts with each token those before it again."""
    for chunk in chunks:
        if (told := chunk.get("usage")) and told["completion_tokens"] > 1:
            made = told["completion_tokens"] * (told["completion_tokens"] + 1) // 2
            total = told["prompt_tokens"] + made
            yield chunk | {"usage": told | {"completion_tokens": made, "total_tokens": total}}
        else:
            yield chunk


@fault(breaks={"semantics.same-usage"}, on=STREAM, field="US-05")
def counts_chunks(chunks: list[Json]) -> Iterator[Json]:
    """Takes the chunks of a stream for its tokens."""
    for chunk in chunks:
        if told := chunk.get("usage"):
            total = told["prompt_tokens"] + 1
            yield chunk | {"usage": told | {"completion_tokens": 1, "total_tokens": total}}
        else:
            yield chunk


def _without_middle(text: str) -> str:
    return text[: len(text) // 2] + text[len(text) // 2 + 1 :]


@fault(breaks={"semantics.same-response"}, on="responses")
def loses_a_character(sent: Any, body: Json) -> Json | None:
    """Loses a character where it puts the text together."""
    if sent.get("temperature") != 0 or (sent.get("text") or {}).get("format"):
        return None
    return each_part(body, lambda part: part | {"text": _without_middle(part["text"])})


behaviour(
    "semantics.overlooks_stops",
    "Overlooks `stop`.",
    breaks={"semantics.stop-absent"},
    on="chat.same",
    field="SE-05",
)
