"""Directed chat requests, for rules that random ones would hardly ever reach."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.probes.probe import Probe, post, single

PATH = "/chat/completions"
CONTROLS = "\x01\t\x1b\x7f\x85\u2028\ufeff"  # characters that only look like trouble
LONG = 64  # tokens, enough for the arrival times of a stream to mean something
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "Name of the city"}},
            "required": ["city"],
        },
    },
}
TIME = {
    "type": "function",
    "function": {
        "name": "get_time",
        "description": "Get the time of day in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "Name of the city"}},
            "required": ["city"],
        },
    },
}


def user(text: str) -> list[dict[str, Any]]:
    """A conversation of one message."""
    return [{"role": "user", "content": text}]


def good(model: str) -> dict[str, Any]:
    """A request that every server accepts."""
    return {"model": model, "messages": user("Say hello."), "max_tokens": 8}


def probes(model: str) -> Iterator[Probe]:
    """The directed dialogues, the cheapest first."""
    usage = {"stream_options": {"include_usage": True}}
    count = user("Count from 1 to 40, one number after the other.")
    cases: list[tuple[str, dict[str, Any], int, bool]] = [
        ("usage", {**usage}, 8, False),
        ("plain-ending", {"temperature": 0.0}, 8, False),
        ("alone", {"messages": count}, LONG, True),
        (
            "tool-call",
            {"messages": user("What is the weather in Paris?"), "tools": [WEATHER]},
            LONG,
            False,
        ),
        (
            "tool-call-usage",
            {
                "messages": user("Use the tool to look up the weather in Rome."),
                "tools": [WEATHER],
                "temperature": 0.0,
                **usage,
            },
            LONG,
            False,
        ),
        ("unicode", {"messages": user(f"Repeat exactly: 日本語 😀 é ü ñ 🚀{CONTROLS}")}, 32, False),
    ]
    for name, members, tokens, alone in cases:
        body = good(model) | members | {"stream": True, "max_tokens": tokens}
        yield single(
            f"chat-stream.{name}", "chat-stream", post(PATH, body), tokens=tokens, alone=alone
        )
