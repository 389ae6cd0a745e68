"""Which requests for a response are accepted, and which are refused."""

from __future__ import annotations

from collections.abc import Callable

from conformance.check import Answer, Deviation, check
from conformance.checks.http import OTHER_REFUSALS, message_of, replied
from conformance.odd import Odd
from conformance.reading import Reading

SURFACES = ("responses", "responses-stream")


def _succeeds(x: Reading) -> Answer:
    """Server errors, being busy and wanting a key have rules of their own."""
    if 300 <= x.status < 500 and x.status not in OTHER_REFUSALS:
        yield Deviation("success", f"{x.status} {message_of(x)}".rstrip())


def _is_refused(x: Reading) -> Answer:
    if x.status < 400 and x.masked is None:
        yield Deviation("400 or another 4xx", f"{x.status}")


def _asked(x: Reading) -> bool:
    return replied(x) and x.surface in SURFACES and isinstance(x.sent, dict)


def _flat(x: Reading) -> bool:
    """Functions in the flat form, which the document alone does not know."""
    if not _asked(x) or x.odd or x.standing.contract or not x.standing.document:
        return False
    tools = x.sent.get("tools")
    listed = tools if isinstance(tools, list) else []
    functions = [t for t in listed if isinstance(t, dict) and t.get("type") == "function"]
    about = all(error.place.startswith("/tools") for error in x.standing.document)
    return bool(listed) and len(functions) == len(listed) and about


check("responses.flat-tools-accepted", on=_flat)(_succeeds)


def _only(odd: Odd) -> Callable[[Reading], bool]:
    """Requests about which nothing is odd but this."""
    return lambda x: _asked(x) and x.odd == {odd} and x.standing.valid


ACCEPTED = {
    "responses.reasoning-item-accepted": Odd.REASONING_ITEM,
    "responses.refusal-part-accepted": Odd.REFUSAL_PART,
}
for _id, _odd in ACCEPTED.items():
    check(_id, on=_only(_odd))(_succeeds)

REFUSED = {
    "responses.unknown-previous-refused": Odd.NO_RESPONSE,
    "responses.few-tokens-refused": Odd.FEW_TOKENS,
}
for _id, _odd in REFUSED.items():
    check(_id, on=_only(_odd), expects_error=True)(_is_refused)


def _beyond(keyword: str, place: str) -> Callable[[Reading], bool]:
    """Requests that are valid by the document, and by the contract invalid there alone."""

    def on(x: Reading) -> bool:
        found = [(error.keyword, error.place) for error in x.standing.contract]
        there = [pair for pair in found if pair[0] == keyword and pair[1].startswith(place)]
        return (
            _asked(x) and not x.odd and not x.standing.document and bool(found) and found == there
        )

    return on


BEYOND = {
    "responses.unknown-input-refused": ("oneOf", "/input"),
    "responses.unknown-effort-refused": ("enum", "/reasoning/effort"),
    "responses.nested-tool-refused": ("required", "/tools/"),
}
for _id, (_keyword, _place) in BEYOND.items():
    check(_id, on=_beyond(_keyword, _place), expects_error=True)(_is_refused)
