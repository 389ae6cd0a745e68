"""Faults in what becomes of chat requests, and of what they ask for."""

from __future__ import annotations

import json
from typing import Any

from conformance.wire.exchange import Reply
from reference_server.faults.chat.answer import each_message, usage
from reference_server.faults.fault import fault
from reference_server.faults.replies import completion, error

ON = "chat"
BOTH = "chat chat-stream"
Json = dict[str, Any]


def _messages(sent: Any) -> list[Json]:
    found = sent.get("messages") if isinstance(sent, dict) else None
    return [m for m in found if isinstance(m, dict)] if isinstance(found, list) else []


def _parts(sent: Any) -> list[Json]:
    contents = [message.get("content") for message in _messages(sent)]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    return [part for part in parts if isinstance(part, dict)]


def _calls(sent: Any) -> list[Json]:
    """The tool calls of the history."""
    found = [message.get("tool_calls") for message in _messages(sent)]
    calls = [call for each in found if isinstance(each, list) for call in each]
    return [call for call in calls if isinstance(call, dict)]


def _given(sent: Any, name: str) -> Any:
    return sent.get(name) if isinstance(sent, dict) else None


def _takes(sent: Any, reply: Reply, *, bad: bool) -> Reply | None:
    """An answer where a refusal is due."""
    return completion(reply, sent) if bad and reply.status == 400 else None


def _refuses(reply: Reply, said: str, *, bad: bool) -> Reply | None:
    """A refusal where an answer is due."""
    return error(reply, 400, said) if bad and reply.status == 200 else None


def _fails(reply: Reply, *, bad: bool) -> Reply | None:
    return error(reply, 500, "internal error", "server_error") if bad else None


@fault(breaks={"chat.empty-messages"}, on=ON)
def answers_nobody(sent: Any, reply: Reply) -> Reply | None:
    """Answers a conversation without a message."""
    return _takes(sent, reply, bad=_given(sent, "messages") == [])


@fault(breaks={"chat.content-required"}, on=ON)
def answers_silence(sent: Any, reply: Reply) -> Reply | None:
    """Takes a user's message without content."""
    silent = [m for m in _messages(sent) if m.get("role") == "user" and "content" not in m]
    return _takes(sent, reply, bad=bool(silent))


@fault(breaks={"chat.empty-content"}, on=ON)
def answers_no_parts(sent: Any, reply: Reply) -> Reply | None:
    """Takes an empty array for content."""
    return _takes(sent, reply, bad=any(m.get("content") == [] for m in _messages(sent)))


@fault(breaks={"chat.part-complete"}, on=BOTH)
def drops_parts_without_text(sent: Any, reply: Reply) -> Reply | None:
    """Drops a part of type text that has none."""
    bad = any(part.get("type") == "text" and "text" not in part for part in _parts(sent))
    return _takes(sent, reply, bad=bad)


@fault(breaks={"chat.part-complete"}, on=BOTH)
def drops_pictures_without_an_address(sent: Any, reply: Reply) -> Reply | None:
    """Drops a picture that has no URL."""
    return _takes(sent, reply, bad=any(part.get("image_url") == {} for part in _parts(sent)))


@fault(breaks={"chat.damaged-picture"}, on=ON)
def drops_damaged_pictures(sent: Any, reply: Reply) -> Reply | None:
    """Drops a picture that cannot be decoded."""
    return _takes(sent, reply, bad=any("@@@" in json.dumps(part) for part in _parts(sent)))


@fault(breaks={"chat.tool-result-id"}, on=ON)
def guesses_the_call(sent: Any, reply: Reply) -> Reply | None:
    """Takes a result that belongs to no call."""
    results = [m for m in _messages(sent) if m.get("role") == "tool" and m.get("content")]
    return _takes(sent, reply, bad=any("tool_call_id" not in m for m in results))


@fault(breaks={"chat.no-tokens"}, on=ON)
def takes_no_tokens_for_no_limit(sent: Any, reply: Reply) -> Reply | None:
    """Takes a limit of 0 tokens for none."""
    limit = _given(sent, "max_tokens")
    return _takes(sent, reply, bad=type(limit) is int and limit <= 0)


@fault(breaks={"chat.many-stops"}, on=ON)
def takes_many_stops(sent: Any, reply: Reply) -> Reply | None:
    """Takes more than four stop sequences."""
    stop = _given(sent, "stop")
    return _takes(sent, reply, bad=isinstance(stop, list) and len(stop) > 4)


@fault(breaks={"chat.schema-required"}, on=ON)
def forgets_the_schema(sent: Any, reply: Reply) -> Reply | None:
    """Answers in free text where a format by schema has no schema."""
    return _takes(sent, reply, bad=_given(sent, "response_format") == {"type": "json_schema"})


@fault(breaks={"chat.unknown-tool-choice"}, on=ON)
def ignores_unknown_tools(sent: Any, reply: Reply) -> Reply | None:
    """Ignores a choice of a tool that is not offered."""
    return _takes(sent, reply, bad=isinstance(_given(sent, "tool_choice"), dict))


@fault(breaks={"chat.n-range"}, on=ON, field="VA-02")
def takes_none_for_one(sent: Any, reply: Reply) -> Reply | None:
    """Answers `n: 0` by one choice."""
    return _takes(sent, reply, bad=_given(sent, "n") == 0)


@fault(breaks={"chat.top-logprobs-range"}, on=ON)
def takes_any_number_of_alternatives(sent: Any, reply: Reply) -> Reply | None:
    """Takes any `top_logprobs`."""
    top = _given(sent, "top_logprobs")
    return _takes(sent, reply, bad=type(top) is int and top > 20)


@fault(breaks={"chat.lone-top-logprobs"}, on=ON)
def ignores_lone_alternatives(sent: Any, reply: Reply) -> Reply | None:
    """Ignores `top_logprobs` without `logprobs`."""
    lone = _given(sent, "top_logprobs") is not None and not _given(sent, "logprobs")
    return _takes(sent, reply, bad=lone)


@fault(breaks={"chat.effort-known"}, on=ON)
def takes_any_effort(sent: Any, reply: Reply) -> Reply | None:
    """Takes an effort that nobody knows."""
    return _takes(sent, reply, bad=_given(sent, "reasoning_effort") == "huge")


def _roles(sent: Any) -> list[Any]:
    return [message.get("role") for message in _messages(sent)]


@fault(breaks={"chat.developer-role"}, on=ON)
def knows_no_developers(sent: Any, reply: Reply) -> Reply | None:
    """Refuses messages of the developer."""
    return _refuses(reply, "unknown role developer", bad="developer" in _roles(sent))


@fault(breaks={"chat.null-beside-calls"}, on=ON)
def wants_text_beside_calls(sent: Any, reply: Reply) -> Reply | None:
    """Refuses null content beside tool calls."""
    null = [m for m in _messages(sent) if m.get("content", "") is None]
    return _refuses(reply, "content is null", bad=bool(null))


@fault(breaks={"http.valid-accepted"}, on=ON, field="VA-06")
def wants_content_beside_calls(sent: Any, reply: Reply) -> Reply | None:
    """Refuses a message that calls tools and has no content."""
    bare = [m for m in _messages(sent) if "tool_calls" in m and "content" not in m]
    return _refuses(reply, "content is missing", bad=bool(bare))


@fault(breaks={"http.valid-accepted", "chat.null-beside-calls"}, on=ON, field="VA-03")
def wants_argument_objects(sent: Any, reply: Reply) -> Reply | None:
    """Refuses a history whose calls have text for arguments."""
    return _refuses(reply, "arguments must be an object", bad=bool(_calls(sent)))


@fault(breaks={"chat.any-order"}, on=ON)
def wants_the_system_first(sent: Any, reply: Reply) -> Reply | None:
    """Refuses a system message that is not the first."""
    return _refuses(reply, "system must be the first", bad="system" in _roles(sent)[1:])


@fault(breaks={"chat.any-order"}, on=ON)
def wants_the_user_last(sent: Any, reply: Reply) -> Reply | None:
    """Refuses a conversation that ends with the assistant."""
    return _refuses(reply, "the last must be user", bad=_roles(sent)[-1:] == ["assistant"])


@fault(breaks={"chat.history-members"}, on=ON)
def knows_no_refusals(sent: Any, reply: Reply) -> Reply | None:
    """Refuses a message with the member `refusal`."""
    return _refuses(reply, "unknown member", bad=any("refusal" in m for m in _messages(sent)))


def _schemas(sent: Any) -> str:
    return json.dumps(_given(sent, "tools") or [])


@fault(breaks={"chat.tool-schemas"}, on=ON, field="VA-12")
def reads_types_as_text(sent: Any, reply: Reply) -> Reply | None:
    """Refuses a list of types in the parameters of a tool."""
    return _refuses(reply, "type must be a string", bad='"type": [' in _schemas(sent))


@fault(breaks={"chat.tool-schemas"}, on=ON)
def reads_no_references(sent: Any, reply: Reply) -> Reply | None:
    """Refuses references in the parameters of a tool."""
    return _refuses(reply, "$ref is not supported", bad='"$ref"' in _schemas(sent))


@fault(breaks={"http.valid-accepted"}, on=ON, field="VA-19")
def wants_parameters(sent: Any, reply: Reply) -> Reply | None:
    """Refuses a tool without parameters."""
    tools = _given(sent, "tools") or []
    bare = reply.status == 200 and any("parameters" not in tool["function"] for tool in tools)
    return _refuses(reply, "parameters are missing", bad=bare)


@fault(breaks={"http.valid-accepted"}, on=ON, field="VA-22")
def puts_descriptions_into_its_grammar(sent: Any, reply: Reply) -> Reply | None:
    """Refuses a tool whose description has brackets in it."""
    bad = reply.status == 200 and "{Zahlen}" in _schemas(sent)
    return _refuses(reply, "failed to parse grammar", bad=bad)


@fault(breaks={"http.valid-accepted"}, on=ON, field="ST-03")
def knows_no_text_format(sent: Any, reply: Reply) -> Reply | None:
    """Refuses the response format text."""
    wanted = _given(sent, "response_format")
    return _refuses(reply, "must be json_schema", bad=wanted == {"type": "text"})


@fault(breaks={"http.valid-accepted"}, on="chat-stream")
def refuses_controls(sent: Any, reply: Reply) -> Reply | None:
    """Refuses text with control characters."""
    return _refuses(reply, "control characters", bad="\\u001b" in json.dumps(_messages(sent)))


@fault(breaks={"chat.tool-choice"}, on=BOTH)
def chooses_no_tool_by_name(sent: Any, reply: Reply) -> Reply | None:
    """Refuses a tool that is chosen by its name."""
    return _refuses(reply, "auto only", bad=isinstance(_given(sent, "tool_choice"), dict))


@fault(breaks={"chat.effort"}, on=BOTH)
def knows_no_maximum(sent: Any, reply: Reply) -> Reply | None:
    """Refuses the effort max."""
    return _refuses(reply, "low, medium or high", bad=_given(sent, "reasoning_effort") == "max")


@fault(breaks={"chat.logprobs-accepted"}, on=BOTH, field="VA-18")
def wants_a_number_of_alternatives(sent: Any, reply: Reply) -> Reply | None:
    """Refuses `logprobs` without `top_logprobs`."""
    lone = _given(sent, "logprobs") is True and "top_logprobs" not in sent
    return _refuses(reply, "top_logprobs is missing", bad=lone)


@fault(breaks={"http.no-server-error"}, on=ON)
def fails_on_loose_arguments(sent: Any, reply: Reply) -> Reply | None:
    """Fails on arguments in the history that are no JSON."""
    texts = [call["function"].get("arguments") for call in _calls(sent)
             if isinstance(call.get("function"), dict)]  # fmt: skip
    return _fails(reply, bad="not json" in texts)


@fault(breaks={"http.no-server-error"}, on=ON)
def fails_on_huge_limits(sent: Any, reply: Reply) -> Reply | None:
    """Fails on a limit that no context holds."""
    limit = _given(sent, "max_tokens")
    return _fails(reply, bad=type(limit) is int and limit > 1_000_000)


@fault(breaks={"http.no-server-error"}, on=ON)
def fails_on_functions(sent: Any, reply: Reply) -> Reply | None:
    """Fails on the older form of tools."""
    return _fails(reply, bad=_given(sent, "functions") is not None)


def _cut(body: Json) -> bool:
    return any(choice["finish_reason"] == "length" for choice in body["choices"])


@fault(breaks={"chat.max-tokens"}, on=ON, field="SE-18")
def makes_one_token_more(sent: Any, body: Json) -> Json | None:
    """Makes one token more than it may."""
    if not _cut(body) or "max_tokens" not in sent:
        return None
    return usage(body, completion_tokens=sent["max_tokens"] * len(body["choices"]) + 1)


@fault(breaks={"chat.max-completion-tokens"}, on=ON, field="VA-09")
def ignores_the_newer_limit(sent: Any, body: Json) -> Json | None:
    """Knows no `max_completion_tokens`."""
    if "max_completion_tokens" not in sent:
        return None
    return usage(completed(body, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11"), completion_tokens=40)


@fault(breaks={"chat.max-completion-tokens"}, on=ON)
def refuses_the_newer_limit(sent: Any, reply: Reply) -> Reply | None:
    """Refuses `max_completion_tokens`."""
    newer = _given(sent, "max_completion_tokens") is not None
    return _refuses(reply, "use max_tokens", bad=newer)


def completed(body: Json, text: str) -> Json:
    """An answer that came to its end with this text."""
    found = each_message(body, lambda message: message | {"content": text})
    return found | {"choices": [c | {"finish_reason": "stop"} for c in found["choices"]]}


@fault(breaks={"chat.n-choices"}, on=ON, field="VA-16")
def makes_one_choice(sent: Any, body: Json) -> Json | None:
    """Makes one choice, however many are asked for."""
    return body | {"choices": body["choices"][:1]} if _given(sent, "n") else None


@fault(breaks={"chat.one-call-at-a-time"}, on=ON)
def always_calls_in_parallel(sent: Any, body: Json) -> Json | None:
    """Calls a second tool, though one at a time is asked for."""
    if _given(sent, "parallel_tool_calls") is not False:
        return None
    second = {"name": "get_time", "arguments": '{"city":"Paris"}'}
    call = {"id": "call_second", "type": "function", "function": second}
    return each_message(body, lambda m: m | {"tool_calls": [*m.get("tool_calls", ()), call]})
