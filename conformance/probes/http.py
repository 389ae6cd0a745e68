"""Requests that are odd by more than their schema; `conformance.odd` says in which ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from conformance.probes.probe import Probe, Turns, bound, get, post, single
from conformance.wire.exchange import Headers, Request
from conformance.wire.marks import DEFAULTS, NO_MEMBER, WRONG_KEY

Body = dict[str, Any]
MEMBERS: Mapping[str, Body] = MappingProxyType(
    {
        "unknown-member": {NO_MEMBER: {"a": [1, None]}},
        "official-members": dict(DEFAULTS),
    }
)
HEADERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "charset": ("Content-Type", "application/json; charset=utf-8"),
        "other-media-type": ("Content-Type", "text/plain"),
        "wrong-key": ("Authorization", f"Bearer {WRONG_KEY}"),
    }
)
PREFLIGHT: Headers = (
    ("Origin", "http://localhost:5173"),
    ("Access-Control-Request-Method", "POST"),
    (
        "Access-Control-Request-Headers",
        "authorization,content-type,x-stainless-lang,x-stainless-os",
    ),
)


def probes(surface: str, path: str, good: Body, nulls: tuple[str, ...]) -> Iterator[Probe]:
    """The requests of one surface; `nulls` names members that may be null."""
    form = "application/json" if good.get("stream") else "text/event-stream"
    headers = {**HEADERS, "other-accept": ("Accept", form)}
    for name, header in headers.items():
        yield _single(name, surface, replace(post(path, good), headers=(header,)))
    for name, members in MEMBERS.items():
        yield _single(name, surface, post(path, good | members))
    if floats := {name: float(value) for name, value in good.items() if type(value) is int}:
        yield _single("whole-float", surface, post(path, good | floats))
    yield _single("other-case", surface, post(path, _capital(good)))
    yield _single("nulls", surface, post(path, good | dict.fromkeys(nulls)))


def plain(surface: str, path: str, good: Body, nulls: tuple[str, ...]) -> Iterator[Probe]:
    """What only the plain form shows: each null alone, and bytes after the body."""
    for name in nulls:
        yield _single(f"null.{name}", surface, post(path, good | {name: None}))
    whole = post(path, good)
    yield _single("trailing", surface, replace(whole, body=(whole.body or b"") + b" trailing"))


def preflight(surface: str, path: str, good: Body) -> Probe:
    """What a browser asks before it lets a web page send a request with a key."""

    def turns() -> Turns:
        yield Request("OPTIONS", path, PREFLIGHT)
        yield post(path, good)

    return Probe(f"{surface}.preflight", surface, turns, requests=2, tokens=bound(good))


def models() -> Iterator[Probe]:
    """A query that the document does not have."""
    yield single("models.query", "models", get("/models?limit=1&after=x"))


def _capital(good: Body) -> Body:
    return {"Model" if name == "model" else name: value for name, value in good.items()}


def _single(name: str, surface: str, request: Request) -> Probe:
    return single(f"{surface}.odd.{name}", surface, request, tokens=8)
