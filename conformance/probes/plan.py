"""The plan of a run: every probe in the order in which it is held.

One order for every intensity: quick is the first tenth of standard, thorough goes on where standard
ends. The order touches every surface and each kind of rule early, so that a small budget, or a run
that is stopped, has judged a little of everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from typing import Any

from conformance.contract.contract import Contract
from conformance.contract.document import Operation
from conformance.probes import chat, errors, http, models
from conformance.probes.coverage import violations
from conformance.probes.probe import Probe, post, single
from conformance.probes.strategies import draw, strategy
from conformance.wire.exchange import Request

INTENSITIES = {"quick": 0.1, "standard": 1.0, "thorough": 4.0}
VALID = {"chat": 60, "chat-stream": 80}  # valid requests drawn for each surface at standard


@dataclass(frozen=True)
class Plan:
    """The probes of a run, and what they cost at the most."""

    probes: tuple[Probe, ...]

    @property
    def requests(self) -> int:
        """Requests, at the most."""
        return sum(probe.requests for probe in self.probes)

    @property
    def tokens(self) -> int:
        """Generated tokens, at the most."""
        return sum(probe.tokens for probe in self.probes)

    @property
    def surfaces(self) -> dict[str, int]:
        """Requests for each surface, at the most."""
        names = dict.fromkeys(probe.surface for probe in self.probes)
        return {name: sum(p.requests for p in self.probes if p.surface == name) for name in names}


def plan(
    contract: Contract, model: str, intensity: str, seed: int, surfaces: frozenset[str]
) -> Plan:
    """The plan for the surfaces that are wanted."""
    size = INTENSITIES[intensity]
    everything = [
        p for p in _ordered(contract, model, seed, max(1.0, size)) if p.surface in surfaces
    ]
    if size < 1:
        everything = everything[: max(12, round(len(everything) * size))]
    return Plan(tuple(everything))


def _ordered(contract: Contract, model: str, seed: int, size: float) -> Iterator[Probe]:
    operation = next(op for op in contract.operations if "chat" in op.surfaces.values())
    sources = [
        _valid(contract, operation, model, seed, "chat-stream", size),
        _valid(contract, operation, model, seed, "chat", size),
        _invalid(contract, operation, model),
        _malformed(operation, model),
        _directed(contract, operation, model),
    ]
    yield from models.probes()
    yield from chat.probes(model)
    mixed = chain.from_iterable(zip_longest(*sources))
    yield from (probe for probe in mixed if probe is not None)


def _valid(
    contract: Contract, operation: Operation, model: str, seed: int, surface: str, size: float
) -> Iterator[Probe]:
    """Valid requests from the generation view; `thorough` goes on after `standard`."""
    assert operation.request is not None
    source = strategy(contract.generation, contract.generation.at(operation.request))
    count = VALID[surface]
    rounds = range(round(size))
    bodies = chain.from_iterable(draw(source, count, seed + n) for n in rounds)
    streamed = {"stream": True} if surface == operation.surfaces.get(True) else {}
    for n, body in enumerate(islice(bodies, round(count * size))):
        sent = {k: v for k, v in body.items() if k != "stream"} | {"model": model} | streamed
        tokens = int(sent.get("max_tokens", 0))
        yield single(f"{surface}.valid.{n}", surface, post(operation.path, sent), tokens=tokens)


def _invalid(contract: Contract, operation: Operation, model: str) -> Iterator[Probe]:
    """Invalid requests for every constraint, in turn plain and streamed; the plain ones first of
    each kind, as they are cheaper to read.
    """
    for n, body in enumerate(violations(contract, operation, chat.good(model))):
        streamed = n % 2 == 1 and isinstance(body, dict) and "stream" not in body
        sent: Any = body | {"stream": True} if streamed else body
        yield _refused(f"invalid.{n}", operation, post(operation.path, sent), streamed=streamed)


def _directed(contract: Contract, operation: Operation, model: str) -> Iterator[Probe]:
    """What must be refused and what is odd, plain and streamed, and the same about models."""
    path, good = operation.path, chat.good(model)
    yield from errors.models()
    yield from http.models()
    for streamed, surface in operation.surfaces.items():
        body = good | ({"stream": True} if streamed else {})
        nulls = _nullable(contract, operation, body)
        yield from errors.probes(surface, path, body)
        yield from http.probes(surface, path, body, nulls)
        if not streamed:
            yield from errors.routing(surface, path, body)
            yield from http.plain(surface, path, body, nulls)


def _nullable(contract: Contract, operation: Operation, body: dict[str, Any]) -> tuple[str, ...]:
    """The members that the contract lets be null, and that `body` does not have."""
    assert operation.request is not None
    names = contract.judging.at(operation.request)["properties"].keys() - body.keys()
    nulls = [n for n in names if not contract.standing(operation, body | {n: None}).contract]
    return tuple(sorted(nulls))


def _malformed(operation: Operation, model: str) -> Iterator[Probe]:
    """Bodies that are no JSON at all."""
    whole = post(operation.path, chat.good(model)).body or b""
    for n, body in enumerate((b"{", b"", whole[:-1], b"nope", b"\xff\xfe", whole[:-1] + b",}")):
        yield _refused(
            f"malformed.{n}", operation, Request("POST", operation.path, (), body), streamed=False
        )


def _refused(name: str, operation: Operation, request: Request, *, streamed: bool) -> Probe:
    surface = operation.surfaces[streamed]
    return single(f"{surface}.{name}", surface, request, tokens=8)
