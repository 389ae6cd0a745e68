"""The hunt for survivors: random mutants of the clean server's replies that no check notices.

The faults of the reference server are written by the people who write the checks; a mutant is not.
Each kind of survivor is harmless, and then `specs/harmless.toml` says why, or it is a hole in the
standard.
"""

from __future__ import annotations

import random
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from conformance.data import SPECS
from conformance.judge import Judge
from conformance.mutate import Mutant, Nothing, mutant
from conformance.prove import Proof, noticed
from conformance.reading import Reading
from conformance.wire.exchange import Exchange

UNROUTED = "unrouted"  # the surface of what no operation of the document is asked for
LEAST = 0.95  # of the mutants that are not harmless have to be noticed
Dialogue = tuple[Exchange, ...]


@dataclass(frozen=True)
class Harmless:
    """A kind of mutants that need not be noticed, by patterns, and why."""

    surfaces: tuple[str, ...]
    mutations: tuple[str, ...]
    levels: tuple[str, ...]
    places: tuple[str, ...]
    reason: str

    def covers(self, kind: Kind) -> bool:
        """Whether a kind of mutants is one of these."""
        pairs = (
            (kind.surface, self.surfaces),
            (kind.mutation, self.mutations),
            (kind.level, self.levels),
            (kind.place, self.places),
        )
        return all(any(fnmatchcase(word, each) for each in patterns) for word, patterns in pairs)


@dataclass(frozen=True, order=True)
class Kind:
    """What mutants have in common that were made in the same way at the same place."""

    surface: str
    level: str
    mutation: str
    place: str

    def __str__(self) -> str:
        return f"{self.surface}: {self.mutation} ({self.level}) {self.place}".rstrip()


@dataclass(frozen=True)
class Hunted:
    """How many mutants there were, and those that nothing noticed, by kind."""

    mutants: int
    harmless: Counter[Kind]
    survivors: Counter[Kind]

    @property
    def rate(self) -> float:
        """The share that was noticed of those that have to be."""
        wanted = self.mutants - self.harmless.total()
        return 1.0 - self.survivors.total() / wanted if wanted else 0.0


@cache
def harmless() -> tuple[Harmless, ...]:
    """The committed list."""
    tree = tomllib.loads((SPECS / "harmless.toml").read_text(encoding="utf-8"))
    return tuple(_harmless(row) for row in tree["harmless"])


def _harmless(row: dict[str, Any]) -> Harmless:
    def some(name: str) -> tuple[str, ...]:
        return tuple(row.get(name, ("*",)))

    return Harmless(
        some("on"), some("mutations"), some("levels"), some("places"), str(row["reason"])
    )


def hunt(proof: Proof, numbers: Sequence[int], seed: int) -> Hunted:
    """Make mutants, and judge those that have these numbers, so that a hunt can be shared; what
    does not differ from the original is none.
    """
    draw = random.Random(seed)  # noqa: S311
    wanted = frozenset(numbers)
    found = Hunted(len(wanted), Counter(), Counter())
    made = _mutants(proof, draw, max(wanted, default=-1) + 1)
    for number, (dialogue, changed, kind) in enumerate(made):
        if number not in wanted:
            continue
        if _cried(proof, changed) or noticed(proof.replaced(dialogue, changed)):
            continue
        tolerated = any(each.covers(kind) for each in harmless())
        (found.harmless if tolerated else found.survivors)[kind] += 1
    return found


def total(shares: Iterable[Hunted]) -> Hunted:
    """What the shares of a hunt amount to."""
    every = list(shares)
    return Hunted(
        sum(each.mutants for each in every),
        sum((each.harmless for each in every), Counter()),
        sum((each.survivors for each in every), Counter()),
    )


def _mutants(
    proof: Proof, draw: random.Random, count: int
) -> Iterator[tuple[Dialogue, Dialogue, Kind]]:
    surfaces: dict[str, list[tuple[Dialogue, int]]] = {}
    for dialogue in proof.dialogues:
        for n, exchange in enumerate(dialogue):
            surface = Reading(exchange, proof.contract).surface or UNROUTED
            surfaces.setdefault(surface, []).append((dialogue, n))
    names = sorted(surfaces)
    made = 0
    while made < count:
        surface = draw.choice(names)
        dialogue, n = draw.choice(surfaces[surface])
        one = _mutant(dialogue[n], draw)
        if one is not None:
            made += 1
            exchange = replace(dialogue[n], reply=one.reply)
            changed = (*dialogue[:n], exchange, *dialogue[n + 1 :])
            yield dialogue, changed, Kind(surface, one.level, one.mutation, one.place)


def _mutant(exchange: Exchange, draw: random.Random) -> Mutant | None:
    if exchange.reply is None:
        return None
    try:
        made = mutant(exchange.reply, draw)
    except Nothing:
        return None
    return None if made.reply.body == exchange.reply.body else made


def _cried(proof: Proof, changed: Dialogue) -> bool:
    """Whether a rule over this dialogue alone is broken: the common case, and a quick one."""
    judge: Judge = proof.judge
    found = judge.examine(changed)
    return any(outcome.findings and judge.counts(outcome) for outcome in found.outcomes)


def worst(found: Hunted) -> Sequence[tuple[Kind, int]]:
    """The survivors, the most frequent kinds first."""
    return sorted(found.survivors.items(), key=lambda pair: (-pair[1], pair[0]))
