"""What must hold whatever was sent before, and what becomes of requests that try a server."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from itertools import takewhile

from conformance.check import Answer, Deviation, Dialogue, Undecided, check, relation
from conformance.checks.http import ASIDE, BUSY, message_of
from conformance.odd import Odd
from conformance.reading import Outcome, Reading, is_aftermath
from conformance.wire.exchange import End

TOO_LARGE = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def _tries(dialogue: Dialogue) -> tuple[Reading, ...]:
    """The last request of a dialogue, as often as it was asked at the end."""
    last = dialogue[-1].exchange.request
    return tuple(reversed(tuple(takewhile(lambda x: x.exchange.request == last, dialogue[::-1]))))


def provoked(dialogue: Dialogue) -> bool:
    """An ordinary request follows one that is not."""
    after = dialogue[-1]
    before = dialogue[: -len(_tries(dialogue))]
    tried = bool(before) and not before[-1].ordinary and after.ordinary
    return tried and after.exchange.end is not End.CANCELED and after.outcome is not Outcome.BUSY


def _crowded(x: Reading) -> bool:
    """Whether it may have been others that kept the target busy."""
    silent = x.exchange.reply is None and x.exchange.end is End.LIMIT
    return silent and x.exchange.neighbours > 0


@relation("robustness.answers-after", on=provoked)
def answers_after(dialogue: Dialogue) -> Answer:
    """The valid request is answered; the deviation belongs to the one before it. What a whole
    stream says has rules of its own.
    """
    tries = _tries(dialogue)
    before = dialogue[-len(tries) - 1]
    for x in tries:
        streamed = x.asks_stream and x.status == HTTPStatus.OK and x.complete
        if is_aftermath(before, x) and not streamed and not _crowded(x):
            came = f"status {x.status}" if x.status else x.exchange.detail
            wanted = "an answer to the request after this one"
            yield Deviation(wanted, came, exchange=before.exchange.number)
            return


def _asides(dialogue: Dialogue) -> Iterator[Reading]:
    """Requests with a method that asks about a path."""
    return (x for x in dialogue if x.exchange.request.method in ASIDE)


@relation("robustness.harmless-methods", on=lambda d: any(_asides(d)))
def harmless_methods(dialogue: Dialogue) -> Answer:
    """Who asks with HEAD or OPTIONS is told something."""
    for x in _asides(dialogue):
        failed = x.status >= HTTPStatus.INTERNAL_SERVER_ERROR and x.status not in BUSY
        if failed or not x.complete:
            came = f"{x.status}" if failed else x.exchange.detail
            yield Deviation("a reply below 500", came, exchange=x.exchange.number)


def _odd(x: Reading, odd: Odd) -> bool:
    """A reply to a valid request about which nothing is odd but this."""
    return x.status > 0 and x.standing.valid and x.odd == {odd}


def _succeeds(x: Reading) -> Answer:
    """Server errors and being busy have rules of their own."""
    if 300 <= x.status < 500 and x.outcome is not Outcome.BUSY:
        yield Deviation("success", f"{x.status} {message_of(x)}".rstrip())


check("robustness.slow-body", on=lambda x: _odd(x, Odd.SLOW_BODY))(_succeeds)
check("robustness.marks-accepted", on=lambda x: _odd(x, Odd.TEMPLATE_MARKS))(_succeeds)


@check("robustness.large-body", on=lambda x: _odd(x, Odd.LARGE_BODY))
def large_body(x: Reading) -> Answer:
    """It is read, or refused for its size."""
    if 300 <= x.status < 500 and x.outcome is not Outcome.BUSY and x.status not in TOO_LARGE:
        yield Deviation("success, 413 or 400", f"{x.status} {message_of(x)}".rstrip())


def _cost(x: Reading) -> int | None:
    """The tokens that what was sent cost; None where that is not told."""
    usage = x.json.get("usage") if isinstance(x.json, dict) and x.answered else None
    told = usage if isinstance(usage, dict) else {}
    found = told.get("prompt_tokens", told.get("input_tokens"))
    return found if type(found) is int and found > 0 else None


def _marked(dialogue: Dialogue) -> bool:
    return len(dialogue) == 2 and _odd(dialogue[0], Odd.TEMPLATE_MARKS) and dialogue[1].ordinary


@relation("robustness.marks-read", on=_marked)
def marks_read(dialogue: Dialogue) -> Answer:
    """A text with marks is longer than what stands in it before them, and costs more."""
    marked, bare = map(_cost, dialogue)
    if marked is None or bare is None:
        yield Undecided("what a text cost is not told")
    elif marked <= bare:
        wanted = f"more than the {bare} tokens of what stands before the marks"
        yield Deviation(wanted, f"{marked}", exchange=dialogue[0].exchange.number)
