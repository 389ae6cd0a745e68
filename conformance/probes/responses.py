"""Directed requests for responses, for rules that random ones would hardly ever reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from conformance.probes.chat import user
from conformance.probes.probe import Probe, Turns, answer, post, single
from conformance.wire.marks import NO_EFFORT, NO_RESPONSE, NO_TYPE

PATH = "/responses"
TOKENS = 16
LONG = 64  # tokens, enough for a call or a short JSON text
COUNT = "Count from 1 to 40, one number after the other."
WORDS = "The quick brown fox jumps over the lazy dog. " * 4
Body = dict[str, Any]


def _tool(name: str, **properties: str) -> Body:
    members = {key: {"type": "string", "description": text} for key, text in properties.items()}
    parameters = {"type": "object", "properties": members, "required": list(members)}
    said = f"Call this to {name.replace('_', ' ')}."
    return {"type": "function", "name": name, "description": said, "parameters": parameters}


WEATHER = _tool("get_weather", city="Name of the city")
TIME = _tool("get_time")
SCHEMA = {
    "type": "object",
    "properties": {"married": {"type": "boolean"}, "children": {"type": "integer"}},
    "required": ["married", "children"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "name": "family", "schema": SCHEMA, "strict": True}
PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAUElEQVR42u3PQREAAAQAMAT"
    "RP5QwUni42xospzs+q3hOQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBA4N4CCJ0BmOb2"
    "hBcAAAAASUVORK5CYII="
)


def _part(text: str) -> Body:
    return {"type": "input_text", "text": text}


CONVERSATION = [
    {"role": "system", "content": "You answer in one word."},
    {"type": "message", "role": "developer", "content": [_part("Be kind.")]},
    {"role": "user", "content": [_part("Is water wet?")]},
    {"role": "assistant", "content": "Yes."},
    {"type": "message", "role": "user", "content": "And fire?"},
]
RESULTS = [
    {"role": "user", "content": "What is the weather in Oslo?"},
    {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "call_1", "output": [_part("Rain, 4 degrees.")]},
]
REFUSED = [
    {"role": "user", "content": "Say hello."},
    {"role": "assistant", "content": [{"type": "refusal", "refusal": "I would rather not."}]},
    {"role": "user", "content": "Please."},
]
SEEN = [
    {
        "role": "user",
        "content": [_part("What colour?"), {"type": "input_image", "image_url": PICTURE}],
    }
]
REFERENCE = {"type": "item_reference", "id": "msg_conformance_no_such_item"}
NULLS = dict.fromkeys(("temperature", "tools", "reasoning", "text", "previous_response_id"))
ECHOED = {"metadata": {"team": "blue"}, "parallel_tool_calls": False, "top_p": 0.5}
NESTED = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": WEATHER["parameters"]},
}

# Single requests by name: the members, and the tokens that they may cost.
SINGLES: tuple[tuple[str, Body, int], ...] = (
    ("roles", {"input": CONVERSATION}, TOKENS),
    ("json-schema", {"input": "Tell me about Ann.", "text": {"format": FORMAT}}, LONG),
    ("unknown-item", {"input": [{"type": NO_TYPE}, *user("Say hello.")]}, TOKENS),
    ("custom-tool", {"tools": [WEATHER, {"type": "custom", "name": "run"}]}, LONG),
    ("unknown-part", {"input": [{"role": "user", "content": [{"type": NO_TYPE}]}]}, TOKENS),
    ("empty-input", {"input": ""}, TOKENS),
    ("item-reference", {"input": [REFERENCE, *user("Say hello.")]}, TOKENS),
    ("unknown-effort", {"reasoning": {"effort": NO_EFFORT}}, TOKENS),
    ("unknown-previous", {"previous_response_id": NO_RESPONSE}, TOKENS),
    ("json-object", {"input": "Ann in JSON.", "text": {"format": {"type": "json_object"}}}, LONG),
    ("nested-tool", {"tools": [NESTED]}, TOKENS),
    ("echo", NULLS | ECHOED, TOKENS),
    ("picture", {"input": SEEN}, TOKENS),
    ("refusal-part", {"input": REFUSED}, TOKENS),
    ("few-tokens", {"max_output_tokens": 8}, 8),
)


BOTH = ("responses.tool-choice", "responses.reasoning-back", "responses.same-items")
STREAMED = frozenset({"responses-stream"})  # which those dialogues need for rules on its items


def probes(model: str) -> Iterator[Probe]:
    """The directed dialogues, those first that show the most."""
    good = {"model": model, "input": "Say hello.", "max_output_tokens": TOKENS}
    both = {"input": "Use get_time, then get_weather for Rome.", "tools": [WEATHER, TIME]}
    asked = good | both | {"max_output_tokens": LONG}
    thought = good | {"input": "Why is the sky blue?", "max_output_tokens": LONG}
    same = asked | {"reasoning": {"effort": "low", "summary": "auto"}, "temperature": 0.0}
    dialogues: tuple[tuple[str, Callable[[], Turns], int, int], ...] = (
        ("responses-stream.cut", lambda: _cut(good, {"stream": True}), 2, LONG + TOKENS),
        ("responses.tool-choice", lambda: _choices(asked), 4, 4 * LONG),
        ("responses.tool-loop", lambda: _tool_loop(good), 3, LONG + 2 * TOKENS),
        ("responses.cut", lambda: _cut(good, {}), 2, LONG + TOKENS),
        ("responses.reasoning-back", lambda: _back(thought), 2, 2 * LONG),
        ("responses.counted", lambda: _counted(good), 4, 4 * TOKENS),
        ("responses.same-items", lambda: _same(same), 3, 3 * LONG),
    )
    for name, turns, requests, tokens in dialogues:
        also = STREAMED if name in BOTH else frozenset()
        yield Probe(name, name.partition(".")[0], turns, requests, tokens, also=also)
    without = {name: value for name, value in good.items() if name != "input"}
    yield single("responses.no-input", "responses", post(PATH, without))
    for name, members, tokens in SINGLES:
        body = good | {"max_output_tokens": tokens} | members
        yield single(f"responses.{name}", "responses", post(PATH, body), tokens=tokens)


def _tool_loop(good: Body) -> Turns:
    """A tool is called, its result is sent, and the model answers; then a result in parts."""
    said = user("What is the weather in Paris? Use the tool.")
    asked = good | {"input": said, "tools": [WEATHER], "max_output_tokens": LONG}
    output = _output(answer((yield post(PATH, asked))))
    calls = [item for item in output if item.get("type") == "function_call"]
    said_back = [call.get(name) for call in calls for name in ("call_id", "name", "arguments")]
    results = [{"type": "function_call_output", "call_id": call.get("call_id"), "output": "4"}
               for call in calls]  # fmt: skip
    if calls and all(isinstance(each, str) for each in said_back):
        yield post(PATH, asked | {"input": [*said, *calls, *results], "max_output_tokens": TOKENS})
    yield post(PATH, good | {"input": RESULTS})


def _output(response: Any) -> list[Body]:
    output = response.get("output") if isinstance(response, dict) else None
    return [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []


def _cut(good: Body, form: Body) -> Turns:
    """The same with room to go on, and then with none."""
    asked = good | {"input": COUNT, "temperature": 0.0}
    yield post(PATH, asked | {"max_output_tokens": LONG})
    yield post(PATH, asked | form)


def _back(thought: Body) -> Turns:
    """Reasoning is asked for, also in its sealed form, and given back untouched; the stream that
    goes on from it has reasoning that is not summed up.
    """
    sealed = {"include": ["reasoning.encrypted_content"]}
    asked = thought | {"reasoning": {"effort": "low", "summary": "auto"}}
    output = _output(answer((yield post(PATH, asked | sealed))))
    thoughts = [item.get("summary") for item in output if item.get("type") == "reasoning"]
    if thoughts and all(isinstance(each, list) for each in thoughts):
        said = user(thought["input"])
        given = {"input": [*said, *output, *user("Go on.")], "reasoning": {"effort": "low"}}
        yield post(PATH, thought | given | {"stream": True})


def _counted(good: Body) -> Turns:
    """The same words as a text, as a part of a message, with instructions, and with a message of
    the system in their place.
    """
    yield post(PATH, good | {"input": WORDS})
    yield post(PATH, good | {"input": [{"role": "user", "content": [_part(WORDS)]}]})
    yield post(PATH, good | {"input": WORDS, "instructions": WORDS})
    system = {"role": "system", "content": WORDS}
    yield post(PATH, good | {"input": [system, *user(WORDS)]})


def _same(asked: Body) -> Turns:
    """Streamed twice, which shows whether the model repeats itself, and then plain."""
    yield post(PATH, asked | {"stream": True})
    yield post(PATH, asked | {"stream": True})
    yield post(PATH, asked)


def _choices(asked: Body) -> Turns:
    """The same request streamed, with no word on the choice of a tool, and with each word on it."""
    yield post(PATH, asked | {"stream": True})
    for choice in ("none", "required", {"type": "function", "name": "get_weather"}):
        yield post(PATH, asked | {"tool_choice": choice})
