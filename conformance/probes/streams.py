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
CODE_ASKED = "Use run_code to run: if (x) { y[0] = {}; }"
CODE = {
    "type": "function",
    "function": {
        "name": "run_code",
        "description": "Run a line of code.",
        "parameters": {
            "type": "object",
            "properties": {
                "code": {"type": "string", "enum": ["if (x) { y[0] = {}; }", "f({a: [1]})"]}
            },
            "required": ["code"],
        },
    },
}  # whose arguments have braces and brackets in a string, whatever the model
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
        turns = _forms(body, body | STREAM)
        yield Probe(f"{SURFACE}.both-forms.{name}", SURFACE, turns, 2, 2 * tokens)
    cost = 2 * TIMES * SHORT + SHORT
    usage = good(model) | {"messages": user("Count on: 1, 2, 3,"), "temperature": 0.0}
    usage |= {"max_tokens": SHORT}
    counted = usage | STREAM | {"stream_options": {"include_usage": True}}
    forms = _forms(counted, usage, counted)
    yield Probe(f"{SURFACE}.both-forms.usage", SURFACE, forms, 3, 3 * SHORT)
    body = good(model) | STREAM | {"messages": user(CODE_ASKED), "tools": [CODE]}
    request = post(PATH, body | {"temperature": 0.0, "max_tokens": 2 * LONG})
    yield single(f"{SURFACE}.braces", SURFACE, request, tokens=2 * LONG)
    yield Probe(f"{SURFACE}.abandoned", SURFACE, lambda: _abandoned(model), TIMES + 1, cost)


def _forms(*bodies: Body) -> Callable[[], Turns]:
    """Requests one after the other: the same in both forms."""

    def turns() -> Turns:
        yield from (post(PATH, body) for body in bodies)

    return turns


def _abandoned(model: str) -> Turns:
    """Streams that nobody reads to their end, then one that is."""
    left, kept = (user(f"{word}, {word}, {word}. Repeat this word.") for word in NONCES)
    asked = good(model) | {"stream": True, "temperature": 0.0}
    request = post(PATH, asked | {"messages": left, "max_tokens": 2 * SHORT})
    for _ in range(TIMES):
        yield Abandoned(request.method, request.path, request.headers, request.body)
    yield post(PATH, asked | {"messages": kept, "max_tokens": SHORT})
