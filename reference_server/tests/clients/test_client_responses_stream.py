"""Response streams by the official client: the order of events, their numbers, indexes and ids."""

from itertools import pairwise

import openai
import pytest
from pydantic import BaseModel, Field

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
TIME = {"type": "function", "name": "get_time", "parameters": {"type": "object", "properties": {}}}
MODE = {"format": {"type": "json_object"}}
CASES = {
    "text": {"text": MODE},
    "cut": {"max_output_tokens": 16},
    "probabilities": {"include": ["message.output_text.logprobs"], "top_logprobs": 1, "text": MODE},
    "summary": {"reasoning": {"effort": "low", "summary": "auto"}, "text": MODE},
    "reasoning": {"reasoning": {"effort": "low"}, "text": MODE},
    "calls": {"tools": [WEATHER, TIME]},
    "thoughtful calls": {"tools": [WEATHER, TIME], "reasoning": {"effort": "low", "summary": "auto"}},
    "thought cut": {"reasoning": {"effort": "max"}, "max_output_tokens": 16},
}  # fmt: skip
ASKED = "Use get_time and then get_weather for a very long story."
ITEM = "response.output_item"
PARTS = {
    "response.output_text": "response.content_part",
    "response.reasoning_text": "response.content_part",
    "response.reasoning_summary_text": "response.reasoning_summary_part",
}


@pytest.fixture(scope="module", params=CASES)
def streamed(target, request: pytest.FixtureRequest) -> list:
    members = {"max_output_tokens": 200} | CASES[request.param]
    with target.respond(ASKED, stream=True, **members) as stream:
        return list(stream)


class Person(BaseModel):
    married: bool
    age: int = Field(ge=0, le=150)


def inside(events: list, index: int) -> list:
    return [event for event in events if getattr(event, "output_index", None) == index]


def test_events_are_numbered_without_a_gap(streamed: list) -> None:
    assert [event.sequence_number for event in streamed] == list(range(len(streamed)))


def test_the_response_frames_the_items(streamed: list) -> None:
    names = [event.type for event in streamed]
    assert names[:2] == ["response.created", "response.in_progress"]
    assert names[-1] in ("response.completed", "response.incomplete")
    assert [event.response.status for event in streamed[:2]] == ["in_progress"] * 2
    assert names[-1] == f"response.{streamed[-1].response.status}"
    assert len({event.response.id for event in (*streamed[:2], streamed[-1])}) == 1
    assert all(hasattr(event, "output_index") for event in streamed[2:-1])


def test_items_come_one_after_the_other(streamed: list) -> None:
    indexes = [event.output_index for event in streamed[2:-1]]
    assert indexes == sorted(indexes)
    assert set(indexes) == set(range(len(streamed[-1].response.output)))
    for index, item in enumerate(streamed[-1].response.output):
        first, *events, last = inside(streamed, index)
        assert (first.type, last.type) == (f"{ITEM}.added", f"{ITEM}.done")
        assert (first.item.status, last.item) == ("in_progress", item)
        assert {event.item_id for event in events} == {first.item.id} == {item.id}


def test_ids_of_items_are_their_own(streamed: list) -> None:
    ids = [item.id for item in streamed[-1].response.output]
    assert len(set(ids)) == len(ids)


def test_parts_open_grow_and_close(streamed: list) -> None:
    for index, item in enumerate(streamed[-1].response.output):
        events = inside(streamed, index)[1:-1]
        names = [event.type for event in events]
        if item.type == "function_call":
            stem = "response.function_call_arguments"
            assert names == [f"{stem}.delta"] * (len(names) - 1) + [f"{stem}.done"]
            said, done = "".join(event.delta for event in events[:-1]), events[-1].arguments
            assert said == done == item.arguments
            continue
        stem = names[1].removesuffix(".delta")
        frame = PARTS[stem]
        middle = [f"{stem}.delta"] * (len(names) - 3)
        assert names == [f"{frame}.added", *middle, f"{stem}.done", f"{frame}.done"]
        kept = (item.summary or item.content) if item.type == "reasoning" else item.content
        assert "".join(event.delta for event in events[1:-2]) == events[-2].text == kept[0].text
        assert (events[0].part.text, events[-1].part.text) == ("", kept[0].text)


def test_the_stream_ends_as_the_plain_answer_would(target, streamed: list) -> None:
    final = streamed[-1].response
    members = {"tools": final.tools, "text": final.text.to_dict(), "reasoning": final.reasoning,
               "max_output_tokens": final.max_output_tokens, "top_logprobs": final.top_logprobs}  # fmt: skip
    plain = target.respond(ASKED, **members)
    assert [item.type for item in plain.output] == [item.type for item in final.output]
    assert plain.status == final.status


def test_what_was_streamed_is_remembered(target) -> None:
    with target.respond("My name is Ann.", stream=True) as stream:
        id_ = list(stream)[-1].response.id
    assert target.respond("Who am I?", previous_response_id=id_).previous_response_id == id_


def test_deltas_of_text_carry_their_probabilities(target) -> None:
    members = {"include": ["message.output_text.logprobs"], "top_logprobs": 2}
    with target.respond("Tell me a story.", stream=True, **members) as stream:
        events = list(stream)
    deltas = [event for event in events if event.type == "response.output_text.delta"]
    done = next(event for event in events if event.type == "response.output_text.done")
    found = [token.to_dict() for delta in deltas for token in delta.logprobs]
    assert found == [token.to_dict() for token in done.logprobs]
    assert all(len(token.top_logprobs) == 2 for token in done.logprobs)


def test_the_helper_folds_text(target) -> None:
    with target.client.responses.stream(
        model=target.model, input="Ann.", text_format=Person
    ) as stream:
        events = list(stream)
        response = stream.get_final_response()
    snapshots = [e.snapshot for e in events if e.type == "response.output_text.delta"]
    assert all(later.startswith(earlier) for earlier, later in pairwise(snapshots))
    assert snapshots[-1] == response.output_text
    assert isinstance(response.output_parsed, Person)


def test_the_helper_folds_calls(target) -> None:
    with target.client.responses.stream(
        model=target.model, input="Use get_weather.", tools=[WEATHER]
    ) as stream:
        deltas = [e for e in stream if e.type == "response.function_call_arguments.delta"]
        response = stream.get_final_response()
    assert deltas[-1].snapshot == response.output[0].arguments
    assert response.output[0].parsed_arguments.keys() == {"city"}


def test_the_helper_follows_reasoning(target) -> None:
    with target.client.responses.stream(
        model=target.model,
        input="Why?",
        reasoning={"effort": "low", "summary": "auto"},
        text=MODE,
    ) as stream:
        stream.until_done()
        response = stream.get_final_response()
    assert [item.type for item in response.output] == ["reasoning", "message"]


def test_a_refusal_comes_before_the_stream(target) -> None:
    with pytest.raises(openai.BadRequestError):
        target.respond([{"role": "user"}], stream=True)
