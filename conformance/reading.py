"""One exchange, read: what was asked, how it stands, and what the reply says. Pure and lazy.

A reading adds nothing to the exchange; it decodes once what several checks want to look at.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, wraps
from http import HTTPStatus
from typing import Any, Final, TypeVar, cast

from conformance.contract.contract import Contract, Standing
from conformance.contract.document import Operation
from conformance.contract.schemas import SchemaError
from conformance.leeway import leeway
from conformance.odd import Odd, oddities
from conformance.wire.exchange import End, Exchange
from conformance.wire.sse import Event, Stream, decode

T = TypeVar("T")
JSON: Final = "application/json"
EVENTS: Final = "text/event-stream"
DONE: Final = "[DONE]"
LEEWAY: Final = "leeway"  # the keyword of a request of which JSON leaves open what it says
LONG: Final = 300  # characters of an integer that a double can hold
BRIEF: Final = 0.05  # seconds of which shares mean nothing


class EndMark:
    """The payload of the event `[DONE]`, which is no JSON."""


END_MARK: Final = EndMark()


@dataclass(frozen=True)
class NotJson:
    """Bytes that are no JSON text (RFC 8259): why, and the byte offset where known."""

    reason: str
    offset: int | None = None


class Outcome(StrEnum):
    """What became of a request, seen from outside."""

    ANSWERED = "answered"  # a success that carries the answer
    UNROUTED = "unrouted"  # refused by routing: 405, 501, or a 404 that is not about the model
    REFUSED = "refused"  # any other 4xx
    BUSY = "busy"  # 429 or 503
    FAILED = "failed"  # a 5xx, a hang, a reset, garbage


def strict_json(data: bytes | str) -> Any:
    """The JSON value of a text, or `NotJson`. Refuses NaN, Infinity and a byte order mark.

    Of repeated members the last one counts; a number that no double can hold is the largest one.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        return NotJson(f"byte {error.start} is not UTF-8", error.start)
    if text.startswith("\ufeff"):
        return NotJson("it begins with a byte order mark", 0)
    try:
        return (WIDE if _may_be_huge(text) else DECODER).decode(text)
    except json.JSONDecodeError as error:
        return NotJson(f"{error.msg} at character {error.pos}", len(text[: error.pos].encode()))
    except (ValueError, RecursionError) as error:
        return NotJson(str(error))


def _refuse(token: str) -> None:
    raise ValueError(f"{token} is no JSON")


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < LONG else _real(digits)


def _real(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else math.copysign(sys.float_info.max, value)


DECODER: Final = json.JSONDecoder(parse_constant=_refuse)
WIDE: Final = json.JSONDecoder(parse_constant=_refuse, parse_int=_integer, parse_float=_real)
EXPONENT: Final = re.compile(r"[eE]\+?\d{3}")
ZEROS: Final = bytes.maketrans(b"123456789", b"000000000")


def _may_be_huge(text: str) -> bool:
    """Whether a text may hold a number beyond a double; of texts that do not, hardly any may."""
    long = len(text) > LONG and b"0" * LONG in text.encode("utf-8", "replace").translate(ZEROS)
    return long or EXPONENT.search(text) is not None


@dataclass(frozen=True)
class Chunk:
    """An event whose data is a JSON object: its number among the events, and the object."""

    event: int
    value: dict[str, Any]


class Reading:
    """What an exchange says, by a contract. `kept` holds what functions read `once`."""

    def __init__(self, exchange: Exchange, contract: Contract) -> None:
        self.exchange = exchange
        self.contract = contract
        self.kept: dict[object, Any] = {}

    @cached_property
    def operation(self) -> Operation | None:
        """The operation that the request line reaches."""
        return self.contract.judging.route(self.exchange.request.method, self.exchange.request.path)

    @cached_property
    def sent(self) -> Any:
        """The JSON value of the request body; `NotJson` where there is none."""
        body = self.exchange.request.body
        return NotJson("no body") if body is None else strict_json(body)

    @cached_property
    def methods(self) -> frozenset[str]:
        """The methods that the document has for the path; none for a path that it does not have."""
        path = self.exchange.request.path.partition("?")[0]
        found = [op for op in self.contract.operations if op.pattern.fullmatch(path)]
        return frozenset(op.method for op in found)

    @cached_property
    def asks_stream(self) -> bool:
        """Whether the request asks for a stream."""
        return isinstance(self.sent, dict) and self.sent.get("stream") is True

    @cached_property
    def surface(self) -> str | None:
        """The surface of the request: its operation in the form that was asked for."""
        operation = self.operation
        return operation.surface(streamed=self.asks_stream) if operation else None

    @cached_property
    def standing(self) -> Standing:
        """What the request is worth by document and contract."""
        operation = self.operation
        if operation and operation.request and (reason := leeway(self.exchange.request)):
            return Standing((), (SchemaError("", "", LEEWAY, reason),))
        if operation is None or (operation.request and isinstance(self.sent, NotJson)):
            unreadable = (SchemaError("", "", self._unreadable, "the body is no JSON text"),)
            return Standing(unreadable, unreadable)
        return self.contract.standing(operation, self.sent)

    @property
    def _unreadable(self) -> str:
        """What kind of text that is no JSON: one that only goes on too long has its own rule."""
        goes_on = isinstance(self.sent, NotJson) and self.sent.reason.startswith("Extra data")
        return "trailing" if goes_on else "unreadable"

    @cached_property
    def odd(self) -> frozenset[Odd]:
        """What is odd about the request by more than its schema."""
        place = self.operation.request if self.operation else None
        schema = self.contract.document.at(place) if place else {}
        properties, official = schema.get("properties", {}), self.contract.official(place)
        return frozenset(oddities(self.exchange.request, self.sent, properties, official))

    @cached_property
    def nonsense(self) -> bool:
        """Whether the request is invalid, or JSON leaves open what it says: an answer may mirror
        that.
        """
        return self.standing.invalid or any(e.keyword == LEEWAY for e in self.standing.contract)

    @cached_property
    def ordinary(self) -> bool:
        """Whether the request is valid and nothing about it is odd."""
        return self.standing.valid and not self.odd

    @cached_property
    def status(self) -> int:
        """The status of the reply; 0 if none came."""
        return self.exchange.reply.status if self.exchange.reply else 0

    @cached_property
    def media_type(self) -> str:
        """The media type of the reply in lower case, without parameters."""
        value = self.exchange.reply.header("content-type") if self.exchange.reply else None
        return (value or "").partition(";")[0].strip().lower()

    @property
    def complete(self) -> bool:
        """Whether the reply ended as HTTP frames it."""
        return self.exchange.end is End.COMPLETE

    @property
    def brief(self) -> bool:
        """Whether the exchange took so little time that a share of it means nothing."""
        return self.exchange.ended - self.exchange.started < BRIEF

    @cached_property
    def json(self) -> Any:
        """The JSON value of the whole reply body, or `NotJson`."""
        return strict_json(self.exchange.reply.body) if self.exchange.reply else NotJson("no reply")

    @cached_property
    def stream(self) -> Stream:
        """The reply body as an event stream."""
        return decode(self.exchange.reply.pieces if self.exchange.reply else ())

    @property
    def events(self) -> tuple[Event, ...]:
        """The dispatched events of the stream."""
        return self.stream.events

    @property
    def done_open(self) -> bool:
        """Whether the stream ends in a `[DONE]` whose event no empty line ends."""
        name, _, value = self.stream.tail.partition(b":")
        return name == b"data" and value.strip() == DONE.encode()

    @property
    def says_done(self) -> bool:
        """Whether `[DONE]` came, ended or not."""
        return END_MARK in self.payloads or self.done_open

    @cached_property
    def payloads(self) -> tuple[Any, ...]:
        """The JSON value of each event, `NotJson` where it has none; `END_MARK` for `[DONE]`."""
        return tuple(END_MARK if e.data == DONE else strict_json(e.data) for e in self.events)

    @cached_property
    def chunks(self) -> tuple[Chunk, ...]:
        """The events that are JSON objects, but for those that report an error and no choice."""
        pairs = enumerate(self.payloads)
        return tuple(Chunk(n, v) for n, v in pairs if isinstance(v, dict) and not is_error(v))

    @cached_property
    def errors(self) -> tuple[tuple[int | None, SchemaError], ...]:
        """Schema errors of the answer by the judging view, each with its event if streamed."""
        if self.operation is None or self.status != 200:
            return ()
        operation, media = self.operation, self.media_type
        if media == EVENTS:
            return tuple(
                (chunk.event, error)
                for chunk in self.chunks
                for error in self.contract.answer_errors(operation, 200, media, chunk.value)
            )
        if isinstance(self.json, NotJson):
            return ()
        return tuple(
            (None, e) for e in self.contract.answer_errors(operation, 200, media, self.json)
        )

    @cached_property
    def answered(self) -> bool:
        """Whether the reply is a success that carries the answer its operation is for."""
        if self.operation is None or not 200 <= self.status < 300:
            return False
        streamed = self.media_type == EVENTS
        bodies = [chunk.value for chunk in self.chunks] if streamed else [self.json]
        member = self.operation.answer.get(streamed)
        return any(isinstance(body, dict) and member in body for body in bodies)

    @cached_property
    def masked(self) -> dict[str, Any] | None:
        """The error that a success reports in place of an answer."""
        if self.answered or not 200 <= self.status < 300:
            return None
        first = self.payloads[0] if self.media_type == EVENTS and self.payloads else self.json
        return first if isinstance(first, dict) and is_error(first) else None

    @cached_property
    def outcome(self) -> Outcome:
        """What became of the request."""
        if self.answered:
            return Outcome.ANSWERED
        if self.status in (405, 501) or (self.status == 404 and not self._names_model):
            return Outcome.UNROUTED
        if 400 <= self.status < 500:
            return Outcome.BUSY if self.status == HTTPStatus.TOO_MANY_REQUESTS else Outcome.REFUSED
        busy = self.status == HTTPStatus.SERVICE_UNAVAILABLE
        return Outcome.BUSY if busy else Outcome.FAILED

    @cached_property
    def _names_model(self) -> bool:
        error = self.json.get("error") if isinstance(self.json, dict) else None
        return "model" in json.dumps(error).lower()


def once(read: Callable[[Reading], T]) -> Callable[[Reading], T]:
    """A pure function of a reading that many checks ask: its value is kept with the reading, and
    must not be changed.
    """

    @wraps(read)
    def kept(x: Reading) -> T:
        if read not in x.kept:
            x.kept[read] = read(x)
        return cast("T", x.kept[read])

    return kept


def is_error(payload: dict[str, Any]) -> bool:
    """Whether an event reports an error in place of an answer, in one of the forms in use."""
    named = "error" in payload or payload.get("object") == "error"
    return named and "choices" not in payload


def is_streamed(x: Reading) -> bool:
    """A stream was asked for and an event stream came, not cut by us."""
    wanted = x.asks_stream and x.status == 200 and x.media_type == EVENTS
    return wanted and x.exchange.end is not End.CANCELED


def is_aftermath(before: Reading, after: Reading) -> bool:
    """Whether an ordinary request failed that followed one that was not, or that was abandoned, in
    the same dialogue: what it shows belongs to the one before.
    """
    left = before.exchange.end is End.CANCELED
    provoked = (left or not before.ordinary) and after.ordinary
    return provoked and after.outcome is Outcome.FAILED
