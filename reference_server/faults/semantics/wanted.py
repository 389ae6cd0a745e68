"""Faults that overlook what is asked for: JSON, a schema, the choice of a tool."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from reference_server.faults.chat.answer import each_choice
from reference_server.faults.chat_stream.entries import each_piece, entry, with_
from reference_server.faults.fault import fault
from reference_server.faults.responses.parts import each_item
from reference_server.faults.semantics.again import saying

ON = "chat"
STREAM = "chat-stream"
Json = dict[str, Any]


def _format(sent: Any) -> Any:
    return (sent.get("response_format") or {}).get("type")


def _in_format(sent: Any, kind: str) -> bool:
    return _format(sent) == kind and not sent.get("logprobs")


@fault(breaks={"semantics.json-mode"}, on=ON, field="ST-01")
def fences_json(sent: Any, body: Json) -> Json | None:
    """Puts JSON into a block of Markdown."""
    wanted = _in_format(sent, "json_object")
    return saying(body, lambda text: f"```json\n{text}\n```") if wanted else None


@fault(breaks={"semantics.json-mode"}, on=ON, field="ST-07")
def breaks_lines_in_strings(sent: Any, body: Json) -> Json | None:
    """Leaves control characters in the strings of JSON as they are."""
    wanted = _in_format(sent, "json_object")
    return saying(body, lambda _: '{"text":"one\ntwo"}') if wanted else None


@fault(breaks={"semantics.json-mode"}, on=STREAM, field="ST-01")
def streams_prose_for_json(sent: Any, chunks: list[Json]) -> Iterator[Json]:
    """Says a word before the JSON of a stream."""
    begun = not _in_format(sent, "json_object")
    for chunk in chunks:
        said = entry(chunk).get("delta", {}).get("content")
        if said and not begun:
            begun = True
            yield with_(chunk, delta=entry(chunk)["delta"] | {"content": f"Here it is: {said}"})
        else:
            yield chunk


@fault(breaks={"semantics.json-object"}, on=ON)
def lists_in_json_mode(sent: Any, body: Json) -> Json | None:
    """Answers with a list in JSON mode."""
    wanted = _in_format(sent, "json_object")
    return saying(body, lambda text: f"[{text}]") if wanted else None


def _strict(sent: Any) -> Any:
    return ((sent.get("response_format") or {}).get("json_schema") or {}).get("strict")


@fault(breaks={"semantics.schema"}, on=ON)
def forgets_required_members(sent: Any, body: Json) -> Json | None:
    """Answers a schema with any object."""
    wanted = _in_format(sent, "json_schema") and _strict(sent)
    return saying(body, lambda _: "{}") if wanted else None


@fault(breaks={"semantics.schema"}, on=STREAM)
def streams_more_than_the_schema(sent: Any, chunks: list[Json]) -> Iterator[Json]:
    """Adds a member that the schema does not have."""
    begun = not (_in_format(sent, "json_schema") and _strict(sent))
    for chunk in chunks:
        said = entry(chunk).get("delta", {}).get("content")
        if said and not begun:
            begun = True
            more = said.replace("{", '{"note":"",', 1)
            yield with_(chunk, delta=entry(chunk)["delta"] | {"content": more})
        else:
            yield chunk


@fault(breaks={"semantics.schema-order"}, on=ON, field="VA-13")
def sorts_members(sent: Any, body: Json) -> Json | None:
    """Sorts the keys of a schema, so that the members of the answer come in that order."""
    return saying(body, _sorted) if _in_format(sent, "json_schema") else None


def _sorted(text: str) -> str:
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return text


@fault(breaks={"semantics.schema-order"}, on=STREAM, field="VA-13")
def streams_sorted_members(sent: Any, chunks: list[Json]) -> Iterator[Json]:
    """Streams the members of an answer to a schema in the order of the alphabet."""
    said = [entry(chunk).get("delta", {}).get("content") or "" for chunk in chunks]
    whole = _sorted("".join(said)) if _in_format(sent, "json_schema") else "".join(said)
    first = next((n for n, text in enumerate(said) if text), 0)
    changed = whole != "".join(said)
    for n, chunk in enumerate(chunks):
        if changed and said[n]:
            text = whole if n == first else ""
            yield with_(chunk, delta=entry(chunk)["delta"] | {"content": text})
        else:
            yield chunk


@fault(breaks={"semantics.loose-schema"}, on=ON)
def ignores_ranges(sent: Any, body: Json) -> Json | None:
    """Overlooks the range of a number in a schema."""
    wanted = _in_format(sent, "json_schema") and not _strict(sent)
    return saying(body, lambda _: '{"legs":1000}') if wanted else None


def _calling(body: Json, change: Any) -> Json:
    def changed(choice: Json) -> Json:
        message = choice["message"]
        if not message.get("tool_calls"):
            return choice
        calls = [call | {"function": change(call["function"])} for call in message["tool_calls"]]
        return choice | {"message": message | {"tool_calls": calls}}

    return each_choice(body, changed)


@fault(breaks={"semantics.chat-arguments"}, on=ON)
def makes_arguments_up(sent: Any, body: Json) -> Json | None:
    """Calls a tool with arguments that it does not have."""
    if body["choices"][0]["finish_reason"] != "tool_calls":
        return None
    return _calling(body, lambda f: f | {"arguments": '{"city":5,"seats":"two"}'})


@fault(breaks={"semantics.chat-arguments"}, on=STREAM)
def streams_no_arguments(sent: Any, chunks: list[Json]) -> Iterator[Json]:
    """Calls a tool without the arguments that it needs."""
    seen: set[int] = set()

    def changed(piece: Json) -> Json:
        function = piece.get("function") or {}
        if not function.get("arguments"):
            return piece
        first = piece["index"] not in seen
        seen.add(piece["index"])
        return piece | {"function": function | {"arguments": "{}" if first else ""}}

    done = any(entry(chunk).get("finish_reason") == "tool_calls" for chunk in chunks)
    yield from each_piece(chunks, changed) if done else chunks


@fault(breaks={"semantics.responses-arguments"}, on="responses")
def responds_with_other_arguments(body: Json) -> Json | None:
    """Calls a function with arguments that it does not have."""
    if body["status"] != "completed":
        return None
    return each_item(body, "function_call", lambda call: call | {"arguments": '{"city":5}'})


def _called(body: Json, functions: list[Json]) -> Json:
    calls = [
        {"id": f"call_{body['id'][-6:]}_{n}", "type": "function", "function": function}
        for n, function in enumerate(functions)
    ]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    return each_choice(
        body, lambda c: c | {"message": message, "logprobs": None, "finish_reason": "tool_calls"}
    )


@fault(breaks={"semantics.chat-tool-loop-closes"}, on=ON)
def calls_for_ever(sent: Any, body: Json) -> Json | None:
    """Calls the same tool again when it has the result."""
    last = sent["messages"][-1]
    offered = {tool["function"]["name"] for tool in sent.get("tools") or ()}
    calls = [c for m in sent["messages"] for c in m.get("tool_calls") or ()]
    known = [c["function"] for c in calls if c["function"]["name"] in offered]
    again = last["role"] == "tool" and known and sent.get("tool_choice") is None
    return _called(body, known[:1]) if again else None


@fault(breaks={"semantics.responses-tool-loop-closes"}, on="responses")
def responds_for_ever(sent: Any, body: Json) -> Json | None:
    """Calls the same function again when it has the output."""
    given = sent.get("input")
    items = [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
    calls = [item for item in items if item.get("type") == "function_call"]
    ended = items and items[-1].get("type") == "function_call_output"
    if not ended or not calls or not sent.get("tools"):
        return None
    call = {"type": "function_call", "id": f"fc_{body['id'][-6:]}", "status": "completed"}
    call |= {name: calls[0][name] for name in ("name", "arguments")}
    done = {"status": "completed", "incomplete_details": None}
    return body | done | {"output": [call | {"call_id": f"call_{body['id'][-6:]}"}]}


TIME = {"name": "get_time", "arguments": '{"city":"Oslo"}'}


@fault(breaks={"semantics.tool-choice-none"}, on=ON)
def calls_what_is_forbidden(sent: Any, body: Json) -> Json | None:
    """Calls a tool where none is to be called."""
    return _called(body, [TIME]) if sent.get("tool_choice") == "none" else None


@fault(breaks={"semantics.tool-choice-required"}, on=ON)
def calls_nothing_all_the_same(sent: Any, body: Json) -> Json | None:
    """Answers in prose where a call is required."""
    message = {"role": "assistant", "content": "No."}
    ended = {"message": message, "finish_reason": "stop"}
    wanted = sent.get("tool_choice") == "required"
    return each_choice(body, lambda c: c | ended) if wanted else None


@fault(breaks={"semantics.tool-choice-named"}, on=ON)
def calls_another_tool(sent: Any, body: Json) -> Json | None:
    """Calls another tool than the one that is named."""
    choice = sent.get("tool_choice")
    named = choice["function"]["name"] if isinstance(choice, dict) else ""
    return _called(body, [TIME]) if named == "get_weather" else None
