"""Completions, whole: a plain answer as it is, a stream put together by index as clients do it."""

from __future__ import annotations

from typing import Any

from conformance.grammars.chat_stream import choices, sound
from conformance.grammars.completions_stream import in_order
from conformance.reading import EVENTS, JSON, Reading, once

PLAIN, STREAMED = "completions", "completions-stream"
UNREADABLE = "the answer itself is broken"
LISTS = ("tokens", "token_logprobs", "top_logprobs", "text_offset")
Json = dict[str, Any]


def completed(x: Reading) -> bool:
    """A request that is valid by the contract was answered with completions."""
    form = {PLAIN: JSON, STREAMED: EVENTS}.get(x.surface or "")
    came = form == x.media_type and x.status == 200 and x.answered
    return came and isinstance(x.sent, dict) and not x.standing.contract


def member(x: Reading, name: str) -> Any:
    """A member of the request; None where there is none."""
    return x.sent.get(name) if isinstance(x.sent, dict) else None


def integer(x: Reading, name: str, otherwise: int) -> int:
    """A member of the request that is an integer."""
    found = member(x, name)
    return found if type(found) is int else otherwise


def prompts(x: Reading) -> list[Any]:
    """What is to be completed, one entry for each text."""
    given = member(x, "prompt")
    tokens = isinstance(given, list) and bool(given) and type(given[0]) is int
    return given if isinstance(given, list) and not tokens else [given]


@once
def entries(x: Reading) -> list[Json] | None:
    """The choices of an answer, each with index, text and finish_reason; None where some rule on
    their form, or the grammar of the stream, is broken.
    """
    if not completed(x) or any(error.place.startswith("/choices") for _, error in x.errors):
        return None
    if x.surface == STREAMED:
        return folded(x) if sound(x) and x.complete and in_order(x) else None
    found = x.json.get("choices")
    whole = isinstance(found, list) and all(_whole(entry) for entry in found)
    return found if whole else None


def _whole(entry: Any) -> bool:
    return isinstance(entry, dict) and {"index", "text", "finish_reason"} <= entry.keys()


def folded(x: Reading) -> list[Json]:
    """The choices that a sound stream amounts to."""
    found: dict[int, Json] = {}
    for _, entry in choices(x):
        empty: Json = {"index": entry["index"], "text": "", "finish_reason": None, "logprobs": None}
        whole = found.setdefault(entry["index"], empty)
        whole["text"] += entry["text"]
        whole["finish_reason"] = whole["finish_reason"] or entry.get("finish_reason")
        if isinstance(entry.get("logprobs"), dict):
            whole["logprobs"] = _joined(whole["logprobs"] or {}, entry["logprobs"])
    return [found[index] for index in sorted(found)]


def _joined(before: Json, more: Json) -> Json:
    """The lists of probabilities, one after the other."""
    lists = {name: more[name] for name in LISTS if isinstance(more.get(name), list)}
    return before | {name: [*before.get(name, ()), *values] for name, values in lists.items()}


def usage(x: Reading) -> Json | None:
    """What the whole answer cost, if it was counted."""
    if x.surface == STREAMED:
        counted = [chunk.value.get("usage") for chunk in x.chunks]
        found = next((each for each in reversed(counted) if isinstance(each, dict)), None)
    else:
        found = x.json.get("usage") if isinstance(x.json, dict) else None
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    whole = isinstance(found, dict) and all(_is_count(found.get(name)) for name in names)
    return found if whole else None


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def text(x: Reading) -> str | None:
    """The text of an answer with one choice."""
    found = entries(x) or []
    return found[0]["text"] if len(found) == 1 else None
