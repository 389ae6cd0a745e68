"""Faults of the plain answer: ids, time, model, choices, content, usage, probabilities."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from reference_server.faults.fault import fault

ON = "chat"
Json = dict[str, Any]


def without(value: Json, *names: str) -> Json:
    """An object without some of its members."""
    return {name: each for name, each in value.items() if name not in names}


def each_choice(body: Json, change: Callable[[Json], Json]) -> Json:
    """An answer with every choice changed."""
    return body | {"choices": [change(choice) for choice in body["choices"]]}


def each_message(body: Json, change: Callable[[Json], Json]) -> Json:
    """An answer with every message changed."""
    return each_choice(body, lambda choice: choice | {"message": change(choice["message"])})


def usage(body: Json, **members: Any) -> Json:
    """An answer with other numbers."""
    return body | {"usage": body["usage"] | members}


@fault(breaks={"chat.members"}, on=ON)
def forgets_the_time(body: Json) -> Json:
    """Leaves `created` out."""
    return without(body, "created")


@fault(breaks={"chat.members"}, on=ON)
def forgets_the_model(body: Json) -> Json:
    """Leaves `model` out."""
    return without(body, "model")


@fault(breaks={"chat.id-not-empty"}, on=ON)
def sends_no_id(body: Json) -> Json:
    """Sends an empty id."""
    return body | {"id": ""}


@fault(breaks={"chat.unique-ids"}, on=ON, field="SC-35")
def draws_three_digits(body: Json) -> Json:
    """Draws its ids from few values of three digits."""
    return body | {"id": f"chatcmpl-{100 + zlib.crc32(body['id'].encode()) % 9}"}


@fault(breaks={"chat.created-now"}, on=ON, field="SC-28")
def counts_milliseconds(body: Json) -> Json:
    """Sends `created` in milliseconds."""
    return body | {"created": body["created"] * 1000}


@fault(breaks={"chat.created-now"}, on=ON)
def tells_the_age_of_the_model(body: Json) -> Json:
    """Sends the time of the model for that of the answer."""
    return body | {"created": 1_700_000_000}


@fault(breaks={"chat.model-echoed"}, on=ON)
def names_the_file(body: Json) -> Json:
    """Names the file of the model."""
    return body | {"model": "/models/weights.gguf"}


@fault(breaks={"chat.choice-members"}, on=ON)
def forgets_the_reason(body: Json) -> Json:
    """Leaves `finish_reason` out."""
    return each_choice(body, lambda choice: without(choice, "finish_reason"))


@fault(breaks={"chat.choice-members"}, on=ON)
def forgets_the_index(body: Json) -> Json:
    """Leaves `index` out."""
    return each_choice(body, lambda choice: without(choice, "index"))


@fault(breaks={"chat.one-choice"}, on=ON)
def answers_twice(sent: Any, body: Json) -> Json | None:
    """Sends a second choice that nobody asked for."""
    if sent.get("n", 1) != 1 or {"tools", "temperature"} & sent.keys():
        return None
    return body | {"choices": [*body["choices"], body["choices"][0] | {"index": 1}]}


@fault(breaks={"chat.one-choice"}, on=ON)
def chooses_nothing(sent: Any, body: Json) -> Json | None:
    """Sends no choice where the model stopped by itself in plain text."""
    stopped = body["choices"][0]["finish_reason"] == "stop" and "tools" not in sent
    return body | {"choices": []} if stopped else None


@fault(breaks={"chat.choice-indexes"}, on=ON, field="SE-17")
def counts_choices_from_one(body: Json) -> Json:
    """Counts choices from 1."""
    return each_choice(body, lambda choice: choice | {"index": choice["index"] + 1})


@fault(breaks={"chat.choice-indexes"}, on=ON)
def numbers_nothing(body: Json) -> Json:
    """Gives every choice the index 0."""
    return each_choice(body, lambda choice: choice | {"index": 0})


def _reason(body: Json, old: str, new: str | None) -> Json:
    return each_choice(
        body, lambda c: c | {"finish_reason": new} if c["finish_reason"] == old else c
    )


@fault(breaks={"chat.finish-reason-known"}, on=ON, field="SC-08")
def says_end_turn(body: Json) -> Json:
    """Lets the reason of another API through."""
    return _reason(body, "stop", "end_turn")


@fault(breaks={"chat.finish-reason-known"}, on=ON, field="SC-13")
def says_tool_call(body: Json) -> Json:
    """Says `tool_call`."""
    return _reason(body, "tool_calls", "tool_call")


@fault(breaks={"chat.finish-reason-known"}, on=ON)
def gives_no_reason(body: Json) -> Json:
    """Sends null for the reason of answers that were cut."""
    return _reason(body, "length", None)


@fault(breaks={"chat.message-members"}, on=ON)
def forgets_the_role(body: Json) -> Json:
    """Leaves the role out."""
    return each_message(body, lambda message: without(message, "role"))


@fault(breaks={"chat.message-members"}, on=ON)
def forgets_content_beside_calls(body: Json) -> Json:
    """Leaves the content out where tools are called."""
    return each_message(body, lambda m: without(m, "content") if "tool_calls" in m else m)


@fault(breaks={"chat.role-assistant"}, on=ON)
def answers_as_user(body: Json) -> Json:
    """Sends its answers under the role of the user."""
    return each_message(body, lambda message: message | {"role": "user"})


@fault(breaks={"chat.content-type"}, on=ON)
def sends_content_as_parts(body: Json) -> Json:
    """Sends the content of an answer as an array of parts."""
    return each_message(
        body, lambda m: m | {"content": [{"type": "text", "text": m["content"] or ""}]}
    )


@fault(breaks={"chat.null-content"}, on=ON)
def sends_null_for_text(body: Json) -> Json:
    """Sends null for the content of answers that were cut."""
    cut = body["choices"][0]["finish_reason"] == "length" and not body["choices"][0]["logprobs"]
    return each_message(body, lambda m: m | {"content": None}) if cut else body


@fault(breaks={"chat.whole-characters"}, on=ON)
def cuts_characters(sent: Any, data: bytes) -> bytes | None:
    """Begins its texts in the middle of a surrogate pair."""
    if isinstance(sent, dict) and "temperature" in sent:  # where a stream is compared
        return None
    return data.replace(b'"role":"assistant","content":"', b'"role":"assistant","content":"\\ud83d')


@fault(breaks={"chat.stop-brings-something"}, on=ON, field="SC-24")
def thinks_without_answering(body: Json) -> Json | None:
    """Puts all text into the reasoning and says that it has come to its end."""
    if body["choices"][0]["finish_reason"] != "stop":
        return None
    return each_message(body, lambda message: message | {"content": "", "reasoning": "Hm."})


@fault(breaks={"chat.usage-present"}, on=ON)
def forgets_usage(body: Json) -> Json:
    """Leaves `usage` out."""
    return without(body, "usage")


@fault(breaks={"chat.usage-members"}, on=ON)
def forgets_the_total(body: Json) -> Json:
    """Leaves the total out."""
    return body | {"usage": without(body["usage"], "total_tokens")}


@fault(breaks={"chat.usage-members"}, on=ON)
def counts_below_zero(body: Json) -> Json:
    """Sends -1 for a number of tokens that it did not count."""
    return usage(body, prompt_tokens=-1)


@fault(breaks={"chat.usage-details"}, on=ON)
def details_in_words(body: Json) -> Json | None:
    """Sends the number of tokens of reasoning as text."""
    details = body["usage"].get("completion_tokens_details")
    return usage(body, completion_tokens_details={"reasoning_tokens": "12"}) if details else None


@fault(breaks={"chat.logprobs-as-asked"}, on=ON, field="VA-16")
def ignores_logprobs(body: Json) -> Json:
    """Never sends probabilities."""
    return each_choice(body, lambda choice: choice | {"logprobs": None})


@fault(breaks={"chat.logprobs-as-asked"}, on=ON)
def always_sends_logprobs(body: Json) -> Json:
    """Sends probabilities to those who did not ask."""
    return each_choice(
        body, lambda c: c | {"logprobs": c["logprobs"] or {"content": [], "refusal": None}}
    )


@fault(breaks={"chat.logprobs-are-the-text"}, on=ON)
def loses_the_last_record(sent: Any, body: Json) -> Json | None:
    """Sends no record for the last token."""
    if not sent.get("logprobs"):
        return None
    return each_choice(
        body,
        lambda c: (
            c | {"logprobs": c["logprobs"] | {"content": c["logprobs"]["content"][:-1]}}
            if c.get("logprobs") and len(c["logprobs"].get("content") or ()) > 1
            else c
        ),
    )


def _each_record(body: Json, change: Callable[[Json], Json]) -> Json:
    def changed(choice: Json) -> Json:
        given = choice["logprobs"]
        if not given:
            return choice
        return choice | {"logprobs": given | {"content": [change(r) for r in given["content"]]}}

    return each_choice(body, changed)


@fault(breaks={"chat.logprobs-shape"}, on=ON)
def sends_probabilities_as_text(body: Json) -> Json:
    """Sends logarithms as text."""
    return _each_record(body, lambda record: record | {"logprob": str(record["logprob"])})


@fault(breaks={"chat.logprobs-shape"}, on=ON)
def sends_the_form_of_completions(body: Json) -> Json:
    """Sends alternatives as an object of tokens."""
    return _each_record(
        body,
        lambda r: r | {"top_logprobs": {t["token"]: t["logprob"] for t in r["top_logprobs"]}},
    )


@fault(breaks={"chat.logprobs-complete"}, on=ON)
def forgets_bytes(body: Json) -> Json:
    """Leaves `bytes` out of the records of tokens."""
    return _each_record(body, lambda record: without(record, "bytes"))


@fault(breaks={"chat.reasoning-apart"}, on=ON)
def thinks_aloud(body: Json) -> Json:
    """Leaves the reasoning in the text, between tags."""

    def change(message: Json) -> Json:
        if "reasoning" not in message:
            return message
        text = f"<think>{message['reasoning']}</think>{message['content']}"
        return without(message, "reasoning") | {"content": text}

    return each_message(body, change)


@fault(breaks={"chat.other-types"}, on=ON)
def prints_the_fingerprint_as_a_number(body: Json) -> Json:
    """Sends `system_fingerprint` as a number."""
    return body | {"system_fingerprint": 7}


@fault(breaks={"chat.other-types"}, on=ON)
def sends_reasoning_as_parts(body: Json) -> Json:
    """Sends the reasoning as an array."""
    return each_message(
        body, lambda m: m | {"reasoning": [m["reasoning"]]} if "reasoning" in m else m
    )
