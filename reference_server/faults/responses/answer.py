"""Faults of responses: what an answer has."""

from __future__ import annotations

from collections.abc import Iterator

from reference_server.faults.fault import fault
from reference_server.faults.responses.parts import Json, each_item, each_part, without

ON = "responses"
STREAM = "responses-stream"


@fault(breaks={"responses.members"}, on=ON)
def forgets_tools(body: Json) -> Json:
    """Leaves the tools out."""
    return without(body, "tools", "tool_choice")


@fault(breaks={"responses.members"}, on=ON)
def answers_as_chat(body: Json) -> Json:
    """Calls the object a chat.completion."""
    return body | {"object": "chat.completion"}


@fault(breaks={"responses.members"}, on=STREAM, field="RS-20")
def begins_with_a_stub(chunks: list[Json]) -> Iterator[Json]:
    """Carries id, object and status alone in the first events."""
    for event in chunks:
        response = event.get("response")
        if response and response["status"] == "in_progress":
            kept = {name: response[name] for name in ("id", "object", "status")}
            yield event | {"response": kept}
        else:
            yield event


@fault(breaks={"responses.status-known"}, on=ON)
def is_done(body: Json) -> Json | None:
    """Says `done` for completed."""
    return body | {"status": "done"} if body["status"] == "completed" else None


@fault(breaks={"responses.status-final"}, on=ON)
def never_finishes(body: Json) -> Json | None:
    """Leaves the status in progress."""
    return body | {"status": "in_progress"} if body["status"] == "completed" else None


@fault(breaks={"responses.error-object"}, on=ON)
def sends_empty_errors(body: Json) -> Json:
    """Sends an empty string for no error."""
    return body | {"error": ""}


@fault(breaks={"responses.error-when-failed"}, on=ON)
def sends_errors_of_nothing(body: Json) -> Json:
    """Sends an error that says nothing with every answer."""
    return body | {"error": {"code": "", "message": ""}}


@fault(breaks={"responses.details-object"}, on=ON)
def numbers_its_reasons(body: Json) -> Json | None:
    """Sends a number for the reason."""
    return body | {"incomplete_details": {"reason": 1}} if body["incomplete_details"] else None


@fault(breaks={"responses.details-when-incomplete"}, on=ON)
def forgets_the_reason(body: Json) -> Json:
    """Never says why an answer is incomplete."""
    return body | {"incomplete_details": None}


@fault(breaks={"responses.details-when-incomplete"}, on=ON)
def keeps_a_reason(body: Json) -> Json | None:
    """Gives a reason for an answer that is complete."""
    complete = body["status"] == "completed"
    return body | {"incomplete_details": {"reason": "content_filter"}} if complete else None


@fault(breaks={"responses.reason-known"}, on=ON)
def says_length(body: Json) -> Json | None:
    """Gives the reason of chat."""
    details = {"incomplete_details": {"reason": "length"}}
    return body | details if body["incomplete_details"] else None


@fault(breaks={"responses.settings-present"}, on=ON)
def forgets_metadata(body: Json) -> Json:
    """Leaves the metadata out."""
    return without(body, "metadata")


@fault(breaks={"responses.echo"}, on=ON, field="RS-28")
def echoes_constants(body: Json) -> Json:
    """Says the same of its settings whatever was asked for."""
    constants = {"metadata": {}, "parallel_tool_calls": True, "tool_choice": "auto"}
    return body | constants


@fault(breaks={"responses.echo"}, on=ON)
def echoes_a_default(body: Json) -> Json:
    """Says the temperature of the model, not the one that was asked for."""
    return body | {"temperature": 0.8}


@fault(breaks={"responses.usage-members"}, on=ON)
def counts_as_chat(body: Json) -> Json:
    """Gives usage the names of chat."""
    usage = body["usage"]
    names = {"prompt_tokens": usage["input_tokens"], "completion_tokens": usage["output_tokens"]}
    return body | {"usage": without(usage, "input_tokens", "output_tokens") | names}


@fault(breaks={"responses.usage-adds-up"}, on=ON)
def forgets_the_input(body: Json) -> Json:
    """Leaves the input out of the total."""
    usage = body["usage"]
    return body | {"usage": usage | {"total_tokens": usage["output_tokens"]}}


@fault(breaks={"responses.usage-details"}, on=ON)
def forgets_details(body: Json) -> Json:
    """Leaves the details of usage out."""
    details = ("input_tokens_details", "output_tokens_details")
    return body | {"usage": without(body["usage"], *details)}


@fault(breaks={"responses.created-at-whole"}, on=ON)
def tells_the_time_to_a_fraction(body: Json) -> Json:
    """Sends the clock as it is, seconds with a fraction."""
    return body | {"created_at": body["created_at"] - 0.25}


@fault(breaks={"responses.completed-at"}, on=ON)
def ends_before_it_began(body: Json) -> Json | None:
    """Reads another clock for the end."""
    ended = body["created_at"] - 3600
    return body | {"completed_at": ended} if body["completed_at"] else None


@fault(breaks={"responses.item-type"}, on=ON)
def forgets_types_of_items(body: Json) -> Json:
    """Leaves `type` out of the items."""
    return body | {"output": [without(item, "type") for item in body["output"]]}


@fault(breaks={"responses.part-type"}, on=ON)
def forgets_types_of_parts(body: Json) -> Json:
    """Leaves `type` out of the parts."""
    return each_part(body, lambda part: without(part, "type"))


@fault(breaks={"responses.item-members"}, on=ON)
def forgets_ids_of_messages(body: Json) -> Json:
    """Leaves `id` out of messages."""
    return each_item(body, "message", lambda item: without(item, "id"))


@fault(breaks={"responses.item-members"}, on=ON)
def sends_argument_objects(body: Json) -> Json:
    """Sends arguments as an object, not as text."""
    return each_item(body, "function_call", lambda item: item | {"arguments": {}})


@fault(breaks={"responses.item-members"}, on=ON)
def forgets_call_ids(body: Json) -> Json:
    """Leaves `call_id` out of calls."""
    return each_item(body, "function_call", lambda item: without(item, "call_id"))


@fault(breaks={"responses.item-members"}, on=ON)
def summarises_as_text(body: Json) -> Json:
    """Sends the summary of reasoning as text, not as parts."""
    return each_item(body, "reasoning", lambda item: item | {"summary": "I thought."})


@fault(breaks={"responses.part-members"}, on=ON)
def forgets_annotations(body: Json) -> Json:
    """Leaves `annotations` out of texts."""
    return each_part(body, lambda part: without(part, "annotations"))


@fault(breaks={"responses.part-members"}, on=STREAM)
def adds_parts_without_annotations(chunks: list[Json]) -> Iterator[Json]:
    """Leaves `annotations` out of a text when it is added."""
    for event in chunks:
        added = event["type"] == "response.content_part.added"
        yield event | {"part": without(event["part"], "annotations")} if added else event


@fault(breaks={"responses.arguments-json"}, on=ON)
def writes_python(body: Json) -> Json:
    """Writes the arguments of a call with the wrong quotes."""
    return each_item(
        body,
        "function_call",
        lambda item: item | {"arguments": "{'city': 'Rome'}"},
    )


@fault(breaks={"responses.reasoning-sealed"}, on=ON)
def seals_nothing(body: Json) -> Json:
    """Sends the plain text of reasoning for its sealed form."""
    return each_item(
        body,
        "reasoning",
        lambda i: i | {"encrypted_content": "".join(p["text"] for p in i["summary"])},
    )


@fault(breaks={"responses.item-ids-unique"}, on=ON)
def shares_an_id(body: Json) -> Json:
    """Gives every item of an answer the same id."""
    return body | {"output": [item | {"id": f"item_{body['id']}"} for item in body["output"]]}


@fault(breaks={"responses.call-ids-unique"}, on=ON)
def shares_a_call_id(body: Json) -> Json:
    """Gives every call of an answer the same call_id."""
    return each_item(body, "function_call", lambda item: item | {"call_id": "call_0"})


@fault(breaks={"responses.some-item"}, on=ON)
def says_nothing(body: Json) -> Json | None:
    """Completes without an item."""
    return body | {"output": []} if body["status"] == "completed" else None


@fault(breaks={"responses.unique-ids"}, on=ON)
def has_one_id(body: Json) -> Json:
    """Gives every response the same id."""
    return body | {"id": "resp_1"}
