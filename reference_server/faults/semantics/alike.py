"""Faults that show beside another word for the same request."""

from __future__ import annotations

from typing import Any

from reference_server.faults.chat.answer import each_message, usage, without
from reference_server.faults.fault import fault
from reference_server.faults.semantics.again import is_bare, is_cold, saying

ON = "chat"
RESPONSES = "responses"
Json = dict[str, Any]


@fault(breaks={"semantics.stop-list"}, on=ON)
def stops_earlier_by_a_list(sent: Any, body: Json) -> Json | None:
    """Cuts one character more where `stop` is a list."""
    listed = isinstance(sent.get("stop"), list) and is_bare(sent)
    return saying(body, lambda text: text[:-1]) if listed else None


@fault(breaks={"semantics.text-format"}, on=ON)
def quotes_text(sent: Any, body: Json) -> Json | None:
    """Takes the format text for one of JSON, and quotes the text."""
    wanted = sent.get("response_format") == {"type": "text"} and not sent.get("logprobs")
    return saying(body, lambda text: f'"{text}"') if wanted else None


@fault(breaks={"semantics.unknown-member-changes-nothing"}, on=ON)
def reads_unknown_members(sent: Any, body: Json) -> Json | None:
    """Shows the model members that nobody knows."""
    unknown = any("no_such" in name for name in sent)
    return saying(body, lambda text: f"What? {text}") if unknown else None


@fault(breaks={"semantics.defaults"}, on=ON)
def answers_defaults_otherwise(sent: Any, body: Json) -> Json | None:
    """Leaves the fingerprint out where a default is said."""
    return without(body, "system_fingerprint") if "presence_penalty" in sent else None


@fault(breaks={"semantics.defaults"}, on=ON)
def samples_where_top_p_is_said(sent: Any, body: Json) -> Json | None:
    """Leaves it to chance as soon as `top_p` is there."""
    said = sent.get("top_p") == 1 and is_bare(sent)
    return saying(body, lambda text: text.swapcase()) if said else None


def _is_parted(sent: Any) -> bool:
    return any(isinstance(message.get("content"), list) for message in sent["messages"])


@fault(breaks={"semantics.text-part"}, on=ON, field="SE-19")
def splits_parts(sent: Any, body: Json) -> Json | None:
    """Makes a message of its own of each part."""
    if not _is_parted(sent) or not body.get("usage"):
        return None
    told = body["usage"]
    asked, total = told["prompt_tokens"] + 12, told["total_tokens"] + 12
    return usage(body, prompt_tokens=asked, total_tokens=total)


@fault(breaks={"semantics.text-part"}, on=ON)
def reads_parts_as_json(sent: Any, body: Json) -> Json | None:
    """Shows the model the parts as they were sent."""
    cold = is_cold(sent) and is_bare(sent) and _is_parted(sent)
    return saying(body, lambda text: f'[{{"{text}') if cold else None


def _counting(body: Json, more: int) -> Json:
    told = body["usage"]
    asked, total = told["input_tokens"] + more, told["total_tokens"] + more
    return body | {"usage": told | {"input_tokens": asked, "total_tokens": total}}


@fault(breaks={"semantics.input-list"}, on=RESPONSES)
def greets_before_lists(sent: Any, body: Json) -> Json | None:
    """Puts a prompt of its own before one message in a list."""
    listed = isinstance(sent.get("input"), list) and len(sent["input"]) == 1
    return _counting(body, 10) if listed else None


@fault(breaks={"semantics.instructions-as-system"}, on=RESPONSES)
def introduces_instructions(sent: Any, body: Json) -> Json | None:
    """Tells the model at length that instructions follow."""
    return _counting(body, 10) if sent.get("instructions") else None


@fault(breaks={"semantics.chat-and-responses"}, on=RESPONSES)
def has_a_template_of_its_own(sent: Any, body: Json) -> Json | None:
    """Puts a prompt of its own before every response that leaves nothing to chance."""
    cold = sent.get("temperature") == 0 and isinstance(sent.get("input"), str)
    return _counting(body, 20) if cold and body.get("usage") else None


@fault(breaks={"semantics.characters-kept"}, on=ON)
def reads_latin(sent: Any, body: Json) -> Json | None:
    """Reads UTF-8 as Latin-1."""
    plain = is_bare(sent) and "seed" not in sent
    return saying(body, lambda t: t.encode().decode("latin-1")) if plain else None


@fault(breaks={"semantics.characters-kept"}, on="completions")
def escapes_twice(sent: Any, body: Json) -> Json | None:
    """Escapes what is not ASCII twice."""
    if sent.get("logprobs") is not None:
        return None
    escaped = [
        c | {"text": "".join(_escape(character) for character in c["text"])}
        for c in body["choices"]
    ]
    return body | {"choices": escaped}


def _escape(character: str) -> str:
    return character if character.isascii() else f"&#{ord(character)};"


@fault(breaks={"semantics.choices-differ"}, on=ON)
def answers_all_alike(sent: Any, body: Json) -> Json | None:
    """Makes one answer and sends it as every choice."""
    if (sent.get("n") or 1) < 2 or not is_bare(sent):
        return None
    first = body["choices"][0]["message"]
    return each_message(body, lambda _: first)
