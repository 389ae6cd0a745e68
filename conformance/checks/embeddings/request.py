"""Requests that must be refused, and those that may be."""

from __future__ import annotations

from http import HTTPStatus

from conformance.check import Answer, Deviation, check
from conformance.checks.embeddings.vectors import inputs, width
from conformance.odd import Odd
from conformance.reading import Reading


def _received(x: Reading) -> bool:
    return x.surface == "embeddings" and x.status > 0


@check(
    "embeddings.empty-list-refused",
    on=lambda x: _received(x) and inputs(x) == [] and not x.standing.document and not x.odd,
    expects_error=True,
)
def empty_list_refused(x: Reading) -> Answer:
    """No input, no answer."""
    if x.status < HTTPStatus.BAD_REQUEST and x.masked is None:
        yield Deviation("a 4xx status", f"{x.status}")


def _below_one(x: Reading) -> bool:
    asked = width(x)
    return asked is not None and asked < 1


@check(
    "embeddings.no-dimensions-refused",
    on=lambda x: _received(x) and _below_one(x) and not x.standing.document and not x.odd,
    expects_error=True,
)
def no_dimensions_refused(x: Reading) -> Answer:
    """A vector has a dimension at least."""
    if x.status < HTTPStatus.BAD_REQUEST and x.masked is None:
        yield Deviation("a 4xx status", f"{x.status} for {width(x)} dimensions")


@check("embeddings.token-input", on=lambda x: _received(x) and _tokens(x) and not x.odd)
def token_input(x: Reading) -> Answer:
    """Lists of tokens are taken."""
    if HTTPStatus.BAD_REQUEST <= x.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        yield Deviation("success", f"{x.status}")


def _tokens(x: Reading) -> bool:
    """Whether the input is valid and in tokens."""
    texts = [each for each in inputs(x) if isinstance(each, str)]
    return not x.standing.contract and bool(x.standing.document) and not texts


@check(
    "embeddings.extreme-input",
    on=lambda x: _received(x) and len(x.odd) == 1 and x.odd <= {Odd.EMPTY_TEXT, Odd.LONG_TEXT},
)
def extreme_input(x: Reading) -> Answer:
    """An extreme text is embedded, or refused in the ordinary way."""
    if 300 <= x.status < 500 and x.status not in (400, 413):
        yield Deviation("success or 400", f"{x.status}")
