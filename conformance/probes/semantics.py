"""Dialogues whose answers have to agree: one request again, in other words, in another place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.probes.chat import PATH, TIME, WEATHER, user
from conformance.probes.completions import stop_in
from conformance.probes.dialogues import COMPLETIONS, RESPONSES, SEED
from conformance.probes.probe import Probe, Turns, answer, post, single
from conformance.wire.marks import NO_MEMBER

SHORT, LONG = 16, 128  # tokens; the latter for what must come to its end
COUNT = "Count from 1 to 40, one number after the other."
TEXTS = {
    "emoji": "Àà 👩\u200d👩\u200d👧 👍🏽 🇳🇴",
    "marks": "Àe\u0301n\u0303 \u1112\u1161\u11ab שלום",  # combining marks, jamo, right to left
    "planes": "À中𐍈𠀀\U00030000漢\U000e0100\U000f0000",  # planes 0 to 3, 14 and 15
}
ORDINARY = {"stream": False, "top_p": 1.0, "frequency_penalty": 0, "presence_penalty": 0}
SCHEMA = {
    "type": "object",
    "properties": {
        "kind": {"enum": ["cat", "dog"]},
        "legs": {"type": "integer"},
        "home": {
            "type": "object",
            "properties": {"warm": {"type": "boolean"}},
            "required": ["warm"],
            "additionalProperties": False,
        },
        "toys": {"type": "array", "items": {"enum": ["ball", "rope"]}, "maxItems": 2},
    },
    "required": ["kind", "legs", "home", "toys"],
    "additionalProperties": False,
}
LEGS = {
    "type": "object",
    "properties": {"legs": {"type": "integer", "minimum": 0, "maximum": 8}},
    "required": ["legs"],
}
STRICT = {"name": "animal", "schema": SCHEMA, "strict": True}
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_time", "arguments": '{"city":"Oslo"}'},
}
TRAIN = {
    "type": "function",
    "function": {
        "name": "book_train",
        "description": "Book seats on a train.",
        "parameters": {
            "type": "object",
            "properties": {"class": {"enum": ["first", "second"]}, "seats": {"type": "integer"}},
            "required": ["class", "seats"],
            "additionalProperties": False,
        },
    },
}
Body = dict[str, Any]


def probes(model: str) -> Iterator[Probe]:
    """The dialogues, each of requests that need each other."""
    yield Probe("chat.same", "chat", lambda: _same(model), 12, 15 * SHORT)
    yield Probe("chat.seeds", "chat", lambda: _seeds(model), 5, 5 * SHORT)
    yield Probe("chat.choices", "chat", lambda: _choices(model), 7, 4 * LONG)
    yield Probe("responses.same", "responses", lambda: _both_operations(model), 4, 4 * SHORT)
    yield from _formats(model)
    booked = {"messages": user("Use book_train for 2 seats, second class."), "tools": [TRAIN]}
    yield from _both("arguments", _asked(model, **booked, temperature=0.0))
    for name, text in TEXTS.items():
        said = _asked(model, messages=user(f"{text} Repeat this text."), temperature=0.0)
        request = post(PATH, said | {"max_tokens": 3 * SHORT})
        yield single(f"chat.kept.{name}", "chat", request, tokens=3 * SHORT)
    said = {"model": model, "prompt": f"{TEXTS['planes']} Repeat this text."}
    request = post(COMPLETIONS, said | {"temperature": 0.0, "max_tokens": 2 * SHORT})
    yield single("completions.kept", "completions", request, tokens=2 * SHORT)


def _asked(model: str, **members: Any) -> Body:
    return {"model": model, "max_tokens": LONG} | members


def _both(name: str, asked: Body) -> Iterator[Probe]:
    """The same request as a dialogue of its own in each form."""
    yield single(f"chat.{name}", "chat", post(PATH, asked), tokens=LONG)
    streamed = post(PATH, asked | {"stream": True})
    yield single(f"chat-stream.{name}", "chat-stream", streamed, tokens=LONG)


def _formats(model: str) -> Iterator[Probe]:
    said = user("Describe an animal in JSON.")
    formats: dict[str, Body] = {
        "json-mode": {"type": "json_object"},
        "schema": {"type": "json_schema", "json_schema": STRICT},
    }
    for name, wanted in formats.items():
        yield from _both(name, _asked(model, messages=said, response_format=wanted))
    loose = {"type": "json_schema", "json_schema": {"name": "legs", "schema": LEGS}}
    request = post(PATH, _asked(model, messages=said, response_format=loose))
    yield single("chat.loose-schema", "chat", request, tokens=LONG)


def _same(model: str) -> Turns:
    """One request in every word that there is for it, with a stop, with room, with more to read;
    and as it came again.
    """
    asked = _asked(model, messages=user(COUNT), max_tokens=SHORT, temperature=0.0, seed=SEED)
    first = answer((yield post(PATH, asked)))
    if stop := stop_in(_text(first)):
        yield post(PATH, asked | {"stop": stop})
        yield post(PATH, asked | {"stop": [stop]})
        yield post(PATH, asked | {"stop": stop, "stream": True})
    yield post(PATH, asked | {"response_format": {"type": "text"}})
    yield post(PATH, asked | {NO_MEMBER: {"a": [1, None]}})
    part = {"type": "text", "text": COUNT}
    yield post(PATH, asked | {"messages": [{"role": "user", "content": [part]}]})
    yield post(PATH, asked | ORDINARY)
    yield post(PATH, asked | {"max_tokens": 3 * SHORT})
    past = {"role": "assistant", "content": "One, two, three."}
    yield post(PATH, asked | {"messages": [*user(COUNT), past, *user(COUNT)]})
    for _ in range(2):
        yield post(PATH, asked)


def _text(body: Any) -> str:
    try:
        return str(body["choices"][0]["message"]["content"] or "")
    except (KeyError, IndexError, TypeError):
        return ""


def _seeds(model: str) -> Turns:
    """The same seed twice, other ones, and none, where chance decides."""
    said = user("Make up a story about a lighthouse.")
    asked = _asked(model, messages=said, max_tokens=SHORT, temperature=1.2)
    for seed in (SEED, SEED + 1, SEED, SEED + 2):
        yield post(PATH, asked | {"seed": seed})
    yield post(PATH, asked)


def _choices(model: str) -> Turns:
    """A tool that suggests itself and one that does not, left open, beside a schema, forbidden,
    chosen by name; and a conversation that has its result, left open, with a schema and required.
    """
    said = user("Use get_time: what time is it in Oslo?")
    asked = _asked(model, messages=said, tools=[TIME, WEATHER], max_tokens=LONG // 2)
    asked |= {"temperature": 0.0}
    named = {"type": "function", "function": {"name": "get_weather"}}
    formed = {"response_format": {"type": "json_schema", "json_schema": STRICT}}
    yield post(PATH, asked)
    yield post(PATH, asked | formed)
    yield post(PATH, asked | {"tool_choice": "none"})
    yield post(PATH, asked | {"tool_choice": named})
    result = {"role": "tool", "tool_call_id": "call_1", "content": "It is 12:30 in Oslo."}
    known = [*said, {"role": "assistant", "content": "", "tool_calls": [CALL]}, result]
    yield post(PATH, asked | {"messages": known})
    yield post(PATH, asked | formed | {"messages": known, "max_tokens": LONG})
    yield post(PATH, asked | {"messages": known, "tool_choice": "required"})


def _both_operations(model: str) -> Turns:
    """One conversation by chat, twice, then by responses in both forms."""
    cold = {"model": model, "temperature": 0.0}
    for _ in range(2):
        yield post(PATH, cold | {"messages": user(COUNT), "max_tokens": SHORT})
    asked = cold | {"input": COUNT, "max_output_tokens": SHORT}
    yield post(RESPONSES, asked | {"stream": True})
    yield post(RESPONSES, asked)
