"""Dialogues of several turns: going on from an answer, repeating a request, several at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from conformance.probes.chat import PATH as CHAT
from conformance.probes.chat import TIME, WEATHER, user
from conformance.probes.probe import Probe, Turns, answer, post

RESPONSES = "/responses"
COMPLETIONS = "/completions"
TOKENS = 16
SEED = 7
WORDS = ("Àfrica", "Àustria", "Àlgebra")  # of which no answer has another by chance
Body = dict[str, Any]


def chat(model: str) -> Iterator[Probe]:
    """Dialogues by chat."""
    asked = {"model": model, "messages": user("Count from 1 to 5."), "max_tokens": TOKENS}
    yield Probe("chat.continue", "chat", lambda: _continue(asked), 2, 2 * TOKENS)
    yield Probe("chat.tool-loop", "chat", lambda: _tool_loop(model), 3, 9 * TOKENS)
    yield from _of_form(CHAT, "chat", "chat-stream", lambda text: {
        "model": model, "messages": user(text), "max_tokens": TOKENS})  # fmt: skip


def completions(model: str) -> Iterator[Probe]:
    """Dialogues by completions."""
    yield from _of_form(COMPLETIONS, "completions", "completions-stream", lambda text: {
        "model": model, "prompt": text, "max_tokens": TOKENS})  # fmt: skip


def responses(model: str) -> Iterator[Probe]:
    """Dialogues by responses."""
    asked = {"model": model, "input": "Count from 1 to 5.", "max_output_tokens": TOKENS}
    yield Probe("responses.continue", "responses", lambda: _from_response(asked), 2, 2 * TOKENS)
    yield from _of_form(RESPONSES, "responses", "responses-stream", lambda text: {
        "model": model, "input": text, "max_output_tokens": TOKENS})  # fmt: skip


def _of_form(path: str, plain: str, streamed: str, body: Any) -> Iterator[Probe]:
    """The same request three times, and three streams at once."""
    seed = {} if path == RESPONSES else {"seed": SEED}
    asked = body("Name three colours.") | {"temperature": 0.0, **seed}
    yield Probe(f"{plain}.thrice", plain, lambda: _thrice(path, asked), 3, 3 * TOKENS)
    greedy = {"stream": True, "temperature": 0.0}
    streams = tuple(
        post(path, body(f"{word}, {word}, {word}. Repeat this word.") | greedy) for word in WORDS
    )
    yield Probe(f"{streamed}.at-once", streamed, lambda: _at_once(*streams), 3, 3 * TOKENS)


def _continue(asked: Body) -> Turns:
    first = answer((yield post(CHAT, asked)))
    try:
        said = first["choices"][0]["message"]
    except (KeyError, IndexError, TypeError):
        return
    yield post(CHAT, asked | {"messages": [*asked["messages"], said, *user("Go on.")]})


def _tool_loop(model: str) -> Turns:
    """Two tools are called, their results are sent, and the model answers; content is null beside
    the calls. Then the same again, but with one call at a time.
    """
    messages = user("Use get_weather and get_time: what are the weather and the time in Paris?")
    asked: Body = {"model": model, "messages": messages, "tools": [WEATHER, TIME]}
    asked |= {"max_tokens": 4 * TOKENS}
    calls = _called(answer((yield post(CHAT, asked))))
    said = {"role": "assistant", "content": None, "tool_calls": calls}
    results = [{"role": "tool", "tool_call_id": call["id"], "content": json.dumps({"degrees": 4})}
               for call in calls]  # fmt: skip
    told = {"messages": [*messages, said, *results], "max_tokens": TOKENS}
    yield post(CHAT, asked | told)
    yield post(CHAT, asked | {"parallel_tool_calls": False, "tool_choice": "auto"})


def _called(first: Any) -> list[Body]:
    """The tool calls of an answer that finished with them; a made-up one where there are none."""
    try:
        choice = first["choices"][0]
        calls = choice["message"]["tool_calls"]
        told = [text for call in calls for text in (call["id"], call["function"]["arguments"])]
        if choice["finish_reason"] == "tool_calls" and told and all(type(t) is str for t in told):
            return list(calls)
    except (KeyError, IndexError, TypeError, ValueError):
        pass
    call = {"name": "get_weather", "arguments": '{"city":"Paris"}'}
    return [{"id": "call_1", "type": "function", "function": call}]


def _from_response(asked: Body) -> Turns:
    first = answer((yield post(RESPONSES, asked)))
    if isinstance(first, dict) and isinstance(first.get("id"), str):
        yield post(RESPONSES, asked | {"input": "Go on.", "previous_response_id": first["id"]})


def _thrice(path: str, asked: Body) -> Turns:
    for _ in range(3):
        yield post(path, asked)


def _at_once(*requests: Any) -> Turns:
    yield tuple(requests)
