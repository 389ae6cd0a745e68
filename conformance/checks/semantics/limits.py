"""The limit of an answer: what it counts, and the same request with more room."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.check import Answer, Deviation, Dialogue, Undecided, check, relation, show
from conformance.checks.chat.answer import messages, thinks
from conformance.checks.semantics.said import (
    UNKNOWN,
    UNSTEADY,
    Said,
    body,
    is_cold,
    member,
    pairs,
    said,
    steady,
)
from conformance.reading import Reading

LOW = 64  # tokens
BRIEF = 1000  # bytes of a request, which with its answer fit into any context


def _roomier(x: Reading, y: Reading) -> bool:
    less, more = member(x, "max_tokens"), member(y, "max_tokens")
    known = type(less) is int and type(more) is int and less < more and x.surface == y.surface
    return known and is_cold(x) and body(x, "max_tokens") == body(y, "max_tokens")


def _told(dialogue: Dialogue) -> Iterator[tuple[Reading, Said, Reading, Said]]:
    for x, y in pairs(dialogue, _roomier):
        short, long = said(x), said(y)
        if short and long and not short.calls and not long.calls:
            yield x, short, y, long


def _begins(short: Said, long: Said) -> bool:
    return long.text.startswith(short.text.rstrip(UNKNOWN))


@relation("semantics.cut-is-length", on=lambda d: bool(pairs(d, _roomier)))
def cut_is_length(dialogue: Dialogue) -> Answer:
    """An answer that goes on with more room was cut where it had less."""
    cut = [
        (x, short)
        for x, short, _, long in _told(dialogue)
        if short.made == x.sent["max_tokens"]
        and _begins(short, long)
        and len(long.text) > len(short.text)
    ]
    if not cut:
        yield Undecided("no answer was cut by the limit of tokens")
    for x, short in cut:
        if short.reason == "stop":
            observed = f"stop after {short.made} tokens of a longer answer"
            yield Deviation("length", observed, exchange=x.exchange.number)
            return


def _limit(x: Reading) -> int | None:
    """The one limit of an answer that is too low to be reached by the end of the context."""
    limits = [member(x, name) for name in ("max_tokens", "max_completion_tokens")]
    found = [limit for limit in limits if type(limit) is int]
    brief = len(x.exchange.request.body or b"") < BRIEF
    return found[0] if len(found) == 1 and 0 < found[0] <= LOW and brief else None


def _reasons(x: Reading) -> bool:
    """Whether some of the tokens are hidden ones."""
    usage = x.json.get("usage") if isinstance(x.json, dict) else None
    details = usage.get("completion_tokens_details") if isinstance(usage, dict) else None
    hidden = isinstance(details, dict) and bool(details.get("reasoning_tokens"))
    return hidden or any(thinks(message) for _, _, message in messages(x))


def _cut(x: Reading) -> bool:
    answer = said(x)
    cut = answer is not None and answer.reason == "length" and _limit(x) is not None
    return cut and x.ordinary and not member(x, "stop")


@check("semantics.limit-counted", on=_cut)
def limit_counted(x: Reading) -> Answer:
    """What the limit cut has cost as much; more than that has a rule of its own, and hidden tokens
    of reasoning may be counted apart.
    """
    answer, limit = said(x), _limit(x) or 0
    made = answer.made if answer else None
    if made is None:
        yield Undecided("completion_tokens is not told")
    elif made < limit and _reasons(x):
        yield Undecided("the model reasons, and may count that apart")
    elif made < limit:
        yield Deviation(f"{limit}, the limit", f"{made} completion tokens")


@relation("semantics.longer-goes-on", on=lambda d: bool(pairs(d, _roomier)))
def longer_goes_on(dialogue: Dialogue) -> Answer:
    """With more room the text begins as with less."""
    told = [each for each in _told(dialogue) if each[1].text]
    if not told or not steady(dialogue):
        yield Undecided(UNSTEADY if told else "no answer had a text")
        return
    for _, short, y, long in told:
        if not _begins(short, long):
            wanted = f"a text that begins with {show(short.text)}"
            yield Deviation(wanted, show(long.text), exchange=y.exchange.number)
            return
