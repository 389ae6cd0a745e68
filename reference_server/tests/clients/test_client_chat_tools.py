"""Tools by the official client: choices of a tool, parallel calls, and the loop with their results."""

import json

import openai
import pytest
from jsonschema import validate
from pydantic import BaseModel, Field


class Weather(BaseModel):
    """Weather of a city."""

    city: str
    days: int = Field(ge=1, le=14)


def tool(name: str, **properties: object) -> dict:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


WEATHER = tool("get_weather", city={"type": "string"}, unit={"enum": ["C", "F"]})
TIME = tool("get_time", zone={"type": "integer", "minimum": -12, "maximum": 12})
TOOLS = [WEATHER, TIME]
LONG = {"max_tokens": 200}
BOTH = "Use get_time and then get_weather for Paris."


def calls(answer: object) -> list:
    choice = answer.choices[0]
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    for call in choice.message.tool_calls:
        known = next(t for t in TOOLS if t["function"]["name"] == call.function.name)
        validate(json.loads(call.function.arguments), known["function"]["parameters"])
    ids = [call.id for call in choice.message.tool_calls]
    assert len(set(ids)) == len(ids)
    return [call.function.name for call in choice.message.tool_calls]


def test_auto_calls_a_tool(target) -> None:
    assert calls(target.chat("Weather in Paris?", tools=TOOLS, **LONG))[0] in (
        "get_weather",
        "get_time",
    )


def test_none_calls_nothing(target) -> None:
    answer = target.chat("Weather in Paris?", tools=TOOLS, tool_choice="none")
    assert answer.choices[0].message.tool_calls is None
    assert answer.choices[0].message.content


def test_required_calls_whatever_was_said_last(target) -> None:
    messages = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello."}]
    members = {"messages": messages, "tools": TOOLS, "tool_choice": "required"}
    assert len(calls(target.chat(**members, **LONG))) == 1


@pytest.mark.parametrize("name", ["get_weather", "get_time"])
def test_a_named_tool_is_the_one(target, name: str) -> None:
    choice = {"type": "function", "function": {"name": name}}
    assert calls(target.chat(BOTH, tools=TOOLS, tool_choice=choice, **LONG)) == [name]


def test_calls_are_made_in_parallel_unless_forbidden(target) -> None:
    assert calls(target.chat(BOTH, tools=TOOLS, **LONG)) == ["get_time", "get_weather"]
    assert len(calls(target.chat(BOTH, tools=TOOLS, parallel_tool_calls=False, **LONG))) == 1


@pytest.mark.parametrize("choice", [{"type": "function", "function": {"name": "other"}}, "any"])
def test_a_choice_that_is_no_choice_is_refused(target, choice: object) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        target.chat(tools=TOOLS, tool_choice=choice)
    assert caught.value.param.startswith("tool_choice")


def test_required_without_tools_is_refused(target) -> None:
    with pytest.raises(openai.BadRequestError, match="tool_choice"):
        target.chat(tool_choice="required")


def test_results_are_answered_in_a_later_turn(target) -> None:
    messages: list = [{"role": "user", "content": BOTH}]
    first = target.chat(messages=messages, tools=TOOLS, **LONG).choices[0].message
    messages.append(first)
    messages += [
        {"role": "tool", "tool_call_id": call.id, "content": f"Result {n}."}
        for n, call in enumerate(first.tool_calls)
    ]
    answer = target.chat(messages=messages, tools=TOOLS)
    assert answer.choices[0].message.content
    assert answer.choices[0].message.tool_calls is None
    messages += [answer.choices[0].message, {"role": "user", "content": "And get_weather of Rome?"}]
    assert calls(target.chat(messages=messages, tools=TOOLS, **LONG)) == ["get_weather"]


def test_results_may_be_parts(target) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "Time?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "Noon."}]},
    ]
    assert target.chat(messages=messages, tools=TOOLS).choices[0].message.content


def test_a_call_cut_by_the_limit_says_so(target) -> None:
    choice = target.chat("Weather?", tools=[WEATHER], max_tokens=12).choices[0]
    assert choice.finish_reason == "length"


def test_each_choice_calls(target) -> None:
    answer = target.chat("Time?", tools=[TIME], n=2, **LONG)
    ids = [choice.message.tool_calls[0].id for choice in answer.choices]
    assert len(set(ids)) == 2


def test_deltas_of_calls_fold_to_the_plain_answer(target) -> None:
    plain = target.chat(BOTH, tools=TOOLS, **LONG).choices[0].message.tool_calls
    found: dict[int, list] = {}
    with target.chat(BOTH, tools=TOOLS, stream=True, **LONG) as stream:
        for delta in [
            piece for chunk in stream for piece in chunk.choices[0].delta.tool_calls or ()
        ]:
            found.setdefault(delta.index, []).append(delta)
    assert list(found) == [0, 1]
    for first, *rest in found.values():
        assert (first.type, bool(first.id)) == ("function", True)
        assert all(piece.id is None and piece.function.name is None for piece in rest)
        assert len(rest) > 1
    pieces = [
        (all_[0].function.name, "".join(p.function.arguments for p in all_))
        for all_ in found.values()
    ]
    assert pieces == [(call.function.name, call.function.arguments) for call in plain]


def test_the_streaming_helper_parses_calls(target) -> None:
    with target.client.chat.completions.stream(
        model=target.model,
        messages=[{"role": "user", "content": "Weather in Rome?"}],
        tools=[openai.pydantic_function_tool(Weather)],
        seed=7,
    ) as stream:
        events = list(stream)
        message = stream.get_final_completion().choices[0].message
    done = [e for e in events if e.type == "tool_calls.function.arguments.done"]
    assert [each.parsed_arguments for each in done] == [
        message.tool_calls[0].function.parsed_arguments
    ]
    assert isinstance(done[0].parsed_arguments, Weather)


def test_parse_gives_arguments_as_their_class(target) -> None:
    answer = target.client.chat.completions.parse(
        model=target.model,
        messages=[{"role": "user", "content": "Weather in Rome?"}],
        tools=[openai.pydantic_function_tool(Weather)],
    )
    assert isinstance(answer.choices[0].message.tool_calls[0].function.parsed_arguments, Weather)


@pytest.mark.parametrize("given", [{}, {"parameters": {}}, {"parameters": {"type": "object"}}])
def test_a_tool_that_names_no_parameters_is_called_with_an_object(target, given: dict) -> None:
    """Once the name of a member went on for ever."""
    ping = {"type": "function", "function": {"name": "ping", **given}}
    call = target.chat("Ping!", tools=[ping], **LONG).choices[0].message.tool_calls[0]
    assert isinstance(json.loads(call.function.arguments), dict)
