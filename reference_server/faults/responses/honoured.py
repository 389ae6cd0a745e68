"""Faults of responses: what is asked for and not done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reference_server.faults.fault import behaviour, fault
from reference_server.faults.responses.parts import (
    Json,
    each_item,
    each_part,
    items_of,
    parts_of,
)

ON = "responses"
STREAM = "responses-stream"
CALLED_WHOLE: Json = {"status": "completed", "incomplete_details": None}


def _counting(body: Json, asked: int) -> Json:
    """A response that counted so many tokens of input."""
    usage = body["usage"] | {"input_tokens": asked}
    return body | {"usage": usage | {"total_tokens": asked + usage["output_tokens"]}}


@fault(breaks={"responses.previous-used"}, on=ON)
def forgets_what_went_before(sent: Any, body: Json) -> Json | None:
    """Goes on from a response without reading it."""
    return _counting(body, 6) if sent.get("previous_response_id") else None


def _format(sent: Any) -> Any:
    return ((sent.get("text") or {}).get("format") or {}).get("type")


def _saying(body: Json, text: str) -> Json:
    return each_part(body, lambda part: part | {"text": text, "logprobs": []})


@fault(breaks={"responses.schema-honoured"}, on=ON, field="ST-04")
def ignores_schemas(sent: Any, body: Json) -> Json | None:
    """Answers in prose where a schema is asked for."""
    return _saying(body, "Ann is married.") if _format(sent) == "json_schema" else None


@fault(breaks={"responses.schema-honoured"}, on=ON)
def fencesjson_of(sent: Any, body: Json) -> Json | None:
    """Puts the JSON text into a block of Markdown."""
    if _format(sent) != "json_schema":
        return None
    return each_part(body, lambda part: part | {"text": f"```json\n{part['text']}\n```"})


@fault(breaks={"responses.json-object-honoured"}, on=ON)
def ignores_json_mode(sent: Any, body: Json) -> Json | None:
    """Answers in prose where JSON is asked for."""
    return _saying(body, "Here is Ann.") if _format(sent) == "json_object" else None


@fault(breaks={"responses.tool-choice-honoured"}, on=ON)
def calls_all_the_same(sent: Any, body: Json) -> Json | None:
    """Calls a tool where none is to be called."""
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "get_time"}
    call |= {"arguments": "{}", "status": body["status"]}
    return body | {"output": [call]} if sent.get("tool_choice") == "none" else None


@fault(breaks={"responses.tool-choice-honoured"}, on=ON)
def calls_what_it_likes(sent: Any, body: Json) -> Json | None:
    """Calls another tool than the one that was chosen."""
    if not isinstance(sent.get("tool_choice"), dict):
        return None
    return each_item(body, "function_call", lambda call: call | {"name": "get_time"})


@fault(breaks={"responses.tool-choice-honoured"}, on=ON)
def calls_nothing_required(sent: Any, body: Json) -> Json | None:
    """Answers in prose where a call is required."""
    part = {"type": "output_text", "text": "No.", "annotations": [], "logprobs": []}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
    done = CALLED_WHOLE | {"output": [item | {"content": [part]}]}
    return body | done if sent.get("tool_choice") == "required" else None


@fault(breaks={"responses.parts-counted"}, on=ON, field="SE-09")
def drops_parts(sent: Any, body: Json) -> Json | None:
    """Leaves the text of parts out of the prompt."""
    return _counting(body, 4) if any(parts_of(item) for item in items_of(sent)) else None


@fault(breaks={"responses.instructions-counted"}, on=ON)
def drops_instructions(sent: Any, body: Json) -> Json | None:
    """Leaves the instructions out of the prompt."""
    return _counting(body, 4) if sent.get("instructions") else None


@fault(breaks={"responses.cut-is-incomplete"}, on=ON, field="RS-08")
def calls_cut_answers_whole(sent: Any, body: Json) -> Json | None:
    """Says completed of an answer that was cut, where nothing was left to chance."""
    if sent.get("temperature") != 0:
        return None
    whole = [item | {"status": "completed"} for item in body["output"]]
    cut = body["status"] == "incomplete" and all(i["type"] == "message" for i in whole)
    return body | CALLED_WHOLE | {"output": whole} if cut else None


@fault(breaks={"responses.cut-is-incomplete"}, on=STREAM, field="RS-08")
def calls_cut_streams_whole(chunks: list[Json]) -> Iterator[Json]:
    """Ends a stream that was cut with response.completed."""
    for event in chunks:
        if event["type"] == "response.incomplete":
            whole = event["response"] | CALLED_WHOLE
            yield event | {"type": "response.completed", "response": whole}
        else:
            yield event


def _made(body: Json, over: int) -> Json | None:
    """A response that was cut so many tokens above its limit."""
    if body["status"] != "incomplete":
        return None
    told = body["usage"]
    return body | {"usage": told | {"output_tokens": told["output_tokens"] + over,
                                    "total_tokens": told["total_tokens"] + over}}  # fmt: skip


@fault(breaks={"responses.max-output-tokens"}, on=ON)
def ignores_the_limit(body: Json) -> Json | None:
    """Makes more tokens than it was allowed to."""
    return _made(body, 9)


@fault(breaks={"responses.max-output-tokens-exact"}, on=ON)
def makes_one_token_more(body: Json) -> Json | None:
    """Looks at the limit when it has passed it."""
    return _made(body, 1)


@fault(breaks={"responses.same-items"}, on=ON)
def drops_what_came_before_calls(body: Json) -> Json | None:
    """Keeps nothing but the calls where there are any."""
    calls = [item for item in body["output"] if item["type"] == "function_call"]
    return body | {"output": calls} if calls else None


behaviour(
    "responses.goes-on-from-nothing",
    "Answers every request as if it were the first.",
    breaks={"responses.previous-used", "responses.unknown-previous-refused"},
    on="responses.continue responses.unknown-previous",
)
behaviour(
    "responses.reads-no-instructions",
    "Overlooks the instructions.",
    breaks={
        "responses.instructions-counted",
        "responses.echo",
        "semantics.instructions-as-system",
    },
    on="responses.counted",
)
