"""A probe: a dialogue of one request or more, each of which may depend on what came before."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from conformance.wire.exchange import Exchange, Request

Turns = Generator[Request | tuple[Request, ...], Exchange, None]


@dataclass(frozen=True)
class Abandoned(Request):
    """A request whose connection we close after so many events of its stream."""

    events: int = 2


@dataclass(frozen=True)
class Probe:
    """A dialogue that can be held once.

    A turn is a request, or several that are sent at once; of those the exchange of the last one is
    handed back. `requests` and `tokens` are upper bounds of what it costs; `alone` asks that
    nothing else is under way meanwhile, for rules about time, or so that what it breaks is its own.
    `canary` says of one that is alone that whatever is alive answers its last request: a target
    that does not is asked again, and then given up. `also` names further surfaces whose rules need
    it.
    """

    name: str
    surface: str
    turns: Callable[[], Turns]
    requests: int = 1
    tokens: int = 0
    alone: bool = False
    canary: bool = False
    also: frozenset[str] = frozenset()


def post(path: str, body: Any) -> Request:
    """A POST of a JSON body."""
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )
    return Request("POST", path, (), data)


def get(path: str) -> Request:
    """A GET."""
    return Request("GET", path)


def single(
    name: str, surface: str, request: Request, *, tokens: int = 0, alone: bool = False
) -> Probe:
    """A dialogue of one request."""

    def turns() -> Turns:
        yield request

    return Probe(name, surface, turns, tokens=tokens, alone=alone)


def answer(exchange: Exchange) -> Any:
    """The JSON value of an answer, for the turn that goes on from it; None where there is none."""
    try:
        return json.loads(exchange.reply.body) if exchange.reply else None
    except (ValueError, RecursionError):
        return None


def limits(body: dict[str, Any]) -> dict[str, Any]:
    """The members of a request that limit how much it may generate."""
    return {name: value for name, value in body.items() if name.startswith("max_")}


def bound(body: Any) -> int:
    """The tokens that a request may generate, by its own limit."""
    return sum(int(value) for value in limits(body).values())
