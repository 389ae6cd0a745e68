"""Chat requests for one rule each: what the contract forbids, and what only some servers take.

Each is a good request but for the members in its row. None of them is worth much to generate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.probes.chat import PATH, TIME, WEATHER, good, user
from conformance.probes.probe import Probe, post, single
from conformance.wire.marks import HUGE_LIMIT, NO_TOOL

Members = dict[str, Any]
TOKENS = 64  # at the most, whatever a request says
CALL = {"id": "call_1", "type": "function"}
OSLO = {"name": "get_weather", "arguments": '{"city":"Oslo"}'}
ASKED = user("What is the weather in Oslo?")
COUNT = user("Count from 1 to 40, one number after the other.")


def _calls(function: Members) -> Members:
    """A message that calls a tool."""
    return {"role": "assistant", "content": "", "tool_calls": [CALL | {"function": function}]}


def _parts(*parts: Members) -> Members:
    return {"messages": [{"role": "user", "content": list(parts)}]}


def _picture(address: Members) -> Members:
    return _parts({"type": "text", "text": "What is this?"},
                  {"type": "image_url", "image_url": address})  # fmt: skip


def _chosen(name: str) -> Members:
    return {"type": "function", "function": {"name": name}}


FORBIDDEN: dict[str, Members] = {
    "no-messages": {"messages": []},
    "no-content": {"messages": [{"role": "user"}]},
    "no-parts": {"messages": [{"role": "user", "content": []}]},
    "part-without-text": _parts({"type": "text"}),
    "picture-without-url": _picture({}),
    "damaged-picture": _picture({"url": "data:image/png;base64,@@@"}),
    "result-without-call": {
        "messages": [*ASKED, _calls(OSLO), {"role": "tool", "content": "Rain, 4 degrees."}]
    },
    "no-tokens": {"max_tokens": 0},
    "five-stops": {"stop": ["###", "<END>", "\n\n\n", "ГОТОВО", "🛑🛑"]},
    "no-schema": {"response_format": {"type": "json_schema"}},
    "unknown-tool": {"messages": ASKED, "tools": [WEATHER], "tool_choice": _chosen(NO_TOOL)},
    "no-choices": {"n": 0},
    "many-logprobs": {"logprobs": True, "top_logprobs": 21},
    "lone-top-logprobs": {"top_logprobs": 2},
    "unknown-effort": {"reasoning_effort": "huge"},
}

RICH = {
    "type": "object",
    "properties": {
        "city": {"$ref": "#/$defs/city"},
        "unit": {"type": ["string", "null"], "enum": ["C", "F", None]},
        "kind": {"const": "weather"},
        "note": True,
    },
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {"city": {"type": "string", "minLength": 1}},
}
LOOSE = {
    "messages": [*ASKED, _calls(OSLO | {"arguments": "not json"}),
                 {"role": "tool", "tool_call_id": "call_1", "content": "Rain, 4 degrees."}]
}  # fmt: skip
OLDER = {
    "functions": [WEATHER["function"]],
    "function_call": "auto",
    "modalities": ["text"],
    "prediction": {"type": "content", "content": "Hello."},
    "verbosity": "low",
    "web_search_options": {},
}
HUGE = {"max_tokens": HUGE_LIMIT, "stop": ["e", "a", "o", " "]}  # which end it at once
TAKEN: dict[str, Members] = {
    "developer": {
        "messages": [{"role": "developer", "content": "You answer in one word."},
                     *user("Is water wet?")]
    },
    "odd-order": {
        "messages": [{"role": "system", "content": "You answer in one word."},
                     *user("Is water wet?"),
                     {"role": "system", "content": "You never say no."},
                     {"role": "assistant", "content": "It"}]
    },
    "history-members": {
        "messages": [*user("Say hello."),
                     {"role": "assistant", "content": "Hello.", "refusal": None, "audio": None,
                      "function_call": None, "annotations": [], "reasoning": "A greeting."},
                     *user("Say it again.")]
    },
    "rich-schema": {
        "messages": ASKED,
        "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": RICH}}],
    },
    "tool-choice-none": {"messages": ASKED, "tools": [WEATHER, TIME], "tool_choice": "none"},
    "tool-choice-required": {"messages": ASKED, "tools": [WEATHER, TIME],
                             "tool_choice": "required"},
    "tool-choice-named": {"messages": ASKED, "tools": [WEATHER, TIME],
                          "tool_choice": _chosen("get_time")},
    "two-choices": {"n": 2},
    "logprobs": {"logprobs": True},
    "top-logprobs": {"logprobs": True, "top_logprobs": 2},
    "effort-low": {"reasoning_effort": "low"},
    "effort-max": {"reasoning_effort": "max"},
    "newer-limit": {"messages": COUNT, "max_tokens": None, "max_completion_tokens": 5,
                    "stop": ["12"]},
    "either-way": LOOSE | OLDER | HUGE | {"stream_options": {"include_usage": True}},
}  # fmt: skip
JPEG = (
    "data:image/jpeg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDACgcHiMeGSgjISMtKygwPGRBPDc3PHtYX"
    "UlkkYCZlo+AjIqgtObDoKrarYqMyP/L2u71////m8H////6/+b9//j/2wBDASstLTw1PHZBQXb4pYyl+Pj4+Pj4+"
    "Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj/wAARCAAgACADASIAAhEBAxEB/8QAF"
    "QABAQAAAAAAAAAAAAAAAAAAAAT/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFgEBAQEAAAAAAAAAAAAAAAAAAAMF/"
    "8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAwDAQACEQMRAD8AmASaAAAAAAD/2Q=="
)
WEBP = (
    "data:image/webp;base64,UklGRkIAAABXRUJQVlA4IDYAAAAQAwCdASogACAAPzmWw1mvKqejqAgB4CcJZQDH5"
    "BanFAAA/uLgt7lopFf2p+9n4T6NB3Z/AAA="
)
MORE: Mapping[str, Members] = {
    "effort-none": {"reasoning_effort": "none"},
    "effort-medium": {"reasoning_effort": "medium"},
    "effort-high": {"reasoning_effort": "high"},
    "jpeg": _picture({"url": JPEG}),
    "webp": _picture({"url": WEBP}),
    "picture-without-address": _parts({"type": "image_url"}),
    "loose-arguments": LOOSE,
    "other-members": OLDER,
    "huge-limit": HUGE,
    "negative-tokens": {"max_tokens": -1},
    "many-choices": {"n": 129, "max_tokens": 1},
    "negative-top-logprobs": {"logprobs": True, "top_logprobs": -1},
}
STREAMED = ("picture-without-url", "tool-choice-none")
ROOM = ("tool-choice-required", "tool-choice-named", "rich-schema")


def probes(model: str) -> Iterator[Probe]:
    """The requests, what is taken first."""
    yield from _probes(model, "taken", TAKEN)
    yield from _probes(model, "forbidden", FORBIDDEN)


def more(model: str) -> Iterator[Probe]:
    """Further ones for the same rules."""
    yield from _probes(model, "more", MORE)


def _probes(model: str, kind: str, rows: Mapping[str, Members]) -> Iterator[Probe]:
    for name, members in rows.items():
        room = {"max_tokens": TOKENS} if name in ROOM or name.startswith("effort") else {}
        body = good(model) | room | members
        kept = {member: value for member, value in body.items() if value is not None}
        surface, form = ("chat-stream", {"stream": True}) if name in STREAMED else ("chat", {})
        yield single(f"{surface}.{kind}.{name}", surface, post(PATH, kept | form), tokens=TOKENS)
