"""Other ways to answer a chat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.wire.exchange import Reply
from reference_server.faults.replies import error
from reference_server.variants.variant import tolerated, variant

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
    cached = {"cached_tokens": 0, "audio_tokens": None}
    details = {"prompt_tokens_details": cached, "completion_tokens_details": {"audio_tokens": 0}}
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
def tool_call_index(body: Json) -> Json:
    """Gives each tool call its index, as in a stream, and an id of its own style."""
    return _calls(body, lambda n, call: {"index": n} | call | {"id": f"{n}", "x_note": None})


@variant(on=ON, norms={"CRS-12"}, rulings={"RUL-19"}, hides={"chat.stop-brings-something",
         "semantics.json-mode", "semantics.json-object", "semantics.schema",
         "semantics.loose-schema", "semantics.schema-order"})  # fmt: skip
def filters(body: Json) -> Json:
    """Finishes with `content_filter` where it stopped by itself."""

    def changed(choice: Json) -> Json:
        stopped = choice["finish_reason"] == "stop"
        return choice | {"finish_reason": "content_filter"} if stopped else choice

    return _choices(body, changed)


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


@variant(on=ON, norms={"CRS-12"}, traps={"FA-19"}, hides={"chat-stream.same-text",
         "semantics.repeats", "semantics.seed", "semantics.seeds-differ",
         "semantics.stop-absent", "semantics.stop-finish",
         "semantics.cut-is-length", "semantics.longer-goes-on", "semantics.characters-kept",
         "semantics.choices-differ", "semantics.chat-and-responses",
         "semantics.same-finish"})  # fmt: skip
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


@variant(on=BOTH, norms={"CRS-13", "CST-24"}, traps={"FA-16"})
def stops_after_named(sent: Any, data: bytes) -> bytes:
    """Finishes with `stop` where the tool that it called was forced by name."""
    forced = isinstance(sent, dict) and isinstance(sent.get("tool_choice"), dict)
    return data.replace(b'"tool_calls"}', b'"stop"}') if forced else data


@variant(on=BOTH, norms={"ERR-18"}, rulings={"RUL-13", "RUL-16"}, traps={"FA-20"})
def no_tools(sent: Any, reply: Reply) -> Reply | None:
    """Has a model without tools, and refuses them."""
    calls = any("tool_calls" in message for message in _histories(sent, "assistant"))
    tools = _has(sent, "tools") or calls or bool(_histories(sent, "tool"))
    return _refused(reply, "this model does not support tools", bad=tools)


@variant(on=BOTH, norms={"ERR-18", "CRQ-33"},
         hides={"chat.stop-brings-something", "chat-stream.stop-brings-something",
                "semantics.text-format", "semantics.tools-beside-format"})  # fmt: skip
def no_json(sent: Any, reply: Reply) -> Reply | None:
    """Has no structured output, and refuses it."""
    return _refused(reply, "response_format is not supported", bad=_has(sent, "response_format"))


@variant(on=BOTH, norms={"ERR-18", "CRQ-14"}, rulings={"RUL-12"},
         hides={"chat.stop-brings-something"})  # fmt: skip
def sees_nothing(sent: Any, reply: Reply) -> Reply | None:
    """Has a model that does not see, and refuses pictures."""
    pictured = isinstance(sent, dict) and "image_url" in str(sent.get("messages"))
    return _refused(reply, "this model has no eyes", bad=pictured)


@variant(on="chat", norms={"CRQ-32"}, rulings={"RUL-15"})
def stream_options_refused(sent: Any, reply: Reply) -> Reply | None:
    """Refuses `stream_options` without `stream`."""
    return _refused(reply, "stream_options without stream", bad=_has(sent, "stream_options"))


@variant(on="chat", norms={"CRQ-55"})
def refuses_huge_limits(sent: Any, reply: Reply) -> Reply | None:
    """Refuses a limit beyond its context."""
    limit = sent.get("max_tokens") if isinstance(sent, dict) else None
    return _refused(reply, "too many tokens", bad=isinstance(limit, int) and limit > 1_000_000)


@variant(on="chat", norms={"CRQ-52"})
def no_functions(sent: Any, reply: Reply) -> Reply | None:
    """Refuses `functions`, which tools have replaced."""
    return _refused(reply, "use tools", bad=_has(sent, "functions"))


@variant(on="chat", norms={"CRQ-20"}, rulings={"RUL-24"})
def reads_arguments(sent: Any, reply: Reply) -> Reply | None:
    """Refuses a history in which a tool was called with arguments that are no JSON object."""
    calls = [c for m in _histories(sent, "assistant") for c in m.get("tool_calls") or ()]
    texts = [call["function"]["arguments"] for call in calls if isinstance(call, dict)]
    odd = reply.status == 200 and any(not text.startswith("{") for text in texts)
    return _refused(reply, "arguments are no JSON object", bad=odd)


tolerated("chat.forgets-the-time", norms={"CRS-02"}, profiles="seed")
tolerated("chat.draws-three-digits", norms={"CRS-05"}, rulings={"RUL-21"})
tolerated("chat.counts-milliseconds", norms={"CRS-06"})
tolerated("chat.names-the-file", norms={"CRS-07"})
tolerated("chat.answers-as-user", norms={"CRS-09"}, profiles="seed")
tolerated("chat.sends-content-as-parts", norms={"CRS-10"}, rulings={"RUL-18"}, profiles="seed")
tolerated("chat.sends-null-for-text", norms={"CRS-10"}, rulings={"RUL-18"})
tolerated("chat.forgets-usage", norms={"CRS-19"})
tolerated("chat.sends-probabilities-as-text", norms={"CRS-22"}, profiles="seed ollama")
tolerated("chat.forgets-bytes", norms={"CRS-22"})
tolerated("chat.ignores-logprobs", norms={"CRS-23"}, profiles="seed")
tolerated("chat.prints-the-fingerprint-as-a-number", norms={"CRS-24"})
tolerated("chat.thinks-aloud", norms={"CRS-25"})
tolerated("chat.calls-what-is-not-there", norms={"CRS-16"})
tolerated("chat.hides-the-cut", norms={"CRS-17"})
tolerated("chat.sends-empty-calls", norms={"CRS-27"})
tolerated("chat.sends-null-calls", norms={"CRS-27"})
tolerated("chat.knows-no-developers", norms={"CRQ-03"}, rulings={"RUL-11"})
tolerated("chat.answers-nobody", norms={"CRQ-05"}, rulings={"RUL-08"}, profiles="seed")
tolerated("chat.answers-silence", norms={"CRQ-08"}, rulings={"RUL-09"}, profiles="seed")
tolerated("chat.wants-text-beside-calls", norms={"CRQ-09"}, rulings={"RUL-09"}, profiles="seed")
tolerated("chat.answers-no-parts", norms={"CRQ-10"})
tolerated("chat.drops-parts-without-text", norms={"CRQ-12"}, profiles="seed")
tolerated("chat.drops-pictures-without-an-address", norms={"CRQ-13"}, profiles="seed")
tolerated("chat.guesses-the-call", norms={"CRQ-18"}, rulings={"RUL-48"})
tolerated("chat.takes-no-tokens-for-no-limit", norms={"CRQ-26"}, rulings={"RUL-10"})
tolerated("chat.ignores-the-newer-limit", norms={"CRQ-27"}, rulings={"RUL-14"},
          profiles="seed ollama")  # fmt: skip
tolerated("chat.refuses-the-newer-limit", norms={"CRQ-27"}, rulings={"RUL-14"},
          profiles="seed ollama")  # fmt: skip
tolerated("chat.takes-many-stops", norms={"CRQ-31"})
tolerated("chat.forgets-the-schema", norms={"CRQ-35"})
tolerated("chat.reads-types-as-text", norms={"CRQ-38"}, rulings={"RUL-13"})
tolerated("chat.chooses-no-tool-by-name", norms={"CRQ-39"}, rulings={"RUL-16"},
          profiles="seed ollama")  # fmt: skip
tolerated("chat.ignores-unknown-tools", norms={"CRQ-40"}, rulings={"RUL-16"})
tolerated("chat.always-calls-in-parallel", norms={"CRQ-51"}, rulings={"RUL-16"})
tolerated("chat.makes-one-choice", norms={"CRQ-41", "CRS-08"}, rulings={"RUL-17"},
          profiles="seed ollama")  # fmt: skip
tolerated("chat.takes-any-number-of-alternatives", norms={"CRQ-43"}, profiles="seed")
tolerated("chat.ignores-lone-alternatives", norms={"CRQ-44"})
tolerated("chat.takes-any-effort", norms={"CRQ-45"}, profiles="seed")
tolerated("chat.knows-no-maximum", norms={"CRQ-46"}, profiles="seed openai")
tolerated("chat.wants-the-system-first", norms={"CRQ-47"})
tolerated("chat.wants-the-user-last", norms={"CRQ-53"})
tolerated("chat.knows-no-refusals", norms={"CRQ-50"})
