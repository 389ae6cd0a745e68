"""Requests of every kind, each by its number, and what of an answer may not change."""

import json
import operator
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import local
from typing import Any

from serving import Reply, ask, connect

Json = dict[str, Any]
AT_ONCE = 16
PATIENCE = 600  # seconds for a reply of a model that runs a sequence at a time
NEAR = 1e-3  # of fractions
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "look_up_weather", "parameters": CITY}
CLOCK = {
    "name": "tell_time",
    "parameters": {"type": "object", "properties": {"zone": {"enum": ["utc", "cet"]}}},
}
BOOK = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "pages": {"type": "integer", "minimum": 1, "maximum": 999},
        "tags": {"type": "array", "items": {"enum": ["new", "old", "rare"]}},
    },
    "required": ["title", "pages", "tags"],
}  # fmt: skip
TEXTS = (
    "Tell me about the sea.", "Go on: 3 4 5", "Say this again: blue bird", "日本 und Übermut 😀",
    "List three colours, one on each line.", "",
)  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """A request, with the statuses that may answer it."""

    path: str
    body: bytes | None
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()
    allowed: tuple[int, ...] = (200,)


def sent(path: str, body: Json) -> Sent:
    return Sent(path, json.dumps(body).encode())


def chat(number: int, **members: Any) -> Sent:
    text = f"{TEXTS[number % len(TEXTS)]} ({number % 50})"
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]
    body = {"messages": messages, "seed": number, "max_tokens": 20, "temperature": 0.9}
    return sent("/chat/completions", body | members)


def text(number: int, **members: Any) -> Sent:
    body = {"prompt": f"{TEXTS[number % len(TEXTS)]}\n", "seed": number, "max_tokens": 20}
    return sent("/completions", body | members)


def response(number: int, **members: Any) -> Sent:
    body = {"input": f"{TEXTS[number % len(TEXTS)]} ({number % 50})", "temperature": 0.9}
    return sent("/responses", body | {"max_output_tokens": 20, "seed": number} | members)


def tools(*functions: Json) -> list[Json]:
    return [{"type": "function", "function": function} for function in functions]


def schema(given: Json) -> Json:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": given}}


def flat(given: Json) -> Json:
    return {"format": {"type": "json_schema", "name": "x", "schema": given}}


WORDY: Json = {"max_tokens": 200}
GENERATING: Sequence[Callable[[int], Sent]] = (
    chat,
    lambda n: chat(n, temperature=0),
    lambda n: chat(n, frequency_penalty=1.5, presence_penalty=-0.5, top_p=0.8),
    lambda n: chat(n, n=3, stream=n % 2 == 0),
    lambda n: chat(n, stop=["e", " 7", "\n"], logprobs=True, top_logprobs=3),
    lambda n: chat(n, response_format=schema(BOOK), **WORDY),
    lambda n: chat(n, response_format={"type": "json_object"}, temperature=0, **WORDY),
    lambda n: chat(n, tools=tools(WEATHER, CLOCK), stream=n % 3 == 0, **WORDY),
    lambda n: chat(n, tools=tools(WEATHER, CLOCK), tool_choice="required", **WORDY),
    lambda n: chat(n, stream=True, stream_options={"include_usage": True}),
    lambda n: chat(n, logit_bias={"101": -100, "32": 3}, reasoning_effort="low"),
    text,
    lambda n: text(n, temperature=0, stream=n % 2 == 0),
    lambda n: text(n, prompt=["One two", "Alpha beta"], n=2, presence_penalty=1.0),
    lambda n: text(n, echo=True, logprobs=2, stop="a"),
    response,
    lambda n: response(n, stream=True, temperature=0),
    lambda n: response(n, text=flat(BOOK), max_output_tokens=200),
    lambda n: response(n, tools=[{"type": "function", **WEATHER}], stream=n % 2 == 0),
    lambda n: response(n, reasoning={"effort": "low", "summary": "auto"}, instructions="Hm."),
)


def generating(number: int, model: str) -> Sent:
    """A request that is answered by text of the model."""
    return addressed(GENERATING[number % len(GENERATING)](number), model)


def addressed(request: Sent, model: str) -> Sent:
    """The same request, for a model."""
    body = json.dumps({"model": model} | json.loads(request.body)).encode()
    return Sent(request.path, body, request.method, request.headers, request.allowed)


IDS = re.compile(rb"\b(chatcmpl-|cmpl-|resp_|msg_|rs_|fc_|call_)[0-9a-f]{24}")
FRACTION = re.compile(rb"-?\d+(?:\.\d+(?:e[-+]?\d+)?|e[-+]?\d+)")
TIMES = re.compile(rb'"(created|created_at|completed_at)":\d+')


def essence(reply: Reply) -> tuple[int, bytes]:
    """What must be the same each time: everything but ids and times."""
    return reply.status, TIMES.sub(rb"", IDS.sub(rb"\1", reply.body))


def together(url: str, requests: Sequence[Sent], threads: int) -> list[Reply]:
    """The replies to all requests, so many at a time, over connections that are kept."""
    kept = local()

    def one(request: Sent) -> Reply:
        if not hasattr(kept, "connection"):
            kept.connection = connect(url, PATIENCE)
        return ask(
            kept.connection,
            request.method,
            f"/v1{request.path}",
            request.body,
            dict(request.headers),
        )

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, requests))


def differing(url: str, model: str, count: int, *, exactly: bool = True) -> list[int]:
    """The numbers of the requests whose answers depend on what runs beside them. On a device whose
    sums depend on the size of a batch, fractions are `alike` when they are near (not `exactly`).
    """
    requests = [generating(number, model) for number in range(count)]
    alone = [essence(reply) for reply in together(url, requests, 1)]
    assert {status for status, _ in alone} == {200}
    assert len({body for _, body in alone}) > count * 0.6  # seeds and kinds make a difference
    mixed = sorted(range(count), key=lambda n: (n * 7919) % count)
    beside = dict(zip(mixed, together(url, [requests[n] for n in mixed], AT_ONCE), strict=True))
    same = operator.eq if exactly else alike
    return [n for n in range(count) if not same(essence(beside[n]), alone[n])]


def alike(one: tuple[int, bytes], other: tuple[int, bytes]) -> bool:
    """Whether two essences are the same but for the last digits of fractions."""
    words = [(status, FRACTION.sub(b"", body)) for status, body in (one, other)]
    numbers = zip(*(map(float, FRACTION.findall(body)) for _, body in (one, other)), strict=False)
    return words[0] == words[1] and all(a == b or abs(a - b) < NEAR for a, b in numbers)
