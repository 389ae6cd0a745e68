"""A probe: a dialogue of one request or more, each of which may depend on what came before."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from conformance.wire.exchange import Exchange, Request

Turns = Generator[Request, Exchange, None]


@dataclass(frozen=True)
class Probe:
    """A dialogue that can be held once.

    `requests` and `tokens` are upper bounds of what it costs; `alone` asks that nothing else is
    under way meanwhile, for rules about time.
    """

    name: str
    surface: str
    turns: Callable[[], Turns]
    requests: int = 1
    tokens: int = 0
    alone: bool = False


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
