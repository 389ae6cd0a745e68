"""Other ways to answer with a response."""

from __future__ import annotations

import re
from typing import Any

from conformance.wire.exchange import Reply, Request
from reference_server.change import json_of
from reference_server.faults.replies import error
from reference_server.faults.responses.parts import each_item, each_part, items_of, without
from reference_server.faults.responses.request import answered
from reference_server.variants.variant import tolerated, variant

ON = "responses"
BOTH = "responses responses-stream"
OFFICIAL = ("reasoning", "text", "tool_choice", "parallel_tool_calls", "metadata", "include")
Json = dict[str, Any]


def _sent(request: Request) -> Json:
    sent = json_of(request.body)
    return sent if isinstance(sent, dict) else {}


def _texts(sent: Any) -> bool:
    """Whether nothing is asked for but text."""
    return not {"tools", "text", "reasoning"} & sent.keys()


# ------------------------------------------------------------------------------ what is accepted


@variant(on=ON, norms={"RRQ-07"})
def item_references(request: Request, reply: Reply) -> Reply | None:
    """Resolves references to items that it has stored."""
    kinds = [item.get("type") for item in items_of(_sent(request))]
    return answered(request, reply) if "item_reference" in kinds else None


@variant(on=ON, norms={"RRQ-11"})
def empty_input(sent: Any, reply: Reply) -> Reply | None:
    """Refuses an input that is empty."""
    nothing = isinstance(sent, dict) and sent.get("input") == ""
    return error(reply, 400, "input is empty") if nothing else None


@variant(on=ON, norms={"RRQ-24"}, rulings={"RUL-32"})
def hosted_tools(request: Request, reply: Reply) -> Reply | None:
    """Takes tools that are no functions."""
    tools = _sent(request).get("tools")
    kinds = [tool.get("type") for tool in tools if isinstance(tool, dict)] if tools else []
    return answered(request, reply) if "custom" in kinds else None


@variant(
    on=BOTH,
    norms={"RRQ-21"},
    rulings={"RUL-05", "RUL-16"},
    hides={
        *("responses.flat-tools-accepted", "responses.schema-honoured"),
        *("responses.json-object-honoured", "responses.tool-choice-honoured"),
        *("responses.same-items", "responses.reasoning-item-accepted", "responses.arguments-json"),
        *("responses.call-ids-unique", "responses.reasoning-sealed", "responses.previous-used"),
        *("responses-stream.summary-framed", "responses-stream.reasoning-agrees"),
        *("responses-stream.arguments-framed", "responses-stream.arguments-agree"),
        *("responses-stream.not-interleaved", "responses.unknown-previous-refused"),
        *("responses.unknown-effort-refused", "responses.nested-tool-refused"),
    },
)
def official_members(sent: Any, reply: Reply) -> Reply | None:
    """Refuses members that the document does not name, and tools, which it cannot call."""
    names = {name for name in (*OFFICIAL, "tools", "previous_response_id") if _given(sent, name)}
    called = any("call_id" in item for item in items_of(sent))
    return error(reply, 400, "unrecognized request argument supplied") if names or called else None


def _given(sent: Any, name: str) -> bool:
    return isinstance(sent, dict) and sent.get(name) is not None


@variant(
    on=ON,
    rulings={"RUL-35"},
    hides={"responses.previous-used", "responses.unknown-previous-refused"},
)
def keeps_nothing(sent: Any, reply: Reply) -> Reply | None:
    """Stores no responses, and says so to whoever goes on from one."""
    goes_on = _given(sent, "previous_response_id")
    return error(reply, 400, "previous_response_id is not supported") if goes_on else None


# ------------------------------------------------------------------------------ what it looks like


@variant(on=ON, norms={"ROB-01"}, rulings={"RUL-01"})
def extra_members(body: Json) -> Json:
    """Adds members of its own everywhere."""
    more: Json = {"x_note": {"a": [None]}}
    parts = each_part(body, lambda part: part | more)
    items = parts | {"output": [item | more for item in parts["output"]]}
    return items | more | {"usage": items["usage"] | {"cost": 0.1}, "billing": None}


@variant(on=ON, norms={"ROB-15", "ROB-25"}, rulings={"RUL-37"}, traps={"FA-01", "FA-04", "FA-10"},
         hides={"responses.completed-at"})  # fmt: skip
def bare(body: Json) -> Json:
    """Leaves out every member that it may leave out."""
    names = ("completed_at", "background", "store", "text", "reasoning", "service_tier", "user")
    parts = each_part(body, lambda part: without(part, "logprobs"))
    details = without(parts["usage"]["input_tokens_details"], "cache_write_tokens")
    return without(parts, *names) | {"usage": parts["usage"] | {"input_tokens_details": details}}


@variant(on=ON, rulings={"RUL-47"})
def whole_floats(data: bytes) -> bytes:
    """Writes its times with a fraction of zero."""
    return re.sub(rb'"(created|completed)_at":(\d+)', rb'"\1_at":\2.0', data)


@variant(on=ON, norms={"ROB-17"}, hides={"responses.arguments-json"})
def bare_calls(body: Json) -> Json:
    """Leaves `id` and `status` out of calls."""
    return each_item(body, "function_call", lambda call: without(call, "id", "status"))


@variant(on=ON, norms={"ROB-16"},
         hides={"semantics.same-response", "semantics.chat-and-responses"})  # fmt: skip
def refusals(sent: Any, body: Json) -> Json | None:
    """Refuses to answer, in a part of its own kind."""
    if not _texts(sent):
        return None
    return each_part(body, lambda part: {"type": "refusal", "refusal": part["text"]})


@variant(on=ON, norms={"ROB-13", "ROB-21"}, rulings={"RUL-01"})
def other_items(sent: Any, body: Json) -> Json | None:
    """Has items of kinds that few servers have."""
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    items = [search | {"action": {"type": "search", "query": "x"}}, {"type": "acme:note"}]
    return body | {"output": [*items, *body["output"]]} if _texts(sent) else None


@variant(on=ON, norms={"ROB-09"})
def echoes_more(body: Json) -> Json:
    """Says more of its settings than it was asked for."""
    tool_choice = body["tool_choice"]
    more = {"strict": True, "description": None} if isinstance(tool_choice, dict) else {}
    shown = tool_choice | more if isinstance(tool_choice, dict) else tool_choice
    temperature = body["temperature"] * (1 + 1e-8)  # as 32 bits would have it
    return body | {"tool_choice": shown, "temperature": temperature}


LAX = "seed ollama"  # profiles that do without what openai asks for
tolerated("responses.calls-cut-answers-whole", norms={"ROB-06"}, rulings={"RUL-36"}, profiles=LAX)
tolerated("responses.calls-cut-streams-whole", norms={"ROB-06"}, rulings={"RUL-36"}, profiles=LAX)
tolerated("responses.drops-what-came-before-calls", norms={"ROB-24"}, profiles=LAX)
tolerated("responses.ignores-unknown-responses", norms={"RRQ-16"}, rulings={"RUL-35"})
tolerated("responses.forgets-what-went-before", norms={"RRQ-16"}, rulings={"RUL-35"})
tolerated("responses.takes-nested-tools", norms={"RRQ-09"}, rulings={"RUL-32"})
tolerated("responses.takes-any-limit", norms={"RRQ-14"}, rulings={"RUL-10"})
tolerated("responses.calls-what-it-likes", norms={"RRQ-20"}, rulings={"RUL-16"})
tolerated("responses.echoes-constants", norms={"ROB-09"})
tolerated("responses.forgets-metadata", norms={"ROB-08"}, traps={"FA-10"})
tolerated("responses.says-length", norms={"ROB-05"}, traps={"FA-08"})
tolerated("responses.seals-nothing", norms={"ROB-20"})
tolerated("responses.ignores-json-mode", norms={"RRQ-19"})
tolerated("responses.has-one-id", norms={"ROB-27"}, rulings={"RUL-21"})
