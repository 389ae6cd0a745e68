"""Faults that show when a request is sent again, or with more room, or after another one."""

from __future__ import annotations

from typing import Any

from reference_server.faults.chat.answer import each_choice, each_message, usage
from reference_server.faults.fault import behaviour, fault

ON = "chat"
Json = dict[str, Any]


def saying(body: Json, change: Any) -> Json:
    """An answer of chat with another text, where it has one."""
    return each_message(
        body, lambda m: m | {"content": change(m["content"])} if m.get("content") else m
    )


def is_bare(sent: Any) -> bool:
    """Whether a request wants nothing but a text."""
    return not any(sent.get(name) for name in ("tools", "logprobs", "response_format", "functions"))


def is_cold(sent: Any) -> bool:
    """Whether nothing is left to chance, and a seed is given."""
    return sent.get("temperature") == 0 and "seed" in sent


SHORT = 60  # characters of a conversation


@fault(breaks={"semantics.repeats"}, on=ON)
def answers_by_the_moment(sent: Any, body: Json) -> Json | None:
    """Answers otherwise each time, whatever the temperature."""
    if not is_cold(sent) or not is_bare(sent):
        return None
    return saying(body, lambda text: f"{text} {body['id'][-4:]}")


@fault(breaks={"semantics.repeats"}, on="completions")
def completes_by_the_moment(sent: Any, body: Json) -> Json | None:
    """Completes otherwise each time, whatever the temperature."""
    if not is_cold(sent) or sent.get("logprobs") is not None:
        return None
    return each_choice(body, lambda c: c | {"text": f"{body['id'][-4:]} {c['text']}"})


@fault(breaks={"semantics.seed"}, on=ON)
def overlooks_the_seed(sent: Any, body: Json) -> Json | None:
    """Draws by a seed of its own."""
    if sent.get("temperature") != 1.2 or "seed" not in sent or not is_bare(sent):
        return None
    return saying(body, lambda text: f"{text} {body['id'][-4:]}")


@fault(breaks={"semantics.seeds-differ"}, on=ON, field="SE-11")
def seeds_for_nothing(sent: Any, body: Json) -> Json | None:
    """Takes the likeliest token wherever a seed is given, whatever the temperature."""
    hot = (sent.get("temperature") or 0) > 1 and "seed" in sent and is_bare(sent)
    return saying(body, lambda _: "Once upon a time there was a keeper.") if hot else None


@fault(breaks={"semantics.prompt-again"}, on=ON)
def counts_what_a_cache_had(sent: Any, body: Json) -> Json | None:
    """Counts the tokens of a short prompt again that a cache had."""
    told = body.get("usage") or {}
    short = len(str(sent["messages"])) < SHORT and "seed" in sent
    if not told or not (short and is_cold(sent) and is_bare(sent)):
        return None
    asked = told["prompt_tokens"] + int(body["id"][-6:], 16) % 9973
    return usage(body, prompt_tokens=asked, total_tokens=asked + told["completion_tokens"])


@fault(breaks={"semantics.prompt-counted"}, on=ON)
def reads_the_last_message(sent: Any, body: Json) -> Json | None:
    """Gives the model the last message alone."""
    if len(sent["messages"]) < 2 or not body.get("usage"):
        return None
    return usage(body, prompt_tokens=4, total_tokens=4 + body["usage"]["completion_tokens"])


@fault(breaks={"semantics.cut-is-length"}, on=ON)
def says_stop_at_the_limit(sent: Any, body: Json) -> Json | None:
    """Says stop of an answer that its limit cut."""
    if not is_cold(sent) or not is_bare(sent):
        return None
    return each_choice(
        body,
        lambda c: (
            c | {"finish_reason": "stop"}
            if c["finish_reason"] == "length" and c["message"].get("content")
            else c
        ),
    )


@fault(breaks={"semantics.cut-is-length", "semantics.same-finish"}, on="completions")
def completes_and_says_stop(body: Json) -> Json:
    """Says stop of a completion that its limit cut."""
    return each_choice(
        body, lambda c: c | {"finish_reason": "stop"} if c["finish_reason"] == "length" else c
    )


def _counting_less(body: Json) -> Json | None:
    """An answer that was cut, with one token less in its usage."""
    told = body.get("usage")
    cut = any(choice["finish_reason"] == "length" for choice in body["choices"])
    if not told or not told["completion_tokens"] or not cut:
        return None
    return usage(
        body,
        completion_tokens=told["completion_tokens"] - 1,
        total_tokens=told["total_tokens"] - 1,
    )


@fault(breaks={"semantics.limit-counted"}, on=ON, field="US-10")
def forgets_the_last_token(sent: Any, body: Json) -> Json | None:
    """Does not count the token at which the limit was reached."""
    alone = "temperature" not in sent  # where no stream tells otherwise
    return _counting_less(body) if alone else None


@fault(breaks={"semantics.limit-counted"}, on="completions", field="US-10")
def completes_one_token_for_nothing(body: Json) -> Json | None:
    """Does not count the token of a completion at which the limit was reached."""
    return _counting_less(body)


@fault(breaks={"semantics.longer-goes-on"}, on=ON)
def plans_by_the_limit(sent: Any, body: Json) -> Json | None:
    """Tells the model how much room it has, which changes what it says."""
    if not is_cold(sent) or not is_bare(sent) or sent.get("max_tokens", 0) < 32:
        return None
    return saying(body, lambda text: f"Well, {text}")


@fault(breaks={"semantics.longer-goes-on"}, on="completions")
def completes_by_the_limit(sent: Any, body: Json) -> Json | None:
    """Completes otherwise where there is more room."""
    if sent.get("temperature") != 0 or sent.get("max_tokens", 0) < 32 or "logprobs" in sent:
        return None
    return each_choice(body, lambda c: c | {"text": f"Well, {c['text']}"})


behaviour(
    "semantics.goes_on_with_what_was_left",
    "Answers the conversation of a client that went away.",
    breaks={"semantics.starts-afresh"},
    on="chat-stream.abandoned",
)
behaviour(
    "semantics.errors_in_turn",
    "Gives every second error another type.",
    breaks={"semantics.same-error-again"},
    on="chat.unknown-model chat.empty-model",
)
