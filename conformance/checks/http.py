"""What HTTP and JSON ask of every operation."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from conformance.check import (
    Answer,
    Deviation,
    Dialogue,
    Place,
    Undecided,
    check,
    fold,
    relation,
    show,
)
from conformance.checks.errors import nameless
from conformance.odd import Odd
from conformance.reading import EVENTS, JSON, NotJson, Outcome, Reading, is_streamed
from conformance.wire.exchange import End

BUSY = (HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.SERVICE_UNAVAILABLE)
GENERIC = frozenset({400, 401, 403, 405, 406, 408, 411, 413, 414, 415, 421, 422, 426, 429, 431})
OTHER_REFUSALS = (401, 403, 429)  # say nothing about the request
ASIDE = ("OPTIONS", "HEAD")  # methods that no path has of its own, and that are never wrong
ENOUGH = 12  # events from which on the time after the last one means something


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


@check("http.completes", on=finished, busy=True)
def completes(x: Reading) -> Answer:
    """The exchange ended as HTTP frames it; silence means something where it was asked alone."""
    if x.exchange.reply is None and x.exchange.end is End.LIMIT and x.exchange.neighbours:
        yield Undecided("the target was silent while other requests were under way")
    elif not x.complete:
        length = len(x.exchange.reply.body) if x.exchange.reply else 0
        yield Deviation("a complete reply", x.exchange.detail, Place(offset=length))


@check("http.no-server-error", on=replied)
def no_server_error(x: Reading) -> Answer:
    """No 5xx but 501 and 503."""
    if x.status >= HTTPStatus.INTERNAL_SERVER_ERROR and x.status not in BUSY:
        yield Deviation("a status below 500", f"{x.status}")


@check("http.valid-accepted", on=lambda x: replied(x) and x.ordinary and fixed(x))
def valid_accepted(x: Reading) -> Answer:
    """A valid request succeeds; server errors and being busy have rules of their own."""
    if 300 <= x.status < 500 and x.outcome is not Outcome.BUSY:
        yield Deviation("success", f"{x.status} {message_of(x)}".rstrip())


def fixed(x: Reading) -> bool:
    """The path names no resource that may be missing."""
    return x.operation is not None and "{" not in x.operation.path


def message_of(x: Reading) -> str:
    """What an error says, for a finding; nothing where it says nothing."""
    error = x.json.get("error") if isinstance(x.json, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return show(message) if isinstance(message, str) else ""


@check("http.success-is-200", on=succeeded)
def success_is_200(x: Reading) -> Answer:
    """A success has status 200."""
    if x.status != HTTPStatus.OK:
        yield Deviation("200", f"{x.status}")


def _answers(x: Reading) -> bool:
    """A success to a body that says, and that the server had to read, which form is wanted."""
    stream = x.sent.get("stream") if isinstance(x.sent, dict) else None
    told = isinstance(stream, bool | None) and Odd.MEDIA_TYPE not in x.odd
    return told and succeeded(x) and x.masked is None


@check("http.json-media-type", on=lambda x: _answers(x) and not x.asks_stream)
def json_media_type(x: Reading) -> Answer:
    """What was not asked for as a stream is JSON."""
    if x.media_type != JSON:
        yield Deviation(JSON, show(x.media_type) if x.media_type else "no Content-Type")


@check("http.stream-media-type", on=lambda x: _answers(x) and x.asks_stream)
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
    """An invalid request is refused with 400; 404 for no name has a rule of its own."""
    if nameless(x) and x.status == HTTPStatus.NOT_FOUND:
        yield Undecided("the model was looked for and not found")
    elif x.status != HTTPStatus.BAD_REQUEST:
        yield Deviation("400", f"{x.status}")


@check("http.status-documented", on=lambda x: replied(x) and x.outcome is not Outcome.FAILED)
def status_documented(x: Reading) -> Answer:
    """The status is one that a client of this operation can expect."""
    known = GENERIC | (x.operation.statuses if x.operation else frozenset())
    unrouted = x.outcome is Outcome.UNROUTED  # not offered: another rule
    if 400 <= x.status < 500 and x.status not in known and not unrouted:
        yield Deviation(f"one of {', '.join(map(str, sorted(known)))}", f"{x.status}")


def _refused(x: Reading) -> bool:
    return 400 <= x.status < 500 and x.status not in OTHER_REFUSALS


@check("http.no-unasked-coding", on=replied, busy=True)
def no_unasked_coding(x: Reading) -> Answer:
    """The suite allows no coding but identity."""
    coding = _header(x, "content-encoding")
    if coding not in ("", "identity"):
        yield Deviation("no content coding", show(coding))


def _header(x: Reading, name: str) -> str:
    value = x.exchange.reply.header(name) if x.exchange.reply else None
    return (value or "").strip().lower()


@check("http.stream-not-cached", on=is_streamed)
def stream_not_cached(x: Reading) -> Answer:
    """No cache on the way keeps a stream, or holds it back."""
    found = _header(x, "cache-control")
    if "no-cache" not in found and "no-store" not in found:
        yield Deviation("no-cache or no-store", show(found) if found else "no Cache-Control")


@check("http.ends-promptly", on=lambda x: is_streamed(x) and x.complete)
def ends_promptly(x: Reading) -> Answer:
    """The body ends soon after its last event.

    By proportions, never seconds; only a stream of many events, sent alone, can tell.
    """
    reply = x.exchange.reply
    if len(x.events) < ENOUGH or x.brief or x.exchange.neighbours or reply is None:
        yield Undecided("the streams were too short to tell")
        return
    ended = max(x.exchange.ended, reply.pieces[-1].at)
    waited, whole = ended - x.events[-1].at, ended - x.exchange.started
    if whole > 0 and waited / whole > 0.5:
        observed = f"{waited / whole:.0%} of the time after the last event"
        yield Deviation("the end of the body at once", observed)


def _wrong_methods(dialogue: Dialogue) -> list[Reading]:
    """The requests of a dialogue with a method that the document does not have for their path."""
    found = [x for x in dialogue if x.operation is None and x.methods and x.status]
    return [x for x in found if x.exchange.request.method not in ASIDE]


def _mistaken(dialogue: Dialogue) -> bool:
    return dialogue[-1].answered and bool(_wrong_methods(dialogue))


@relation("http.wrong-method-is-405", on=_mistaken)
def wrong_method_is_405(dialogue: Dialogue) -> Answer:
    """The path is there, the method is not."""
    for x in _wrong_methods(dialogue):
        if x.status != HTTPStatus.METHOD_NOT_ALLOWED:
            yield Deviation("405", f"{x.status}", exchange=x.exchange.number)


@relation("http.wrong-method-allow", on=_mistaken)
def wrong_method_allow(dialogue: Dialogue) -> Answer:
    """A 405 says which methods there are."""
    found = [x for x in _wrong_methods(dialogue) if x.status == HTTPStatus.METHOD_NOT_ALLOWED]
    if not found:
        yield Undecided("no wrong method was answered with 405")
    for x in found:
        allowed = {method.strip() for method in _header(x, "allow").upper().split(",")}
        if not x.methods <= allowed:
            wanted, observed = ", ".join(sorted(x.methods)), _header(x, "allow").upper()
            yield Deviation(f"Allow: {wanted}", observed or "none", exchange=x.exchange.number)


def _heads(dialogue: Dialogue) -> Iterator[tuple[Reading, Reading]]:
    """The replies to HEAD, each with that to GET for the same path."""
    for x in dialogue:
        if x.exchange.request.method == "HEAD" and 0 < x.status < 500:
            for y in dialogue:
                got = y.exchange.request.method == "GET" and succeeded(y)
                if got and y.exchange.request.path == x.exchange.request.path:
                    yield x, y


@relation("http.head", on=lambda d: any(_heads(d)))
def head(dialogue: Dialogue) -> Answer:
    """The head of the reply is that to GET, or the method is not there."""
    for x, y in _heads(dialogue):
        if x.status in (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED):
            continue
        if (x.status, x.media_type) != (y.status, y.media_type):
            wanted, observed = (f"{each.status} {each.media_type}".rstrip() for each in (y, x))
            yield Deviation(f"{wanted} as for GET, or 405", observed, exchange=x.exchange.number)


def _preflights(dialogue: Dialogue) -> list[Reading]:
    """The preflight requests of a dialogue; that none may fail has a rule of its own."""
    return [
        x
        for x in dialogue
        if x.exchange.request.method == "OPTIONS" and x.methods and 0 < x.status < 500
    ]


@relation("http.preflight", on=lambda d: d[-1].answered and bool(_preflights(d)))
def preflight(dialogue: Dialogue) -> Answer:
    """A web page may ask, with the headers that it has to send; `*` does not mean the key."""
    for x in _preflights(dialogue):
        sent = {name.lower(): value for name, value in x.exchange.request.headers}
        wanted = _names(sent.get("access-control-request-headers", ""))
        allowed = _names(_header(x, "access-control-allow-headers"))
        left = wanted - allowed if "*" not in allowed else wanted & {"authorization"} - allowed
        if not succeeded(x):
            yield Deviation("success", f"{x.status}", exchange=x.exchange.number)
        elif not _header(x, "access-control-allow-origin"):
            yield Deviation("Access-Control-Allow-Origin", "none", exchange=x.exchange.number)
        elif left:
            observed = f"not {', '.join(sorted(left))}"
            yield Deviation("every header allowed", observed, exchange=x.exchange.number)


def _names(value: str) -> set[str]:
    return {name.strip().lower() for name in value.split(",") if name.strip()}
