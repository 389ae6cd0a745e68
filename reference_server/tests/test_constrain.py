"""What a schema says holds on random weights; what cannot be held is refused, named and at once."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from schemas import HELD, OPEN, REFUSED, members
from serving import Inside, ask, connect, inside, sequences

from reference_server.constrain import Constraints, Uncompilable
from reference_server.engine.embedded import Embedded
from reference_server.sampling import Sampler

SEEDS = range(3)
LONGEST = 8000  # tokens of an answer that comes to its end
SOON = 2.0  # seconds of this process's own time for a refusal
ENGINE = Embedded(0.0)
CONSTRAINTS = Constraints(ENGINE)
FORMATS = Draft202012Validator.FORMAT_CHECKER


def spoken(schema: Any, seed: int) -> str | None:
    """What the engine says when a schema holds it; None if it comes to no end."""
    constraint, sampler = CONSTRAINTS.schema(schema), Sampler(seed=seed)
    state, said = ENGINE.open(ENGINE.encode("Say something.")), bytearray()
    for _ in range(LONGEST):
        token = sampler.choose(ENGINE.scores([state])[0], constraint.allowed()).token
        if token in ENGINE.ends:
            return said.decode()
        said.append(token)
        ENGINE.push([state], [token])
        if constraint.push(token):
            return said.decode()
    return None


@pytest.mark.parametrize("name", HELD)
def test_answers_are_valid_on_random_weights(name: str) -> None:
    validator = Draft202012Validator(HELD[name], format_checker=FORMATS)
    for seed in SEEDS:
        said = spoken(HELD[name], seed)
        assert said is not None or name in OPEN
        if said is not None:
            validator.validate(json.loads(said))


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_held_is_refused_at_once(name: str) -> None:
    schema, word = REFUSED[name]
    began = time.process_time()
    with pytest.raises(Uncompilable) as refused:
        CONSTRAINTS.schema(schema, "here")
    assert time.process_time() - began < SOON
    assert (refused.value.status, refused.value.param) == (400, "here")
    assert word in refused.value.message


@pytest.fixture(scope="module")
def server() -> Iterator[Inside]:
    with inside(Embedded(0.0)) as made:
        yield made


CARRIERS = {
    "response_format": lambda schema: ("/v1/chat/completions", {
        "messages": [{"role": "user", "content": "x"}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}}),
    "text.format": lambda schema: ("/v1/responses", {
        "input": "x", "text": {"format": {"type": "json_schema", "name": "x", "schema": schema}}}),
    "tools": lambda schema: ("/v1/chat/completions", {
        "messages": [{"role": "user", "content": "x"}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": members(a=schema)}}]}),
    "tools, flat": lambda schema: ("/v1/responses", {
        "input": "x", "tools": [{"type": "function", "name": "f", "parameters": members(a=schema)}]}),
}  # fmt: skip


def send(server: Inside, path: str, body: Any) -> tuple[int, Any]:
    sent = json.dumps({"model": "embedded"} | body).encode()
    reply = ask(connect(server.url), "POST", path, sent)
    return reply.status, json.loads(reply.body)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_request_with_such_a_schema_is_refused(
    server: Inside, carrier: str, *, stream: bool
) -> None:
    """A stream is refused before it begins."""
    for name, (schema, _) in REFUSED.items():
        size, own = len(json.dumps(schema)), "#" in json.dumps(schema)
        if carrier.startswith("tools") and (own or size > ENGINE.context):
            continue  # it refers to its own root, and here it is a part; it is told to the model
        path, body = CARRIERS[carrier](schema)
        status, said = send(server, path, body | {"stream": stream})
        assert (status, said["error"]["param"]) == (400, carrier.partition(",")[0]), name
    assert sequences(server.url) == 0
    assert (
        send(server, path, {"messages": [{"role": "user", "content": "x"}], "input": "x"})[0] == 200
    )


@pytest.mark.parametrize("value", [5, "text", [], [{}], True, False])
@pytest.mark.parametrize("carrier", ["response_format", "text.format"])
def test_what_is_no_schema_is_refused(server: Inside, carrier: str, value: object) -> None:
    path, body = CARRIERS[carrier](value)
    status, said = send(server, path, body)
    assert status == (200 if value is True and carrier == "response_format" else 400)
    if status == 400:
        assert said["error"]["param"].startswith(carrier)


def test_many_schemas_at_once_leave_the_server_well(server: Inside) -> None:
    for number in range(150):  # more than are kept compiled
        schema = members(**{f"m{number}": {"const": number}})
        path, body = CARRIERS["response_format"](schema)
        status, said = send(server, path, body)
        content = said["choices"][0]["message"]["content"]
        assert (status, json.loads(content)) == (200, {f"m{number}": number})
