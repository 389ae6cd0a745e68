"""What becomes of requests that are odd by more than their schema."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from conformance.check import Answer, Deviation, check
from conformance.checks.http import OTHER_REFUSALS, fixed, message_of, replied
from conformance.odd import Odd
from conformance.reading import Reading


def _only(odd: Odd) -> Callable[[Reading], bool]:
    """Requests about which nothing is odd but this."""
    return lambda x: replied(x) and x.odd == {odd} and fixed(x)


def _valid(odd: Odd) -> Callable[[Reading], bool]:
    """The valid ones of them."""
    return lambda x: _only(odd)(x) and x.standing.valid


def _succeeds(x: Reading) -> Answer:
    """Server errors, being busy and wanting a key have rules of their own."""
    if 300 <= x.status < 500 and x.status not in OTHER_REFUSALS:
        yield Deviation("success", f"{x.status} {message_of(x)}".rstrip())


ACCEPTED = {
    "http.charset-accepted": Odd.CHARSET,
    "http.query-ignored": Odd.QUERY,
    "http.unknown-member-ignored": Odd.UNKNOWN_MEMBER,
    "http.official-defaults-accepted": Odd.DEFAULT_MEMBER,
    "http.whole-float-accepted": Odd.WHOLE_FLOAT,
}
for _id, _odd in ACCEPTED.items():
    check(_id, on=_valid(_odd))(_succeeds)


def _is_refused(x: Reading) -> Answer:
    if x.status < 400 and x.masked is None:
        yield Deviation("400 or another 4xx", f"{x.status}")


REFUSED = {
    "http.other-media-type-refused": Odd.MEDIA_TYPE,
    "http.member-case": Odd.OTHER_CASE,
}
for _id, _odd in REFUSED.items():
    check(_id, on=_only(_odd), expects_error=True)(_is_refused)


def _without_nulls(x: Reading) -> bool:
    """Whether nothing but null for optional members keeps the request from being ordinary."""
    if not isinstance(x.sent, dict) or None not in x.sent.values() or x.operation is None:
        return False
    kept = {name: value for name, value in x.sent.items() if value is not None}
    nulled = bool(x.standing.document) and not x.standing.contract and not x.odd
    return nulled and x.contract.standing(x.operation, kept).valid


@check("http.null-as-absent", on=lambda x: replied(x) and _without_nulls(x))
def null_as_absent(x: Reading) -> Answer:
    """Null means that the member is not there."""
    yield from _succeeds(x)


@check("http.wrong-key", on=_valid(Odd.WRONG_KEY))
def wrong_key(x: Reading) -> Answer:
    """A key is right, or not asked for, or refused as a key."""
    if 300 <= x.status < 500 and x.status not in OTHER_REFUSALS:
        yield Deviation("success or 401", f"{x.status}")


@check("http.wrong-key-is-401", on=_valid(Odd.WRONG_KEY))
def wrong_key_is_401(x: Reading) -> Answer:
    """Who one is comes before what one may."""
    if x.status == HTTPStatus.FORBIDDEN:
        yield Deviation("401", "403")


@check("http.any-key-accepted", on=_valid(Odd.WRONG_KEY))
def any_key_accepted(x: Reading) -> Answer:
    """Nothing asks for a key."""
    if x.status == HTTPStatus.UNAUTHORIZED:
        yield Deviation("success", "401")
