"""Faults of the tool calls in a plain answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from reference_server.faults.chat.answer import each_choice, each_message, without
from reference_server.faults.fault import fault

ON = "chat"
Json = dict[str, Any]


def each_call(body: Json, change: Callable[[Json], Json]) -> Json:
    """An answer with every tool call changed."""

    def changed(message: Json) -> Json:
        if not message.get("tool_calls"):
            return message
        return message | {"tool_calls": [change(call) for call in message["tool_calls"]]}

    return each_message(body, changed)


def _function(call: Json, **members: Any) -> Json:
    return call | {"function": call["function"] | members}


def _arguments(body: Json, change: Callable[[str], Any]) -> Json:
    return each_call(body, lambda c: _function(c, arguments=change(c["function"]["arguments"])))


@fault(breaks={"chat.tool-finish"}, on=ON)
def stops_after_calls(body: Json) -> Json:
    """Finishes with stop after a tool call."""
    return each_choice(
        body, lambda c: c | {"finish_reason": "stop"} if c["message"].get("tool_calls") else c
    )


@fault(breaks={"chat.tool-finish"}, on=ON, field="TC-14")
def stops_where_a_call_is_required(sent: Any, body: Json) -> Json | None:
    """Finishes with stop where a tool call was required."""
    return stops_after_calls(body) if sent.get("tool_choice") == "required" else None


@fault(breaks={"chat.tool-finish"}, on=ON)
def announces_calls(sent: Any, body: Json) -> Json | None:
    """Finishes with tool_calls where tools were offered and none was called."""

    def change(choice: Json) -> Json:
        called = choice["message"].get("tool_calls")
        return choice if called else choice | {"finish_reason": "tool_calls"}

    return each_choice(body, change) if sent.get("tools") else None


@fault(breaks={"chat.tool-members"}, on=ON)
def forgets_call_ids(body: Json) -> Json:
    """Leaves the ids of tool calls out."""
    return each_call(body, lambda call: without(call, "id"))


@fault(breaks={"chat.tool-members"}, on=ON)
def forgets_empty_arguments(body: Json) -> Json:
    """Leaves the arguments out where there are none."""

    def change(call: Json) -> Json:
        empty = call["function"]["arguments"] in ("{}", "{ }")
        return call | {"function": without(call["function"], "arguments")} if empty else call

    return each_call(body, change)


@fault(breaks={"http.schema"}, on=ON, field="TC-18")
def sends_argument_objects(body: Json) -> Json:
    """Sends arguments as an object, not as text."""
    return _arguments(body, lambda _: {"city": "Paris"})


@fault(breaks={"chat.tool-ids-differ"}, on=ON)
def numbers_no_calls(body: Json) -> Json:
    """Gives every call of an answer the same id."""
    return each_call(body, lambda call: call | {"id": "call_0"})


@fault(breaks={"chat.tool-offered"}, on=ON)
def calls_what_is_not_there(body: Json) -> Json:
    """Calls a tool that was not offered."""
    return each_call(body, lambda call: _function(call, name="search_web"))


@fault(breaks={"chat.tool-offered"}, on=ON, field="TC-29")
def takes_text_for_a_call(sent: Any, body: Json) -> Json | None:
    """Reads a tool call out of JSON text, though no tool was offered."""
    if sent.get("tools") or not sent.get("response_format") or "logprobs" in sent:
        return None
    call = {"id": "call_0", "type": "function", "function": {"name": "Paris", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return each_choice(body, lambda c: c | {"message": message, "finish_reason": "tool_calls"})


@fault(breaks={"chat.tool-arguments-object"}, on=ON, field="TC-05")
def hides_the_cut(body: Json) -> Json:
    """Says tool_calls where the limit of tokens cut the call."""

    def change(choice: Json) -> Json:
        cut = choice["finish_reason"] == "length" and choice["message"].get("tool_calls")
        return choice | {"finish_reason": "tool_calls"} if cut else choice

    return each_choice(body, change)


@fault(breaks={"chat.tool-arguments-object"}, on=ON, field="TC-27")
def leaves_the_fence(body: Json) -> Json:
    """Leaves the fence of a code block before the arguments."""
    return _arguments(body, lambda text: f"json\n{text}")


@fault(breaks={"chat.tool-arguments-object"}, on=ON, field="TC-30")
def encodes_twice(body: Json) -> Json:
    """Encodes the arguments twice."""
    return _arguments(body, json.dumps)


@fault(breaks={"chat.no-empty-tool-calls"}, on=ON)
def sends_empty_calls(body: Json) -> Json:
    """Sends an empty array where nothing is called."""
    return each_message(body, lambda message: {"tool_calls": []} | message)


@fault(breaks={"chat.no-empty-tool-calls"}, on=ON)
def sends_null_calls(body: Json) -> Json:
    """Sends null where nothing is called."""
    return each_message(body, lambda message: {"tool_calls": None} | message)
