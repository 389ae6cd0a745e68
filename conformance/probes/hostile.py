"""Hostile requests: what no schema can say. Each is followed by a canary on the same server.

They are small, change nothing at the server, and most are answered in a millisecond by one that
reads JSON with care. Whether a server may accept one follows from its standing, not from here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from conformance.contract.document import Operation
from conformance.probes.probe import Probe, Turns, bound, post
from conformance.wire.exchange import Headers, Request

HUGE = "9" * 400
DEEP = 20_000  # brackets


def _with(body: bytes, member: str) -> bytes:
    """The body with one more member, spelled out."""
    return body[:-1] + b"," + member.encode("utf-8", "surrogatepass") + b"}"


BODIES: Mapping[str, Callable[[bytes], bytes]] = {
    "truncated": lambda body: body[:-1],
    "cut-in-a-string": lambda body: body[: body.rindex(b'"')],
    "brace": lambda _: b"{",
    "empty": lambda _: b"",
    "word": lambda _: b"nope",
    "no-utf-8": lambda body: body.replace(b'"model"', b'"mod\xff\xfel"', 1),
    "trailing-comma": lambda body: body[:-1] + b",}",
    "single-quotes": lambda body: body.replace(b'"', b"'"),
    "nan": lambda body: _with(body, '"temperature":NaN'),
    "infinity": lambda body: _with(body, '"temperature":Infinity'),
    "huge-integer": lambda body: _with(body, f'"seed":{HUGE}'),
    "huge-exponent": lambda body: _with(body, '"temperature":1e400'),
    "repeated-member": lambda body: _with(body, '"model":5'),
    "lone-surrogate": lambda body: _with(body, '"user":"\\ud800"'),
    "deep": lambda body: _with(body, f'"user":{"[" * DEEP}{"]" * DEEP}'),
    "unclosed": lambda body: _with(body, '"user":' + "[" * DEEP),
    "byte-order-mark": lambda body: b"\xef\xbb\xbf" + body,
    "utf-16": lambda body: body.decode().encode("utf-16"),
}
HEADERS: Mapping[str, Headers] = {
    "form": (("Content-Type", "application/x-www-form-urlencoded"),),
    "text": (("Content-Type", "text/plain"),),
}


def probes(operation: Operation, good: dict[str, Any]) -> Iterator[Probe]:
    """The hostile dialogues of an operation; `good` is a request that it answers."""
    surface = operation.surfaces[False]
    canary = post(operation.path, good)
    body = json.dumps(good, separators=(",", ":")).encode()
    requests = {name: Request("POST", operation.path, (), make(body))
                for name, make in BODIES.items()}  # fmt: skip
    requests |= {name: Request("POST", operation.path, headers, body)
                 for name, headers in HEADERS.items()}  # fmt: skip
    for name, request in requests.items():
        turns = _followed(request, canary)
        yield Probe(f"{surface}.hostile.{name}", surface, turns, 2, 2 * bound(good))


def _followed(request: Request, canary: Request) -> Callable[[], Turns]:
    def turns() -> Turns:
        yield request
        yield canary

    return turns
