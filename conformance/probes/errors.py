"""Requests that must be refused, each followed by one that must not be.

The second request holds that an error leaves nothing behind, and it is the acceptance beside which
alone a refusal means something.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.probes.probe import Probe, Turns, bound, get, post
from conformance.wire.exchange import Request
from conformance.wire.marks import NO_MODEL, NO_PATH

NAMES = {
    "unknown-model": NO_MODEL,
    "odd-model": f"{NO_MODEL} / ü : {{}}",
    "empty-model": "",
}
AGAIN = {  # of which the error is asked for twice
    ("empty-model", "chat"),
    *(("unknown-model", surface) for surface in ("chat", "completions", "embeddings", "responses")),
}


def probes(surface: str, path: str, good: dict[str, Any]) -> Iterator[Probe]:
    """The dialogues of one surface whose requests go to `path`; `good` is accepted everywhere."""
    for name, model in NAMES.items():
        bad = post(path, good | {"model": model})
        again = (name, surface) in AGAIN
        yield after(f"{surface}.{name}", surface, bad, good, again=again)


def routing(surface: str, path: str, good: dict[str, Any]) -> Iterator[Probe]:
    """A method that the document does not have for a path."""
    yield after(f"{surface}.wrong-method", surface, get(path), good)
    yield after(f"{surface}.null-body", surface, Request("POST", path, (), b"null"), good)


def models() -> Iterator[Probe]:
    """The dialogues of the surface that sends no bodies."""
    yield Probe("models.wrong-method", "models", _then_list(Request("PUT", "/models")), requests=2)
    yield Probe("models.unknown-path", "models", _then_list(get(NO_PATH)), requests=2)


def after(
    name: str, surface: str, bad: Request, good: dict[str, Any], *, again: bool = False
) -> Probe:
    """A request that must be refused, perhaps twice, then a good one to the same path."""

    def turns() -> Turns:
        yield bad
        if again:
            yield bad
        yield post(bad.path, good)

    count = 3 if again else 2
    return Probe(name, surface, turns, requests=count, tokens=count * bound(good))


def _then_list(bad: Request) -> Any:
    def turns() -> Turns:
        yield bad
        yield get("/models")

    return turns
