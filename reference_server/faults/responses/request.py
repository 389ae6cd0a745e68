"""Faults of responses: what is accepted and what is refused."""

from __future__ import annotations

import zlib
from typing import Any

from conformance.wire.exchange import Piece, Reply, Request
from reference_server.faults.fault import compact, fault, json_of
from reference_server.faults.replies import JSON, at, error
from reference_server.faults.responses.parts import items_of, parts_of

ON = "responses"
STREAM = "responses-stream"


def answered(request: Request, reply: Reply) -> Reply:
    """An answer in place of a refusal."""
    sent = json_of(request.body) or {}
    id_ = f"{zlib.crc32(request.body or b''):08x}"
    part = {"type": "output_text", "text": "Yes.", "annotations": [], "logprobs": []}
    item = {"type": "message", "id": f"msg_{id_}", "role": "assistant", "status": "completed"}
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    usage |= {"input_tokens_details": {"cached_tokens": 0}}  # type: ignore[dict-item]
    usage |= {"output_tokens_details": {"reasoning_tokens": 0}}  # type: ignore[dict-item]
    body = {"id": f"resp_{id_}", "object": "response", "created_at": 1, "status": "completed"}
    body |= {"model": str(sent.get("model")), "output": [item | {"content": [part]}]}
    body |= {"usage": usage, "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    body |= dict.fromkeys(("error", "incomplete_details", "instructions", "completed_at"))
    body |= {"metadata": {}, "temperature": 1.0, "top_p": 1.0}
    body |= {name: sent[name] for name in body.keys() & sent.keys() if name != "model"}
    return Reply(200, JSON, (Piece(at(reply), compact(body)),))


def _refused(reply: Reply, message: str) -> Reply:
    return error(reply, 400, message)


@fault(breaks={"http.valid-accepted"}, on=ON, field="VA-25")
def refuses_results_in_parts(sent: Any, reply: Reply) -> Reply | None:
    """Refuses the result of a call that comes in parts."""
    listed = any(isinstance(item.get("output"), list) for item in items_of(sent))
    return _refused(reply, "the output of a tool call must be a string") if listed else None


@fault(breaks={"http.no-server-error"}, on=ON, field="RS-22")
def breaks_on_other_tools(sent: Any, reply: Reply) -> Reply | None:
    """Breaks when a tool is no function."""
    tools = sent.get("tools") if isinstance(sent, dict) else None
    kinds = [t.get("type") for t in tools or () if isinstance(t, dict)] if tools else []
    odd = any(kind != "function" for kind in kinds)
    return error(reply, 500, "unsupported tool type", "server_error") if odd else None


@fault(breaks={"responses.input-required"}, on=ON)
def answers_nothing_asked(request: Request, reply: Reply) -> Reply | None:
    """Answers a request without input."""
    sent = json_of(request.body)
    missing = isinstance(sent, dict) and "input" not in sent and isinstance(sent.get("model"), str)
    return answered(request, reply) if missing else None


@fault(breaks={"responses.unknown-input-refused"}, on=ON)
def skips_unknownitems_of(request: Request, reply: Reply) -> Reply | None:
    """Skips an input item that it does not know."""
    kinds = [item.get("type") for item in items_of(json_of(request.body))]
    unknown = any(isinstance(kind, str) and "no_such" in kind for kind in kinds)
    return answered(request, reply) if unknown else None


@fault(breaks={"responses.unknown-input-refused"}, on=ON)
def skips_unknown_parts(request: Request, reply: Reply) -> Reply | None:
    """Skips a part of content that it does not know."""
    kinds = [p.get("type") for item in items_of(json_of(request.body)) for p in parts_of(item)]
    unknown = any(isinstance(kind, str) and "no_such" in kind for kind in kinds)
    return answered(request, reply) if unknown else None


@fault(breaks={"responses.unknown-effort-refused"}, on=ON)
def takes_any_effort(request: Request, reply: Reply) -> Reply | None:
    """Takes any word for an effort."""
    sent = json_of(request.body)
    reasoning = sent.get("reasoning") if isinstance(sent, dict) else None
    effort = reasoning.get("effort") if isinstance(reasoning, dict) else None
    return answered(request, reply) if "no_such" in str(effort) else None


@fault(breaks={"responses.nested-tool-refused"}, on=ON)
def takes_nested_tools(request: Request, reply: Reply) -> Reply | None:
    """Takes a tool in the form of chat, and calls it nothing."""
    sent = json_of(request.body)
    tools = sent.get("tools") if isinstance(sent, dict) else None
    functions = [t.get("function") for t in tools if isinstance(t, dict)] if tools else []
    nested = [f for f in functions if isinstance(f, dict) and f.keys() == {"name", "parameters"}]
    named = bool(nested) and all(isinstance(f["parameters"], dict) for f in nested)
    return answered(request, reply) if named and reply.status == 400 else None


@fault(breaks={"responses.flat-tools-accepted"}, on=ON)
def takes_one_tool(sent: Any, reply: Reply) -> Reply | None:
    """Refuses a second tool, where nothing is streamed."""
    tools = sent.get("tools") if isinstance(sent, dict) else None
    return _refused(reply, "one tool at the most") if len(tools or ()) > 1 else None


@fault(breaks={"responses.reasoning-item-accepted"}, on=STREAM)
def refuses_its_own_reasoning(sent: Any, reply: Reply) -> Reply | None:
    """Refuses an input item of reasoning."""
    thought = any(item.get("type") == "reasoning" for item in items_of(sent))
    return _refused(reply, "items of reasoning are not read") if thought else None


@fault(breaks={"responses.refusal-part-accepted"}, on=ON)
def refuses_refusals(sent: Any, reply: Reply) -> Reply | None:
    """Refuses a history with a refusal."""
    refusals = any(p.get("type") == "refusal" for item in items_of(sent) for p in parts_of(item))
    return _refused(reply, "parts of this type are not read") if refusals else None


@fault(breaks={"responses.few-tokens-refused"}, on=ON)
def takes_any_limit(request: Request, reply: Reply) -> Reply | None:
    """Takes limits below 16."""
    sent = json_of(request.body)
    limit = sent.get("max_output_tokens") if isinstance(sent, dict) else None
    few = isinstance(limit, int) and 0 < limit < 16
    return answered(request, reply) if few else None


@fault(breaks={"responses.unknown-previous-refused"}, on=ON)
def ignores_unknown_responses(request: Request, reply: Reply) -> Reply | None:
    """Answers as if there were nothing to go on from."""
    sent = json_of(request.body)
    before = sent.get("previous_response_id") if isinstance(sent, dict) else None
    return answered(request, reply) if "no_such" in str(before) else None
