"""What the tokens of a prompt show: everything that is said reaches the model."""

from __future__ import annotations

from typing import Any

from conformance.check import Answer, Deviation, Dialogue, Undecided, relation
from conformance.checks.semantics.said import body, member, pairs, repeated, said
from conformance.odd import SYSTEM
from conformance.reading import Reading


def _messages(x: Reading) -> list[Any]:
    found = member(x, "messages")
    return found if isinstance(found, list) else []


def _instructions(messages: list[Any]) -> list[Any]:
    found = (each for each in messages if isinstance(each, dict))
    return [each for each in found if each.get("role") in SYSTEM]


def _says_more(x: Reading, y: Reading) -> bool:
    """The second request has every message of the first one, in order, and further ones, but no
    other instructions: a template may have its own where a request brings none.
    """
    less, more = _messages(x), _messages(y)
    if _instructions(less) != _instructions(more):
        return False
    if x.surface != y.surface or not less or len(less) >= len(more):
        return False
    rest = iter(more)
    held = all(any(each == message for each in rest) for message in less)
    return held and body(x, "messages") == body(y, "messages")


@relation("semantics.prompt-counted", on=lambda d: bool(pairs(d, _says_more)))
def prompt_counted(dialogue: Dialogue) -> Answer:
    """More messages are more tokens."""
    told = [(y, said(x), said(y)) for x, y in pairs(dialogue, _says_more)]
    known = [(y, a.prompt, b.prompt) for y, a, b in told if a and b and a.prompt and b.prompt]
    if not known:
        yield Undecided("prompt_tokens is not told")
    for y, less, more in known:
        if more <= less:
            wanted = f"more than the {less} prompt tokens of fewer messages"
            yield Deviation(wanted, f"{more}", exchange=y.exchange.number)
            return


@relation("semantics.prompt-again", on=lambda d: any(repeated(d)))
def prompt_again(dialogue: Dialogue) -> Answer:
    """A prompt costs the same each time, also where part of it is remembered."""
    counts = [
        [(x, each.prompt) for x in group if (each := said(x)) and each.prompt is not None]
        for group in repeated(dialogue)
    ]
    if not any(len(group) > 1 for group in counts):
        yield Undecided("prompt_tokens is not told")
    for group in counts:
        for x, count in group:
            if count != group[0][1]:
                wanted = f"{group[0][1]} prompt tokens as before"
                yield Deviation(wanted, f"{count}", exchange=x.exchange.number)
                return
