"""Responses by the official client: input, what is remembered, reasoning, tools and formats."""

import json
import time

import openai
import pytest
from jsonschema import validate
from pydantic import BaseModel, Field

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Weather of a city.",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
TIME = {"type": "function", "name": "get_time", "parameters": {"type": "object", "properties": {}}}
LONG = {"max_output_tokens": 250}
BOTH = "Use get_time and then get_weather."


class Child(BaseModel):
    age: int = Field(ge=0, le=150)


class Person(BaseModel):
    married: bool
    children: list[Child]


def kinds(response: object) -> list[str]:
    return [item.type for item in response.output]


def test_a_response_has_its_form(target) -> None:
    response = target.respond("Tell me a very long story.")
    assert response.id.startswith("resp_")
    assert abs(response.created_at - time.time()) < 60
    assert (response.model, response.object) == (target.model, "response")
    assert response.output_text == response.output[0].content[0].text != ""
    usage = response.usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    assert (response.error, kinds(response)) == (None, ["message"])


def test_settings_are_told_as_they_were_asked_for(target) -> None:
    asked = {
        "instructions": "Be kind.",
        "temperature": 0.5,
        "top_p": 0.9,
        "max_output_tokens": 16,
        "metadata": {"a": "b"},
        "parallel_tool_calls": False,
        "tool_choice": "none",
        "truncation": "disabled",
    }
    response = target.respond(tools=[WEATHER], **asked)
    assert {name: getattr(response, name) for name in asked} == asked
    assert response.tools[0].to_dict() == WEATHER
    assert response.text.format.type == "text"


def test_an_answer_that_is_complete_says_so(target) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}
    wanted = {"format": {"type": "json_schema", "name": "x", "schema": schema}}
    response = target.respond(text=wanted, **LONG)
    assert (response.status, response.incomplete_details) == ("completed", None)
    assert response.output[0].status == "completed"


def test_an_answer_that_is_cut_is_incomplete(target) -> None:
    response = target.respond("Tell me a very long story.", max_output_tokens=16)
    assert (response.status, response.incomplete_details.reason) == (
        "incomplete",
        "max_output_tokens",
    )
    assert response.output[-1].status == "incomplete"
    assert response.usage.output_tokens == 16


def test_instructions_are_read(target) -> None:
    short, long = (
        target.respond(instructions="Be kind. " * n, max_output_tokens=16) for n in (1, 9)
    )
    assert long.usage.input_tokens > short.usage.input_tokens + 8


@pytest.mark.parametrize(
    "given",
    [
        [{"role": "user", "content": "Hello"}],
        [{"type": "message", "role": "developer", "content": "Be kind."}, {"role": "user", "content": "Hello"}],
        [{"role": "system", "content": "Be kind."}, {"role": "user", "content": [{"type": "input_text", "text": "Hello"}]}],
        [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello."}, {"role": "user", "content": "Bye"}],
        [{"role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]}, {"role": "user", "content": "Bye"}],
        [{"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}, {"role": "user", "content": "Bye"}],
    ],
    ids=["easy", "developer", "parts", "turns", "output", "refusal"],
)  # fmt: skip
def test_input_of_every_form_is_answered(target, given: list) -> None:
    assert target.respond(given).output_text


def test_pictures_are_read_and_nothing_is_fetched(target, picture) -> None:
    def show(url: str) -> object:
        parts = [{"type": "input_text", "text": "What is this?"},
                 {"type": "input_image", "image_url": url, "detail": "auto"}]  # fmt: skip
        return target.respond([{"role": "user", "content": parts}], max_output_tokens=16)

    without = target.respond("What is this?", max_output_tokens=16)
    assert show(picture()).usage.input_tokens > without.usage.input_tokens
    for url in ("http://127.0.0.1/x.png", picture()[:60], "data:image/png;base64,%"):
        with pytest.raises(openai.BadRequestError) as caught:
            show(url)
        assert caught.value.param == "input[0].content[1].image_url"


def test_a_response_goes_on_from_another(target) -> None:
    first = target.respond("My name is Ann.")
    second = target.respond("What is my name?", previous_response_id=first.id)
    third = target.respond("And again?", previous_response_id=second.id)
    alone = target.respond("And again?")
    assert second.previous_response_id == first.id
    assert alone.usage.input_tokens < second.usage.input_tokens < third.usage.input_tokens


def test_output_given_as_input_is_the_same_conversation(target) -> None:
    first = target.respond("My name is Ann.")
    turns = [{"role": "user", "content": "My name is Ann."}, *first.output,
             {"role": "user", "content": "What is my name?"}]  # fmt: skip
    by_id = target.respond("What is my name?", previous_response_id=first.id)
    by_items = target.respond(turns)
    assert by_id.usage.input_tokens == by_items.usage.input_tokens


def test_what_is_not_stored_is_not_found(target) -> None:
    unstored = target.respond(store=False)
    assert unstored.store is False
    for id_ in (unstored.id, "resp_none"):
        with pytest.raises(openai.BadRequestError) as caught:
            target.respond(previous_response_id=id_)
        assert (caught.value.code, caught.value.param) == (
            "previous_response_not_found",
            "previous_response_id",
        )


def test_reasoning_is_an_item_with_a_summary(target) -> None:
    members = {"reasoning": {"effort": "low", "summary": "auto"}, "max_output_tokens": 60}
    response = target.respond("Why?", include=["reasoning.encrypted_content"], **members)
    assert kinds(response) == ["reasoning", "message"]
    thought = response.output[0]
    assert thought.summary[0].text
    assert thought.encrypted_content
    assert response.usage.output_tokens_details.reasoning_tokens > 0
    assert response.reasoning.effort == "low"
    turns = [
        {"role": "user", "content": "Why?"},
        *response.output,
        {"role": "user", "content": "Oh?"},
    ]
    assert target.respond(turns).output_text


def test_reasoning_without_a_summary_is_its_content(target) -> None:
    response = target.respond("Why?", reasoning={"effort": "low"}, max_output_tokens=60)
    thought = response.output[0]
    assert (thought.type, thought.summary) == ("reasoning", [])
    assert thought.content[0].text
    assert thought.encrypted_content is None
    assert kinds(target.respond("Why?", reasoning={"effort": "none"})) == ["message"]


def test_calls_and_their_results_go_through_later_turns(target) -> None:
    turns: list = [{"role": "user", "content": BOTH}]
    first = target.respond(turns, tools=[WEATHER, TIME], **LONG)
    assert [item.name for item in first.output] == ["get_time", "get_weather"]
    validate(json.loads(first.output[1].arguments), WEATHER["parameters"])
    results = [
        {"type": "function_call_output", "call_id": item.call_id, "output": "Fine."}
        for item in first.output
    ]
    by_items = target.respond([*turns, *first.output, *results], tools=[WEATHER, TIME])
    by_id = target.respond(results, previous_response_id=first.id, tools=[WEATHER, TIME])
    assert kinds(by_items) == kinds(by_id) == ["message"]
    assert by_items.usage.input_tokens == by_id.usage.input_tokens


def test_results_may_be_parts(target) -> None:
    turns = [
        {"role": "user", "content": "Time?"},
        {"type": "function_call", "call_id": "c", "name": "get_time", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "Noon."}]},
    ]  # fmt: skip
    assert target.respond(turns, tools=[TIME]).output_text


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("none", []),
        ("required", ["get_weather"]),
        ("auto", ["get_weather"]),
        ({"type": "function", "name": "get_weather"}, ["get_weather"]),
    ],
    ids=["none", "required", "auto", "named"],
)
def test_the_choice_of_a_tool_is_honoured(target, choice: object, names: list[str]) -> None:
    response = target.respond("Rain?", tools=[WEATHER], tool_choice=choice, **LONG)
    assert [item.name for item in response.output if item.type == "function_call"] == names


def test_calls_are_made_one_by_one_when_told_so(target) -> None:
    response = target.respond(BOTH, tools=[WEATHER, TIME], parallel_tool_calls=False, **LONG)
    assert kinds(response) == ["function_call"]


def test_a_format_holds(target) -> None:
    schema = Person.model_json_schema()
    wanted = {"format": {"type": "json_schema", "name": "person", "schema": schema}}
    response = target.respond("Ann.", text=wanted, **LONG)
    validate(json.loads(response.output_text), schema)
    assert response.text.format.name == "person"
    mode = target.respond("Ann as JSON.", text={"format": {"type": "json_object"}}, **LONG)
    assert isinstance(json.loads(mode.output_text), dict)


def test_parse_gives_classes(target) -> None:
    made = target.client.responses.parse(
        model=target.model, input="Ann, with two children.", text_format=Person
    )
    assert isinstance(made.output_parsed, Person)
    called = target.client.responses.parse(
        model=target.model, input="Ann?", tools=[openai.pydantic_function_tool(Person)["function"] | {"type": "function"}]
    )  # fmt: skip
    assert isinstance(json.loads(called.output[0].arguments), dict)


def test_probabilities_come_when_included(target) -> None:
    response = target.respond(include=["message.output_text.logprobs"], top_logprobs=2)
    found = response.output[0].content[0].logprobs
    text = b"".join(bytes(token.bytes) for token in found).decode()
    assert text == response.output_text
    assert all(len(token.top_logprobs) == 2 for token in found)
    assert target.respond().output[0].content[0].logprobs == []


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"input": [{"type": "web_search_call"}]}, "input[0]"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"type": "reasoning", "summary": "x"}]}, "input[0].summary"),
        ({"input": [{"role": "king", "content": "x"}]}, "input[0].role"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tool_choice": {"type": "function", "name": "x"}}, "tool_choice"),
        ({"background": True}, "background"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema"),
        ({"temperature": 3}, "temperature"),
    ],
    ids=str,
)
def test_what_is_not_done_is_refused(target, members: dict, param: str) -> None:
    given = {"input": "Hello", "max_output_tokens": 16} | members
    with pytest.raises(openai.BadRequestError) as caught:
        target.client.responses.create(model=target.model, **given)
    assert caught.value.param == param


def test_stored_responses_cannot_be_fetched(target) -> None:
    with pytest.raises(openai.NotFoundError):
        target.client.responses.retrieve(target.respond().id)
