"""Two ways to ask for the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from conformance.check import Answer, Deviation, Dialogue, Undecided, relation, show
from conformance.checks.semantics.said import (
    BROKEN,
    UNSTEADY,
    Said,
    body,
    is_cold,
    member,
    pairs,
    repeated,
    said,
    steady,
)
from conformance.odd import Odd
from conformance.reading import Reading

SLACK = 3  # tokens by which two words for one prompt may differ
ORDINARY: Mapping[str, Any] = {
    "stream": False,
    "top_p": 1,
    "frequency_penalty": 0,
    "presence_penalty": 0,
}
Fits = Callable[[Reading, Reading], bool]


def _one_stop(x: Reading, y: Reading) -> bool:
    stop = member(x, "stop")
    return isinstance(stop, str) and bool(y.sent == x.sent | {"stop": [stop]})


def _text_format(x: Reading, y: Reading) -> bool:
    named = member(y, "response_format") == {"type": "text"}
    return named and bool(x.sent == body(y, "response_format"))


def _unknown_member(x: Reading, y: Reading) -> bool:
    more = y.sent.keys() - x.sent.keys()
    odd = y.odd == {Odd.UNKNOWN_MEMBER} and not x.odd
    return odd and bool(more) and x.sent == body(y, *more)


def _text_part(x: Reading, y: Reading) -> bool:
    texts = member(x, "messages")
    if not isinstance(texts, list) or not all(isinstance(each, dict) for each in texts):
        return False
    parted = [
        message | {"content": [{"type": "text", "text": message["content"]}]}
        if message.get("role") == "user" and isinstance(message.get("content"), str)
        else message
        for message in texts
    ]
    return parted != texts and y.sent == x.sent | {"messages": parted}


def _defaults(x: Reading, y: Reading) -> bool:
    more = y.sent.keys() - x.sent.keys()
    named = bool(more) and all(n in ORDINARY and y.sent[n] == ORDINARY[n] for n in more)
    return named and x.sent == body(y, *more)


def _told(dialogue: Dialogue, fits: Fits) -> Iterator[tuple[Reading, Said, Said]]:
    for x, y in pairs(dialogue, fits):
        one, other = said(x), said(y)
        if one and other:
            yield y, one, other


def _same_text(dialogue: Dialogue, fits: Fits) -> Answer:
    """Both ways bring one text, where the model gives the same one twice."""
    told = [each for each in _told(dialogue, fits) if not each[1].calls and not each[2].calls]
    if not told or not steady(dialogue):
        yield Undecided(UNSTEADY if told else BROKEN)
        return
    for y, one, other in told:
        if one.text != other.text:
            yield Deviation(show(one.text), show(other.text), exchange=y.exchange.number)
            return


SAME_TEXT: Mapping[str, Fits] = {
    "semantics.stop-list": _one_stop,
    "semantics.text-format": _text_format,
    "semantics.unknown-member-changes-nothing": _unknown_member,
}


def _register(id_: str, fits: Fits) -> None:
    relation(id_, on=lambda d: bool(pairs(d, fits)))(lambda d: _same_text(d, fits))


for _id, _fits in SAME_TEXT.items():
    _register(_id, _fits)


@relation("semantics.text-part", on=lambda d: bool(pairs(d, _text_part)))
def text_part(dialogue: Dialogue) -> Answer:
    """A text and the one part that has it are the same to the model."""
    told = list(_told(dialogue, _text_part))
    costs = {each.prompt for group in repeated(dialogue) for x in group if (each := said(x))}
    if not told:
        yield Undecided(BROKEN)
    for y, one, other in told if len(costs) < 2 else ():
        if one.prompt and other.prompt and abs(one.prompt - other.prompt) > SLACK:
            wanted = f"about the {one.prompt} prompt tokens of the bare text"
            yield Deviation(wanted, f"{other.prompt}", exchange=y.exchange.number)
            return
    yield from _same_text(dialogue, _text_part)


def _members(value: Any, *path: str) -> Iterator[str]:
    """The members of an answer and of its choices and their messages; null is no member."""
    for name, each in value.items() if isinstance(value, dict) else ():
        if each is not None:
            yield "/".join((*path, name))
            if name in ("choices", "message"):
                for inner in each if isinstance(each, list) else [each]:
                    yield from _members(inner, *path, name)


@relation("semantics.defaults", on=lambda d: bool(pairs(d, _defaults)))
def defaults(dialogue: Dialogue) -> Answer:
    """What says the default says nothing: text and members are the same."""
    for x, y in pairs(dialogue, _defaults):
        one, other = set(_members(x.json)), set(_members(y.json))
        if said(x) and said(y) and one != other:
            changed = ", ".join(sorted(one ^ other))
            yield Deviation("the same members", f"not so {changed}", exchange=y.exchange.number)
            return
    yield from _same_text(dialogue, _defaults)


def _message(role: str, *contents: Any) -> list[Any]:
    return [{"role": role, "content": content} for content in contents]


def _listed(x: Reading, y: Reading) -> bool:
    text = member(x, "input")
    part = [{"type": "input_text", "text": text}]
    forms = [_message("user", text), _message("user", part)]
    return isinstance(text, str) and any(y.sent == x.sent | {"input": form} for form in forms)


def _as_system(x: Reading, y: Reading) -> bool:
    text, told = member(x, "input"), member(x, "instructions")
    both = [*_message("system", told), *_message("user", text)]
    known = isinstance(text, str) and isinstance(told, str)
    return known and y.sent == (body(x, "instructions") or {}) | {"input": both}


def _same_input(dialogue: Dialogue, fits: Fits) -> Answer:
    told = [(y, one.prompt or 0, other.prompt or 0) for y, one, other in _told(dialogue, fits)]
    close = [each for each in told if max(each[1:]) <= 2 * min(each[1:])]
    if not close:
        yield Undecided("input_tokens is not told, or one input was not read at all")
    for y, one, other in close:
        if abs(one - other) > SLACK:
            number = y.exchange.number
            yield Deviation(f"about {one}", f"{other} input tokens", exchange=number)
            return


@relation("semantics.input-list", on=lambda d: bool(pairs(d, _listed)))
def input_list(dialogue: Dialogue) -> Answer:
    """A text and the one message that has it are the same input."""
    yield from _same_input(dialogue, _listed)


@relation("semantics.instructions-as-system", on=lambda d: bool(pairs(d, _as_system)))
def instructions_as_system(dialogue: Dialogue) -> Answer:
    """Instructions are read as a first message of the system is."""
    yield from _same_input(dialogue, _as_system)


def _elsewhere(x: Reading, y: Reading) -> bool:
    """The same conversation by chat and by responses."""
    if (x.surface, y.surface) != ("chat", "responses") or not (is_cold(x) and is_cold(y)):
        return False
    text, limit = member(y, "input"), member(y, "max_output_tokens")
    asked = (body(y, "input", "max_output_tokens") or {}) | {"max_tokens": limit}
    return isinstance(text, str) and x.sent == asked | {"messages": _message("user", text)}


@relation("semantics.chat-and-responses", on=lambda d: bool(pairs(d, _elsewhere)))
def chat_and_responses(dialogue: Dialogue) -> Answer:
    """One conversation is read and answered in one way; a response that is not the same in both
    of its forms has a rule of its own.
    """
    told = list(_told(dialogue, _elsewhere))
    if not told:
        yield Undecided(BROKEN)
    texts = {each.text for x in dialogue if x.surface != "chat" and (each := said(x))}
    for y, one, other in told:
        number = y.exchange.number
        if one.prompt and other.prompt and abs(one.prompt - other.prompt) > SLACK:
            wanted = f"about the {one.prompt} tokens of the prompt of chat"
            yield Deviation(wanted, f"{other.prompt}", exchange=number)
        elif not steady(dialogue) or len(texts) > 1 or not one.text or not other.text:
            yield Undecided(UNSTEADY)
        elif one.text != other.text:
            yield Deviation(f"{show(one.text)} as by chat", show(other.text), exchange=number)
