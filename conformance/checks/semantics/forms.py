"""The same request in both forms, and with a string that stops it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from conformance.check import Answer, Deviation, Dialogue, Place, Undecided, relation, show
from conformance.checks.completions.relations import lost
from conformance.checks.semantics.said import (
    BROKEN,
    FORM,
    UNSTEADY,
    Said,
    body,
    member,
    pairs,
    said,
    steady,
)
from conformance.reading import Reading


def _both(x: Reading, y: Reading) -> bool:
    """A plain request, and the same one as a stream, to one operation."""
    forms = not x.asks_stream and y.asks_stream and x.operation is y.operation
    return forms and body(x, *FORM) == body(y, *FORM)


def _twins(dialogue: Dialogue) -> Iterator[tuple[Reading, Said, Reading, Said]]:
    for x, y in pairs(dialogue, _both):
        plain, streamed = said(x), said(y)
        if plain and streamed:
            yield x, plain, y, streamed


def _alike(one: Said, other: Said) -> bool:
    return one.text == other.text and one.calls == other.calls


@relation("semantics.same-finish", on=lambda d: bool(pairs(d, _both)))
def same_finish(dialogue: Dialogue) -> Answer:
    """What is the same has ended for the same reason; a stop string has a rule of its own."""
    twins = (each for each in _twins(dialogue) if not member(each[0], "stop"))
    found = [each for each in twins if _alike(each[1], each[3]) and not each[1].calls]
    known = [each for each in found if {each[1].reason, each[3].reason} <= {"stop", "length"}]
    if not known:
        yield Undecided("the two forms brought different texts, or other reasons to end")
    for _, plain, y, streamed in known:
        if plain.reason != streamed.reason:
            wanted = f"{show(plain.reason)} as in the plain answer"
            yield Deviation(wanted, show(streamed.reason), exchange=y.exchange.number)
            return


def _counted(x: Reading, y: Reading) -> bool:
    options = member(y, "stream_options")
    asked = isinstance(options, dict) and options.get("include_usage") is True
    return asked and _both(x, y)


@relation("semantics.same-usage", on=lambda d: bool(pairs(d, _counted)))
def same_usage(dialogue: Dialogue) -> Answer:
    """The prompt costs the same in both forms, and so does the same text."""
    told = [each for each in _twins(dialogue) if each[1].prompt and each[3].prompt]
    if not told:
        yield Undecided("usage was not told in both forms")
    for _, plain, y, streamed in told:
        limit = member(y, "max_tokens")
        over = isinstance(limit, int) and (plain.made or 0) > limit
        same = over or plain.made == streamed.made or not _alike(plain, streamed)
        if plain.prompt != streamed.prompt or not same:
            wanted = f"{plain.prompt} tokens and {plain.made}, as in the plain answer"
            observed = f"{streamed.prompt} and {streamed.made}"
            yield Deviation(wanted, observed, exchange=y.exchange.number)
            return


def _usage(x: Reading) -> dict[str, Any] | None:
    """What an answer cost, in either form."""
    counted = [chunk.value.get("usage") for chunk in x.chunks] if x.asks_stream else []
    plain = x.json.get("usage") if isinstance(x.json, dict) else None
    return next((each for each in (*reversed(counted), plain) if isinstance(each, dict)), None)


def _details(x: Reading) -> Any:
    """What is told of the tokens of the prompt; None where nothing is."""
    return (_usage(x) or {}).get("prompt_tokens_details")


@relation("semantics.same-usage-details", on=lambda d: bool(pairs(d, _counted)))
def same_usage_details(dialogue: Dialogue) -> Answer:
    """What was once told of a prompt is told in the other form afterwards; that a cache knew
    nothing of it before may go unsaid, and no usage at all has rules of its own.
    """
    found = {id(x): x for pair in pairs(dialogue, _counted) for x in pair if said(x) and _usage(x)}
    told = sorted(found.values(), key=lambda x: x.exchange.number)
    if not any(map(_details, told)):
        yield Undecided("no answer has prompt_tokens_details")
    for before, after in combinations(told, 2):
        if before.asks_stream is not after.asks_stream and _details(before) and not _details(after):
            expected = f"prompt_tokens_details, as in the other form: {show(_details(before))}"
            yield Deviation(expected, show(_details(after)), exchange=after.exchange.number)
            return


@relation("semantics.same-response", on=lambda d: bool(pairs(d, _both)))
def same_response(dialogue: Dialogue) -> Answer:
    """No piece of the text is lost or repeated on the way; two answers differ in other ways."""
    found = [each for each in _twins(dialogue) if each[1].text and each[3].text]
    if not found:
        yield Undecided(BROKEN)
    for x, plain, _, streamed in found:
        if lost(plain.text, streamed.text):
            wanted = f"{show(streamed.text)} as in the stream"
            yield Deviation(wanted, show(plain.text), exchange=x.exchange.number)
            return


def _stops(x: Reading, y: Reading) -> bool:
    """A request without a stop, and the same with one, in either form."""
    if x.asks_stream or x.operation is not y.operation or "stop" in x.sent:
        return False
    return bool(_stop(y)) and body(x, *FORM) == body(y, "stop", *FORM)


def _stop(x: Reading) -> str:
    stop = member(x, "stop")
    stop = stop[0] if isinstance(stop, list) and len(stop) == 1 else stop
    return stop if isinstance(stop, str) else ""


def _stopped(dialogue: Dialogue) -> dict[int, tuple[Reading, Said, str]]:
    """Answers to requests with one stop string, by exchange, each with the text without it, if the
    string is in that text.
    """
    found = ((said(x), y, said(y)) for x, y in pairs(dialogue, _stops))
    return {
        y.exchange.number: (y, ended, free.text)
        for free, y, ended in found
        if free and ended and free.text.find(_stop(y)) > 0
    }


@relation("semantics.stop-absent", on=lambda d: bool(pairs(d, _stops)))
def stop_absent(dialogue: Dialogue) -> Answer:
    """A string that stops the text is not in it, nor in any piece of a stream."""
    found = _stopped(dialogue)
    if not found or not steady(dialogue):
        yield Undecided("no text had the stop string in it" if steady(dialogue) else UNSTEADY)
        return
    for number, (y, ended, _) in found.items():
        if _stop(y) in ended.text:
            observed = f"{show(_stop(y))} in {show(ended.text)}"
            yield Deviation("a text without the stop string", observed, exchange=number)


@relation("semantics.stop-finish", on=lambda d: bool(pairs(d, _stops)))
def stop_finish(dialogue: Dialogue) -> Answer:
    """A text that a string stopped was not cut; at the limit itself both may be said."""
    ended = [
        (number, said_)
        for number, (y, said_, free) in _stopped(dialogue).items()
        if said_.text.rstrip() == free[: free.find(_stop(y))].rstrip()
        and (said_.made is None or said_.made != member(y, "max_tokens"))
    ]
    if not ended or not steady(dialogue):
        yield Undecided("no stop string ended a text")
        return
    for number, each in ended:
        if each.reason == "length":
            place = Place(pointer="/choices/0/finish_reason")
            yield Deviation("stop", show(each.reason), place, number)
