"""Other ways to answer a chat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.wire.exchange import Reply
from reference_server.faults.replies import error
from reference_server.variants.variant import variant

ON = "chat"
BOTH = "chat chat-stream"
Json = dict[str, Any]


def _choices(body: Json, change: Callable[[Json], Json]) -> Json:
    return body | {"choices": [change(choice) for choice in body["choices"]]}


def _messages(body: Json, change: Callable[[Json], Json]) -> Json:
    return _choices(body, lambda choice: choice | {"message": change(choice["message"])})


def _calling(body: Json, change: Callable[[Json], Json]) -> Json:
    """Changes the messages that call tools."""
    return _messages(body, lambda m: change(m) if m.get("tool_calls") else m)


def _calls(body: Json, change: Callable[[int, Json], Json]) -> Json:
    def changed(message: Json) -> Json:
        return message | {"tool_calls": [change(n, c) for n, c in enumerate(message["tool_calls"])]}

    return _calling(body, changed)


def _without(value: Json, *names: str) -> Json:
    return {name: kept for name, kept in value.items() if name not in names}


@variant(on=ON, norms={"CRS-01", "CRS-04"}, rulings={"RUL-01"})
def extra_members(body: Json) -> Json:
    """Adds members of its own everywhere."""
    more: Json = {"x_note": {"a": [None]}, "prompt_logprobs": None, "kv_transfer_params": None}
    changed = _messages(body, lambda message: message | more)
    changed = _choices(changed, lambda choice: choice | more | {"stop_reason": 7})
    details = {"prompt_tokens_details": None, "completion_tokens_details": {"audio_tokens": 0}}
    usage = changed["usage"] | more | details
    return changed | more | {"usage": usage, "service_tier": "default", "timings": {"ms": 1.5}}


@variant(on=ON, norms={"CRS-11"}, rulings={"RUL-01"}, traps={"FA-03", "FA-07"})
def nulls(body: Json) -> Json:
    """Writes null for everything that there is not."""
    names = ("refusal", "annotations", "audio", "function_call", "reasoning_content", "name")
    absent: Json = dict.fromkeys(names)
    changed = _messages(body, lambda message: absent | message)
    changed = _choices(changed, lambda choice: choice | {"logprobs": choice.get("logprobs")})
    return changed | {"system_fingerprint": None, "service_tier": None}


@variant(on=ON, norms={"CRS-22", "CRS-24"}, traps={"FA-03"})
def bare(body: Json) -> Json:
    """Leaves out every member that it may leave out."""
    changed = _choices(body, lambda c: c if c.get("logprobs") else _without(c, "logprobs"))
    return _without(changed, "system_fingerprint", "service_tier")


@variant(on=ON, norms={"CRS-04", "CRS-05"})
def plain_ids(body: Json) -> Json:
    """Makes ids in a style of its own."""
    return body | {"id": body["id"].removeprefix("chatcmpl-")}


@variant(on=ON, norms={"CRS-07"})
def full_name(body: Json) -> Json:
    """Names the snapshot of the model that answered."""
    return body | {"model": f"{body['model']}-2026-01-31"}


@variant(on=ON, norms={"CRS-10"}, rulings={"RUL-18"})
def content_is_empty(body: Json) -> Json:
    """Has the empty string for content beside tool calls, as Ollama does."""
    return _calling(body, lambda message: message | {"content": ""})


@variant(on=ON, norms={"CRS-10"})
def speaks_and_calls(body: Json) -> Json:
    """Says something before it calls a tool."""
    return _calling(body, lambda message: message | {"content": "Let me look."})


@variant(on=ON, norms={"CRS-14", "CRS-18"})
def counts_calls(body: Json) -> Json:
    """Gives each tool call its index, as in a stream, and an id of its own style."""
    return _calls(body, lambda n, call: {"index": n} | call | {"id": f"{n}", "x_note": None})


@variant(on=ON, norms={"CRS-12"}, rulings={"RUL-19"})
def filters(body: Json) -> Json:
    """Finishes with `content_filter`."""
    cut = ("length", "stop")
    return _choices(
        body,
        lambda c: c | {"finish_reason": "content_filter"} if c["finish_reason"] in cut else c,
    )


@variant(on=ON, norms={"CRS-25", "CRS-26"}, rulings={"RUL-50"})
def reasons(body: Json) -> Json:
    """Gives its reasoning in `reasoning`."""
    return _messages(body, lambda message: message | {"reasoning": "Hm."})


@variant(on=ON, norms={"CRS-25", "CRS-26"}, rulings={"RUL-50"})
def reasons_elsewhere(body: Json) -> Json:
    """Gives its reasoning in `reasoning_content`, and as details."""
    more = {"reasoning_content": "Hm.", "reasoning_details": [{"type": "text", "text": "Hm."}]}
    return _messages(body, lambda message: message | more)


@variant(on=ON, norms={"CRS-20"})
def counts_reasoning(body: Json) -> Json:
    """Counts hidden reasoning among the tokens of the answer."""
    details = {"completion_tokens_details": {"reasoning_tokens": 1}}
    return body | {"usage": body["usage"] | details}


@variant(on=ON, norms={"CRS-12"}, traps={"FA-19"})
def only_thinks(body: Json) -> Json:
    """Spends the whole limit on hidden reasoning: content is empty, the reason `length`."""

    def changed(choice: Json) -> Json:
        if choice["finish_reason"] != "length":
            return choice
        return choice | {"message": choice["message"] | {"content": "", "reasoning": "Hm"}}

    return _choices(body, changed)


def _has(sent: Any, name: str) -> bool:
    return isinstance(sent, dict) and bool(sent.get(name))


def _refused(reply: Reply, message: str, *, bad: bool) -> Reply | None:
    return error(reply, 400, message) if bad and reply.status == 200 else None


def _histories(sent: Any, role: str) -> list[Json]:
    messages = sent.get("messages") if isinstance(sent, dict) else None
    found = messages if isinstance(messages, list) else []
    return [
        message for message in found if isinstance(message, dict) and message.get("role") == role
    ]


@variant(on=BOTH, norms={"ERR-18"}, rulings={"RUL-13", "RUL-16"}, traps={"FA-20"})
def no_tools(sent: Any, reply: Reply) -> Reply | None:
    """Has a model without tools, and refuses them."""
    calls = any("tool_calls" in message for message in _histories(sent, "assistant"))
    tools = _has(sent, "tools") or calls or bool(_histories(sent, "tool"))
    return _refused(reply, "this model does not support tools", bad=tools)


@variant(on=BOTH, norms={"ERR-18", "CRQ-33"})
def no_json(sent: Any, reply: Reply) -> Reply | None:
    """Has no structured output, and refuses it."""
    return _refused(reply, "response_format is not supported", bad=_has(sent, "response_format"))


@variant(on=BOTH, norms={"ERR-18", "CRQ-13", "CRQ-17"}, rulings={"RUL-12"})
def sees_nothing(sent: Any, reply: Reply) -> Reply | None:
    """Has a model that does not see, and refuses pictures."""
    pictured = isinstance(sent, dict) and "image_url" in str(sent.get("messages"))
    return _refused(reply, "this model has no eyes", bad=pictured)
