"""The plan of a run: every probe in the order in which it is held.

One order for every intensity: quick is the first tenth of standard, thorough goes on where standard
ends. Sources are laid side by side, each spread over its part of the plan, so that a small budget,
or a run that is stopped, has judged a little of everything.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate, chain, islice
from typing import Any

from conformance.contract import coverage
from conformance.contract.contract import Contract
from conformance.contract.document import Operation
from conformance.probes import (
    chat,
    chat_rules,
    completions,
    dialogues,
    embeddings,
    errors,
    hostile,
    http,
    images,
    models,
    responses,
    semantics,
    streams,
)
from conformance.probes.probe import Probe, bound, post, single
from conformance.probes.valid import Factory
from conformance.probes.violations import violations

INTENSITIES = {"quick": 0.1, "standard": 1.0, "thorough": 4.0}
EARLY = 0.06  # where a first hostile request of each operation stands, so that a tenth has it
EACH = 2  # violations of each keyword at each place, at standard


@dataclass(frozen=True)
class Plan:
    """The probes of a run, and what they cost at the most.

    `unsent` holds for each operation the units of the document that no plan sends.
    """

    probes: tuple[Probe, ...]
    unsent: Mapping[str, tuple[coverage.Unsent, ...]] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """Requests, at the most."""
        return sum(probe.requests for probe in self.probes)

    @property
    def tokens(self) -> int:
        """Generated tokens, at the most."""
        return sum(probe.tokens for probe in self.probes)

    @property
    def longest(self) -> int:
        """Generated tokens of one request, at the most and on an average of its dialogue."""
        return max((math.ceil(p.tokens / p.requests) for p in self.probes), default=0)

    @property
    def surfaces(self) -> dict[str, int]:
        """Requests for each surface, at the most."""
        names = dict.fromkeys(probe.surface for probe in self.probes)
        return {name: sum(p.requests for p in self.probes if p.surface == name) for name in names}


@dataclass(frozen=True)
class Source:
    """Probes of one kind, spread over a plan from `since` to `until`. Hostile ones come after 1.0,
    where all else has been sent; after 1.1 those of which a target may not come back.
    """

    probes: tuple[Probe, ...]
    until: float = 1.0
    since: float = 0.0


def plan(
    contract: Contract,
    model: str,
    intensity: str,
    seed: int,
    surfaces: frozenset[str],
    embedding_model: str = "",
) -> Plan:
    """The plan for the surfaces that are wanted: what they have in the plan for all of them."""
    names = {"text": model, "embedding": embedding_model or model}
    size = INTENSITIES[intensity]
    # a probe of a standard plan has its place whatever else is in it
    every = [each for each in contract.operations if each.request
             and (size != 1 or surfaces & set(each.surfaces.values()))]  # fmt: skip
    factories = [Factory(contract, operation, names[operation.model], seed) for operation in every]
    sources = list(chain.from_iterable(_sources(each) for each in factories))
    directed = [
        Source(tuple(models.probes()), 0.1),
        Source((*errors.models(), *http.models())),
        Source(tuple(hostile.methods("/models")), 1.1, since=1.0),
        Source(tuple(models.in_use(post(chat.PATH, chat.good(model))))),
        Source((http.preflight("chat", chat.PATH, chat.good(model)),)),
        Source(tuple(chat.probes(model)), 0.1),
        Source(tuple(streams.probes(model)), 0.5),
        Source(tuple(dialogues.chat(model)), 0.5),
        Source(tuple(chat_rules.probes(model))),
        Source(tuple(completions.probes(model)), 0.2),
        Source(tuple(dialogues.completions(model)), 0.5),
        Source(tuple(dialogues.responses(model)), 0.5),
        Source(tuple(embeddings.probes(names["embedding"])), 0.2),
        Source(tuple(images.probes(names["text"]))),
        Source(tuple(responses.probes(model))),
        Source(tuple(semantics.probes(model))),
    ]
    probes = merged([*directed, *sources])
    if size < 1:
        probes = _beginning(probes, size)
    if size > 1:
        probes += chain(chat_rules.more(model), _more(factories, len(probes), size))
    wanted = tuple(probe for probe in probes if {probe.surface, *probe.also} & surfaces)
    return Plan(wanted, {each.operation.id: tuple(unsent(each)) for each in factories})


def merged(sources: Iterable[Source]) -> list[Probe]:
    """The probes of all sources, in the order of their places in the plan."""
    placed = [
        (source.since + (n + 0.5) / len(source.probes) * (source.until - source.since), probe)
        for source in sources
        for n, probe in enumerate(source.probes)
    ]
    return [probe for _, probe in sorted(placed, key=lambda pair: pair[0])]


def _beginning(probes: list[Probe], size: float) -> list[Probe]:
    """The first part of a plan, by requests."""
    most = sum(probe.requests for probe in probes) * size
    sums = accumulate(probe.requests for probe in probes)
    return probes[: sum(1 for spent in sums if spent <= most)]


def _sources(factory: Factory) -> Iterator[Source]:
    """What is derived from the document for one operation."""
    good = factory.minimal()
    yield Source(tuple(_valid(factory, factory.bodies(), "valid")))
    yield Source(tuple(_invalid(factory, good)))
    yield Source((hostile.first(factory.operation, good),), EARLY)
    yield Source(tuple(hostile.probes(factory.operation, good))[1:], 1.1, since=1.0)
    yield Source(tuple(hostile.schemas(factory.operation, good)), 1.2, since=1.1)
    yield Source(tuple(_odd(factory, good)))


def _odd(factory: Factory, good: dict[str, Any]) -> Iterator[Probe]:
    """What must be refused, and what is odd by more than its schema, in each form."""
    path = factory.operation.path
    for streamed, surface in factory.operation.surfaces.items():
        body = good | ({"stream": True} if streamed else {})
        nulls = _nullable(factory, body)
        yield from errors.probes(surface, path, body)
        yield from http.probes(surface, path, body, nulls)
        if not streamed:
            yield from errors.routing(surface, path, body)
            yield from http.plain(surface, path, body, nulls)


def _nullable(factory: Factory, body: dict[str, Any]) -> tuple[str, ...]:
    """The members that the contract lets be null, and that `body` does not have."""
    contract, operation = factory.contract, factory.operation
    names = factory.schema["properties"].keys() - body.keys()
    nulls = [n for n in names if not contract.standing(operation, body | {n: None}).contract]
    return tuple(sorted(nulls))


def _more(factories: list[Factory], count: int, size: float) -> Iterator[Probe]:
    """Random valid requests, as many as `size` asks for, more where more can be combined."""
    others = [replace(factory, seed=factory.seed + 1) for factory in factories]
    weights = [sum(1 for _ in factory.bodies()) for factory in factories]
    each = round(count * (size - 1))
    shares = [round(each * weight / sum(weights)) for weight in weights]
    more = zip(others, shares, strict=True)
    yield from merged(
        Source(tuple(_valid(factory, islice(factory.more(), share), "more")))
        for factory, share in more
    )


def _valid(factory: Factory, bodies: Iterable[dict[str, Any]], name: str) -> Iterator[Probe]:
    for n, body in enumerate(bodies):
        surface = factory.operation.surfaces[body.get("stream", False)]
        request = post(factory.operation.path, body)
        yield single(f"{surface}.{name}.{n}", surface, request, tokens=bound(body))


def _invalid(factory: Factory, good: dict[str, Any]) -> Iterator[Probe]:
    """Invalid requests for every constraint, in turn plain and streamed where there are both."""
    operation = factory.operation
    for n, each in enumerate(violations(factory.contract, operation, good, factory.invalid, EACH)):
        body: Any = each.body
        streamed = factory.streams and each.turn % 2 == 1 and isinstance(body, dict)
        streamed = streamed and "stream" not in body
        surface = operation.surfaces[streamed]
        request = post(operation.path, body | {"stream": True} if streamed else body)
        yield single(f"{surface}.invalid.{n}", surface, request, tokens=bound(good))


def unsent(factory: Factory) -> Iterator[coverage.Unsent]:
    """The units of the document that no valid request has, each with the reason of the overlay."""
    node = _request(factory.contract, factory.operation)
    sent = set().union(*(coverage.seen(node, body) for body in factory.samples()))
    for (place, kind), trail in dict(coverage.units(node)).items():
        if (place, kind) not in sent:
            yield place, kind, coverage.reason(factory.contract.generation, trail)


def _request(contract: Contract, operation: Operation) -> coverage.Node:
    assert operation.request is not None
    return coverage.tree(contract.document, operation.request)
