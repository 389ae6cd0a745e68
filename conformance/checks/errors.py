"""Errors: how they are told, and what they say."""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from conformance.check import Answer, Deviation, Dialogue, Place, Undecided, check, relation, show
from conformance.odd import Odd
from conformance.reading import EVENTS, JSON, NotJson, Reading, is_error, is_streamed

TYPES = frozenset(
    {
        "invalid_request_error",
        "authentication_error",
        "permission_error",
        "not_found_error",
        "rate_limit_error",
        "server_error",
        "api_error",
        "insufficient_quota",
        "overloaded_error",
    }
)
LENIENT = ("completions", "completions-stream", "embeddings")  # may look for any name
BLAMES_SERVER = ("server_error", "api_error", "overloaded_error")
LEAKS = re.compile(
    r"Traceback \(most recent|goroutine \d+ \[|\n\s+at \S+ ?\(|"  # stacks of Python, Go, Node
    r"<(?:!doctype|html|head|body|h1|p|br|div|pre)\b|"
    r"(?<![\w.:/])/(?:usr|home|opt|var|app|root|etc|srv|tmp|Users)/\S|\b[A-Z]:\\\w",
    re.IGNORECASE,
)


def failed(x: Reading) -> bool:
    """A reply came and says that the request failed."""
    return x.status >= HTTPStatus.BAD_REQUEST


def error_of(x: Reading) -> dict[str, Any] | None:
    """The error object of a reply in the envelope."""
    error = x.json.get("error") if isinstance(x.json, dict) and x.media_type == JSON else None
    return error if isinstance(error, dict) else None


def _only(odd: Odd) -> Callable[[Reading], bool]:
    """Requests about which nothing is odd but this."""
    return lambda x: x.odd == {odd} and not x.standing.document and x.status > 0


@check("errors.status", on=lambda x: 200 <= x.status < 300 and x.media_type != EVENTS)
def status(x: Reading) -> Answer:
    """No success carries an error in place of its answer."""
    if x.masked is not None:
        yield Deviation("a 4xx or 5xx status", f"{x.status} with {show(x.masked)}")


@check("errors.before-stream", on=lambda x: x.asks_stream and _refusable(x), expects_error=True)
def before_stream(x: Reading) -> Answer:
    """What is wrong with a request is said before a stream begins."""
    if x.masked is not None and x.media_type == EVENTS:
        yield Deviation("an HTTP error", f"{x.status} and the event {show(x.masked)}", Place(0))


def _refusable(x: Reading) -> bool:
    """What is wrong can be known from the request alone."""
    return x.status > 0 and bool(x.standing.invalid or {Odd.NO_MODEL, Odd.EMPTY_MODEL} & x.odd)


@check("errors.stream-event", on=lambda x: is_streamed(x) and bool(x.events))
def stream_event(x: Reading) -> Answer:
    """An event that is no chunk is an error in the envelope, with a message."""
    for n, payload in enumerate(x.payloads):
        if isinstance(payload, dict) and is_error(payload):
            error = payload.get("error")
            said = error.get("message") if isinstance(error, dict) else None
            if not isinstance(said, str) or not said:
                yield Deviation("an object `error` with a message", show(payload), Place(n))
                return


@check("errors.media-type", on=failed, expects_error=True, busy=True)
def media_type(x: Reading) -> Answer:
    """Errors are JSON."""
    if x.media_type != JSON:
        yield Deviation(JSON, show(x.media_type) if x.media_type else "no Content-Type")


@check("errors.envelope", on=failed, expects_error=True, busy=True)
def envelope(x: Reading) -> Answer:
    """The body is an object with an object `error`."""
    if x.media_type != JSON:
        yield Undecided("the error is not announced as JSON")
    elif error_of(x) is None:
        observed = x.json.reason if isinstance(x.json, NotJson) else show(x.json)
        yield Deviation("an object with an object `error`", observed)


def in_envelope(x: Reading) -> bool:
    """A failure in the envelope."""
    return failed(x) and error_of(x) is not None


def _member(x: Reading, name: str, wanted: str, fits: Callable[[Any], bool]) -> Answer:
    error = error_of(x) or {}
    if name not in error:
        yield Deviation(wanted, "no such member", Place(pointer=f"/error/{name}"))
    elif not fits(error[name]):
        yield Deviation(wanted, show(error[name]), Place(pointer=f"/error/{name}"))


def _text(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != ""


@check("errors.message", on=in_envelope, expects_error=True, busy=True)
def message(x: Reading) -> Answer:
    """There is a message."""
    yield from _member(x, "message", "a string that is not empty", _text)


@check("errors.type", on=in_envelope, expects_error=True, busy=True)
def type_(x: Reading) -> Answer:
    """There is a type."""
    yield from _member(x, "type", "a string that is not empty", _text)


@check("errors.param", on=in_envelope, expects_error=True, busy=True)
def param(x: Reading) -> Answer:
    """`param` is there."""
    yield from _member(x, "param", "null or a string", lambda v: v is None or isinstance(v, str))


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


@check("errors.code", on=in_envelope, expects_error=True, busy=True)
def code(x: Reading) -> Answer:
    """`code` is there; a number has a rule of its own."""
    wanted = "null or a string"
    yield from _member(x, "code", wanted, lambda v: v is None or isinstance(v, str) or _number(v))


@check("errors.code-is-text", on=in_envelope, expects_error=True, busy=True)
def code_is_text(x: Reading) -> Answer:
    """`code` is no number."""
    if _number(value := (error_of(x) or {}).get("code")):
        yield Deviation("null or a string", show(value), Place(pointer="/error/code"))


def typed(x: Reading) -> bool:
    """A failure with a type."""
    return failed(x) and _text((error_of(x) or {}).get("type"))


@check("errors.type-known", on=typed, expects_error=True, busy=True)
def type_known(x: Reading) -> Answer:
    """The type is one that clients know."""
    value = (error_of(x) or {})["type"]
    if value not in TYPES:
        yield Deviation(" or ".join(sorted(TYPES)), show(value), Place(pointer="/error/type"))


@check("errors.type-fits", on=lambda x: typed(x) and x.status < 500, expects_error=True, busy=True)
def type_fits(x: Reading) -> Answer:
    """What the client did wrong is not blamed on the server."""
    value = (error_of(x) or {})["type"]
    if value in BLAMES_SERVER:
        yield Deviation(f"a type that fits {x.status}", value, Place(pointer="/error/type"))


@check("errors.no-internals", on=in_envelope, expects_error=True, busy=True)
def no_internals(x: Reading) -> Answer:
    """Messages are for the person who sent the request."""
    said = (error_of(x) or {}).get("message")
    if isinstance(said, str) and (found := LEAKS.search(said)):
        place = Place(pointer="/error/message")
        yield Deviation("no stack, path or markup", show(said[found.start() :]), place)


def _unknown(x: Reading) -> bool:
    """The one name that is well formed."""
    model = x.sent.get("model") if isinstance(x.sent, dict) else None
    return _only(Odd.NO_MODEL)(x) and isinstance(model, str) and " " not in model


@check("errors.unknown-model-is-404", on=_unknown, expects_error=True)
def unknown_model_is_404(x: Reading) -> Answer:
    """A model that is not there is not found."""
    if x.masked is not None:
        yield Undecided("the error came with a success status")
    elif x.status != HTTPStatus.NOT_FOUND and x.status < 500:
        yield Deviation("404", f"{x.status}")


@check(
    "errors.odd-model-refused",
    on=lambda x: _only(Odd.NO_MODEL)(x) and not _unknown(x),
    expects_error=True,
)
def odd_model_refused(x: Reading) -> Answer:
    """A name that cannot be one is refused, in one way or the other."""
    if x.masked is None and x.status not in (400, 404) and x.status < 500:
        yield Deviation("400 or 404", f"{x.status}")


@check(
    "errors.unknown-model-code",
    on=lambda x: _unknown(x) and x.status == HTTPStatus.NOT_FOUND and "code" in (error_of(x) or {}),
    expects_error=True,
)
def unknown_model_code(x: Reading) -> Answer:
    """Programs can tell a missing model from a missing route."""
    value = (error_of(x) or {}).get("code")
    if value != "model_not_found":
        yield Deviation("model_not_found", show(value), Place(pointer="/error/code"))


@check("errors.empty-model-refused", on=_only(Odd.EMPTY_MODEL), expects_error=True)
def empty_model_refused(x: Reading) -> Answer:
    """An empty name is no name; that 422 is not 400, and 404 in place of it, have other rules."""
    known = (400, 422, 404) if x.surface in LENIENT else (400, 422)
    if x.masked is None and x.status not in known and x.status < 500:
        yield Deviation("400", f"{x.status}")


def nameless(x: Reading) -> bool:
    """A request that leaves its model out, or its name empty, where 404 is tolerated."""
    missing = isinstance(x.sent, dict) and "model" not in x.sent
    missing = missing and not x.odd and x.standing.invalid
    return x.surface in LENIENT and (missing or _only(Odd.EMPTY_MODEL)(x))


@check("errors.no-model-is-400", on=lambda x: nameless(x) and failed(x), expects_error=True)
def no_model_is_400(x: Reading) -> Answer:
    """Nothing was asked for that could be found or not."""
    if x.status == HTTPStatus.NOT_FOUND:
        yield Deviation("400", f"{x.status}")


def _is_failure(payload: dict[str, Any]) -> bool:
    return payload.get("type") == "error" or is_error(payload)


@check("errors.response-fails-aloud", on=lambda x: is_streamed(x) and x.complete and bool(x.events))
def response_fails_aloud(x: Reading) -> Answer:
    """An error in the middle of a response ends it."""
    payloads = [payload for payload in x.payloads if isinstance(payload, dict)]
    failures = [n for n, payload in enumerate(payloads) if _is_failure(payload)]
    ends = bool(payloads) and payloads[-1].get("type") == "response.failed"
    if failures and not ends:
        yield Deviation("response.failed at the end", show(payloads[-1].get("type")))


def _strays(dialogue: Dialogue) -> list[Reading]:
    """The requests of a dialogue for paths that the document does not have."""
    return [x for x in dialogue if not x.methods and x.status]


@relation("errors.unknown-path", on=lambda d: d[-1].answered and bool(_strays(d)))
def unknown_path(dialogue: Dialogue) -> Answer:
    """A path that is not there is not found, in the envelope."""
    for x in _strays(dialogue):
        if x.status != HTTPStatus.NOT_FOUND or error_of(x) is None:
            observed = f"{x.status} {x.media_type or 'without a media type'}"
            yield Deviation("404 with an error object", observed, exchange=x.exchange.number)
