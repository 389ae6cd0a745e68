"""Response formats by the official client: JSON, JSON Schema, and classes parsed from them."""

import json
from enum import Enum

import openai
import pytest
from jsonschema import validate
from pydantic import BaseModel, Field

LONG = {"max_tokens": 250}
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2},
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}


class Mood(Enum):
    GOOD = "good"
    BAD = "bad"


class Child(BaseModel):
    age: int = Field(ge=0, le=150)


class Person(BaseModel):
    mood: Mood
    married: bool
    nickname: str | None
    children: list[Child]


def by(schema: object, **more: object) -> dict:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, **more}}


def test_json_mode_gives_an_object(target) -> None:
    answer = target.chat("Ann as JSON.", response_format={"type": "json_object"}, **LONG)
    assert isinstance(json.loads(answer.choices[0].message.content), dict)
    assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize(
    "more",
    [
        {"minProperties": 1, "additionalProperties": True},
        {"minProperties": 1, "additionalProperties": {"type": "integer", "maximum": 99}},
        {"minProperties": 4},
        {"maxProperties": 1},
    ],
    ids=str,
)
def test_members_without_a_name_end(target, more: dict) -> None:
    open_ = {"type": "object"} | more
    for seed in range(3):
        answer = target.chat("Ann.", response_format=by(open_), seed=seed, **LONG)
        validate(json.loads(answer.choices[0].message.content), open_)


@pytest.mark.parametrize("strict", [True, False, None])
def test_a_schema_holds(target, strict: object) -> None:
    for seed in range(3):
        answer = target.chat("Ann.", response_format=by(PERSON, strict=strict), seed=seed, **LONG)
        assert answer.choices[0].finish_reason == "stop"
        validate(json.loads(answer.choices[0].message.content), PERSON)


def test_a_schema_holds_in_a_stream(target) -> None:
    members = {"response_format": by(PERSON)} | LONG
    with target.chat("Ann.", stream=True, **members) as stream:
        text = "".join(c.choices[0].delta.content or "" for c in stream)
    assert text == target.chat("Ann.", **members).choices[0].message.content
    validate(json.loads(text), PERSON)


def test_a_schema_holds_with_probabilities_and_reasoning(target) -> None:
    answer = target.chat(
        "Ann.", response_format=by(PERSON), reasoning_effort="low", logprobs=True, **LONG
    )
    tokens = answer.choices[0].logprobs.content
    text = b"".join(bytes(token.bytes) for token in tokens).decode()
    assert text == answer.choices[0].message.content
    validate(json.loads(text), PERSON)


def test_text_is_the_default_format(target) -> None:
    plain = target.chat().choices[0].message
    assert target.chat(response_format={"type": "text"}).choices[0].message == plain


def test_parse_gives_the_class(target) -> None:
    answer = target.client.chat.completions.parse(
        model=target.model,
        messages=[{"role": "user", "content": "Ann, in a good mood, married, two children."}],
        response_format=Person,
    )
    assert isinstance(answer.choices[0].message.parsed, Person)


def test_parse_tells_of_an_answer_that_was_cut(target) -> None:
    with pytest.raises(openai.LengthFinishReasonError):
        target.client.chat.completions.parse(
            model=target.model,
            messages=[{"role": "user", "content": "Ann."}],
            response_format=Person,
            max_tokens=3,
        )


def test_the_streaming_helper_parses_as_it_goes(target) -> None:
    with target.client.chat.completions.stream(
        model=target.model,
        messages=[{"role": "user", "content": "Ann."}],
        response_format=Person,
    ) as stream:
        done = [event for event in stream if event.type == "content.done"]
        parsed = stream.get_final_completion().choices[0].message.parsed
    assert [each.parsed for each in done] == [parsed]
    assert isinstance(parsed, Person)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "uniqueItems": True},
        {"type": "nothing"},
        {"$ref": "#/nowhere"},
        {"type": "string", "minLength": "x"},
        {"type": "object", "required": 5},
        {"type": "object", "properties": 5},
    ],
    ids=["unsupported", "no-type", "no-reference", "no-number", "no-list", "no-object"],
)
def test_a_schema_that_cannot_be_used_is_refused(target, schema: object) -> None:
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as caught:
            target.chat(response_format=by(schema), stream=stream)
        assert caught.value.param == "response_format"
