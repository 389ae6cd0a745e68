"""What an answer says, whatever the operation and the form: the same words for all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.check import Dialogue
from conformance.checks.chat.answer import choices
from conformance.checks.chat.tools import calls_of, function
from conformance.checks.chat_stream.twins import folded
from conformance.checks.completions.whole import entries, usage
from conformance.checks.responses.finished import (
    is_finished,
    items_of,
    response_of,
    text_of,
    tokens,
)
from conformance.reading import Reading, once

HALF = re.compile("[\ud800-\udfff]")
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
UNSTEADY = "the same request twice gave different texts"
BROKEN = "one of the answers could not be read"
FORM = ("stream", "stream_options")
Json = dict[str, Any]
Calls = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Said:
    """An answer of one choice: its text and calls, why it ended, and what it cost."""

    text: str
    reason: str
    calls: Calls = ()
    prompt: int | None = None
    made: int | None = None
    refused: bool = False


@once
def said(x: Reading) -> Said | None:
    """What an answer to a request that the contract allows says; None where it cannot be read."""
    read = _READERS.get(x.surface or "")
    good = read and x.answered and isinstance(x.sent, dict) and not x.standing.contract
    found = read(x) if read and good else None
    return found if found and not HALF.search(found.text) else None


def _count(found: Any, name: str) -> int | None:
    value = found.get(name) if isinstance(found, dict) else None
    return value if type(value) is int and value >= 0 else None


def _calls(functions: Iterator[tuple[Any, Any]]) -> Calls | None:
    """Names and arguments; None where one of them is no string."""
    found = list(functions)
    whole = all(isinstance(name, str) and isinstance(told, str) for name, told in found)
    return tuple(found) if whole else None


def _of_chat(found: list[Json], counted: Any) -> Said | None:
    if len(found) != 1 or not isinstance(found[0].get("message"), dict):
        return None
    message, reason = found[0]["message"], found[0].get("finish_reason")
    text = message.get("content") or ""
    if not isinstance(text, str) or not isinstance(reason, str):
        return None
    pairs = ((function(c, "name"), function(c, "arguments")) for c in calls_of(message))
    called = _calls(pairs)
    cost = _count(counted, "prompt_tokens"), _count(counted, "completion_tokens")
    refused = bool(message.get("refusal"))
    return None if called is None else Said(text, reason, called, *cost, refused)


def _chat(x: Reading) -> Said | None:
    return _of_chat(choices(x), x.json.get("usage")) if isinstance(x.json, dict) else None


def _chat_stream(x: Reading) -> Said | None:
    counted = [chunk.value.get("usage") for chunk in x.chunks]
    last = next((each for each in reversed(counted) if isinstance(each, dict)), None)
    return _of_chat(folded(x), last)


def _completion(x: Reading) -> Said | None:
    found, counted = entries(x) or [], usage(x)
    if len(found) != 1 or not isinstance(found[0]["text"], str):
        return None
    cost = _count(counted, "prompt_tokens"), _count(counted, "completion_tokens")
    return Said(found[0]["text"], str(found[0].get("finish_reason")), (), *cost)


def _response(x: Reading) -> Said | None:
    if not is_finished(x):
        return None
    response = response_of(x)
    items = [item for item in items_of(response) if item["type"] == "function_call"]
    calls = _calls((item.get("name"), item.get("arguments")) for item in items)
    cost = tokens(response, "input_tokens"), tokens(response, "output_tokens")
    done = (response or {}).get("status") == "completed"
    if calls is None:
        return None
    reason = "length" if not done else "tool_calls" if calls else "stop"
    return Said(text_of(response), reason, calls, *cost)


_READERS: Mapping[str, Callable[[Reading], Said | None]] = {
    "chat": _chat,
    "chat-stream": _chat_stream,
    "completions": _completion,
    "completions-stream": _completion,
    "responses": _response,
    "responses-stream": _response,
}


def body(x: Reading, *without: str) -> Json | None:
    """The request, without some members; None where it is no object."""
    sent = x.sent if isinstance(x.sent, dict) else None
    return sent and {name: value for name, value in sent.items() if name not in without}


def member(x: Reading, name: str) -> Any:
    """A member of the request; None where it has none."""
    return x.sent.get(name) if isinstance(x.sent, dict) else None


def is_cold(x: Reading) -> bool:
    """Whether the likeliest token is asked for each time."""
    return type(member(x, "temperature")) in (int, float) and x.sent["temperature"] == 0


def pairs(
    dialogue: Dialogue, fits: Callable[[Reading, Reading], bool]
) -> list[tuple[Reading, Reading]]:
    """The pairs of requests to one operation of which the second fits the first."""
    able = [x for x in dialogue if isinstance(x.sent, dict) and x.sent and x.surface]
    return [(x, y) for x in able for y in able if x is not y and fits(x, y)]


def repeated(dialogue: Dialogue) -> Iterator[list[Reading]]:
    """The requests that were sent more than once, each with all of its exchanges."""
    seen: list[Reading] = []
    for x in dialogue:
        same = [y for y in dialogue if body(x) and y.exchange.request == x.exchange.request]
        if len(same) > 1 and same[0] is x and x not in seen:
            seen += same
            yield same


def steady(dialogue: Dialogue) -> bool:
    """Whether a request was sent more than once, and was answered with one text each time."""
    groups = [[said(x) for x in group] for group in repeated(dialogue)]
    return bool(groups) and all(
        each is not None and group[0] is not None and each.text == group[0].text
        for group in groups
        for each in group
    )
