"""What HTTP and JSON ask of every operation."""

from __future__ import annotations

from http import HTTPStatus

from conformance.check import Answer, Deviation, Place, check, fold, show
from conformance.reading import EVENTS, JSON, NotJson, Outcome, Reading
from conformance.wire.exchange import End

BUSY = (HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.SERVICE_UNAVAILABLE)
OTHER_REFUSALS = (401, 403, 429)  # say nothing about the request


def replied(x: Reading) -> bool:
    """A reply came."""
    return x.exchange.reply is not None


def succeeded(x: Reading) -> bool:
    """A reply came and says that the request succeeded."""
    return 200 <= x.status < 300


def finished(x: Reading) -> bool:
    """The exchange was not cut by us on purpose."""
    return x.exchange.end is not End.CANCELED


def _outcomes(state: tuple[Outcome, ...], x: Reading) -> tuple[Outcome, ...]:
    return tuple({*state, x.outcome})


@fold("http.offered", on=lambda x: x.ordinary, start=(), step=_outcomes)
def offered(outcomes: tuple[Outcome, ...]) -> Answer:
    """Some valid request gets past the routing."""
    if set(outcomes) <= {Outcome.UNROUTED, Outcome.REFUSED}:
        yield Deviation("an answer to some valid request", "every one was refused")


@check("http.completes", on=finished)
def completes(x: Reading) -> Answer:
    """The exchange ended as HTTP frames it."""
    if not x.complete:
        length = len(x.exchange.reply.body) if x.exchange.reply else 0
        yield Deviation("a complete reply", x.exchange.detail, Place(offset=length))


@check("http.no-server-error", on=replied)
def no_server_error(x: Reading) -> Answer:
    """No 5xx but 501 and 503."""
    if x.status >= HTTPStatus.INTERNAL_SERVER_ERROR and x.status not in BUSY:
        yield Deviation("a status below 500", f"{x.status}")


@check("http.valid-accepted", on=lambda x: replied(x) and x.ordinary and _fixed(x))
def valid_accepted(x: Reading) -> Answer:
    """A valid request succeeds; server errors and being busy have rules of their own."""
    if 300 <= x.status < 500 and x.outcome is not Outcome.BUSY:
        yield Deviation("success", f"{x.status} {_message(x)}".rstrip())


def _fixed(x: Reading) -> bool:
    """The path names no resource that may be missing."""
    return x.operation is not None and "{" not in x.operation.path


def _message(x: Reading) -> str:
    error = x.json.get("error") if isinstance(x.json, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return show(message) if isinstance(message, str) else ""


@check("http.success-is-200", on=succeeded)
def success_is_200(x: Reading) -> Answer:
    """A success has status 200."""
    if x.status != HTTPStatus.OK:
        yield Deviation("200", f"{x.status}")


@check("http.json-media-type", on=lambda x: succeeded(x) and not x.asks_stream)
def json_media_type(x: Reading) -> Answer:
    """What was not asked for as a stream is JSON."""
    if x.media_type != JSON:
        yield Deviation(JSON, show(x.media_type) if x.media_type else "no Content-Type")


@check("http.stream-media-type", on=lambda x: succeeded(x) and x.asks_stream)
def stream_media_type(x: Reading) -> Answer:
    """What was asked for as a stream is an event stream."""
    if x.media_type != EVENTS:
        yield Deviation(EVENTS, show(x.media_type) if x.media_type else "no Content-Type")


@check(
    "http.json-well-formed",
    on=lambda x: succeeded(x) and x.media_type == JSON and not x.asks_stream and x.complete,
)
def json_well_formed(x: Reading) -> Answer:
    """The body is one JSON text."""
    if isinstance(x.json, NotJson):
        yield Deviation("one JSON text in UTF-8", x.json.reason, Place(offset=x.json.offset))


@check(
    "http.refusal-is-400",
    on=lambda x: x.standing.invalid and not x.odd and _refused(x),
    expects_error=True,
)
def refusal_is_400(x: Reading) -> Answer:
    """An invalid request is refused with 400."""
    if x.status != HTTPStatus.BAD_REQUEST:
        yield Deviation("400", f"{x.status}")


def _refused(x: Reading) -> bool:
    return 400 <= x.status < 500 and x.status not in OTHER_REFUSALS
