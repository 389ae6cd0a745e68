"""Directed chat streams: of several choices and calls, scored, thought about, abandoned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from conformance.probes.chat import LONG, PATH, good, user
from conformance.probes.probe import Abandoned, Probe, Turns, post, single

SURFACE = "chat-stream"
TIMES = 2  # streams that are abandoned; one slot may have to go on with all of them
SHORT = 16  # tokens
NONCES = ("Àrganon", "Àpsilon")  # of which no answer has the other by chance
NOTHING = {"type": "object", "properties": {}}
TOOLS = [
    {"type": "function", "function": {"name": name, "description": text, "parameters": NOTHING}}
    for name, text in (("get_date", "Get today's date."), ("get_time", "Get the time of day."))
]
Body = dict[str, Any]
STREAM: Body = {"stream": True}


def probes(model: str) -> Iterator[Probe]:
    """The directed dialogues, the cheapest first."""
    cases: list[tuple[str, Body, int]] = [
        ("two-choices", {"n": 2, "temperature": 1.0}, SHORT),
        ("logprobs", {"logprobs": True}, SHORT),
        ("reasoning", {"reasoning_effort": "low"}, LONG),
    ]
    for name, members, tokens in cases:
        body = good(model) | members | {"stream": True, "max_tokens": tokens}
        cost = tokens * int(members.get("n", 1))
        yield single(f"{SURFACE}.{name}", SURFACE, post(PATH, body), tokens=cost)
    twins: list[tuple[str, Body, int]] = [
        ("unicode", {"messages": user("Àà, 😀😀 日本語 é! Repeat this text.")}, 2 * SHORT),
        ("two-tools", {"messages": user("Call get_date and get_time."), "tools": TOOLS}, LONG),
    ]
    for name, members, tokens in twins:
        body = good(model) | members | {"temperature": 0.0, "max_tokens": tokens}
        yield Probe(f"{SURFACE}.both-forms.{name}", SURFACE, _both_forms(body), 2, 2 * tokens)
    cost = 2 * TIMES * SHORT + SHORT
    usage = good(model) | {"messages": user("Count on: 1, 2, 3,"), "temperature": 0.0}
    counted = {"stream": True, "stream_options": {"include_usage": True}}
    forms = _both_forms(usage | {"max_tokens": SHORT}, counted)
    yield Probe(f"{SURFACE}.both-forms.usage", SURFACE, forms, 2, 2 * SHORT)
    yield Probe(f"{SURFACE}.abandoned", SURFACE, lambda: _abandoned(model), TIMES + 1, cost)


def _both_forms(asked: Body, form: Body = STREAM) -> Callable[[], Turns]:
    """The same request, plain and then streamed."""

    def turns() -> Turns:
        yield post(PATH, asked)
        yield post(PATH, asked | form)

    return turns


def _abandoned(model: str) -> Turns:
    """Streams that nobody reads to their end, then one that is."""
    left, kept = (user(f"{word}, {word}, {word}. Repeat this word.") for word in NONCES)
    asked = good(model) | {"stream": True, "temperature": 0.0}
    request = post(PATH, asked | {"messages": left, "max_tokens": 2 * SHORT})
    for _ in range(TIMES):
        yield Abandoned(request.method, request.path, request.headers, request.body)
    yield post(PATH, asked | {"messages": kept, "max_tokens": SHORT})
