"""Valid requests of any operation, from its schema in the generation view.

Each member that may be sent is a factor whose levels Hypothesis has drawn; rows of levels become
bodies, in turn plain and streamed where the operation has both forms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any

from conformance.contract.contract import Contract
from conformance.contract.document import Operation
from conformance.probes.derived import DRAWN, Derived, derived
from conformance.probes.pairs import Row, alone, anyhow, together

Body = dict[str, Any]
Level = list[Body]  # the members that it stands for, with each of its values in turn


@dataclass(frozen=True)
class Factory:
    """Makes bodies of one operation. `model` is pinned in all of them."""

    contract: Contract
    operation: Operation
    model: str
    seed: int = 0

    @cached_property
    def schema(self) -> Any:
        """The schema of the request in the generation view."""
        assert self.operation.request is not None
        return self.contract.generation.at(self.operation.request)

    @property
    def _derived(self) -> Derived:
        return derived(self.seed)

    @property
    def invalid(self) -> Sequence[tuple[str, Any]]:
        """Members of the operation, each with a value that violates a constraint."""
        return self._derived.invalid[self.operation.id]

    @cached_property
    def factors(self) -> list[list[Level]]:
        """What is varied, each with its levels: a member, or a stream with its options. The first
        level of a member that may be left out is its absence.
        """
        members, required = self._derived.levels[self.operation.id], self.schema.get("required", ())
        streamed = self.schema.get("x-streamed", ())
        factors: dict[str, list[Level]] = {}
        for name, found in members.items():
            absent: list[Level] = [] if name in required else [[{}]]
            factors[name] = [*absent, *([{name: value} for value in each] for each in found)]
        for name in streamed:
            options = [[{"stream": True, name: value} for value in each] for each in members[name]]
            factors["stream"] += options
        return [factor for name, factor in factors.items() if name not in streamed]

    @property
    def streams(self) -> bool:
        """Whether the operation has a streamed form."""
        return True in self.operation.surfaces

    @cached_property
    def _sizes(self) -> list[int]:
        return [len(each) for each in self.factors]

    def minimal(self) -> Body:
        """The plainest request: what every server that offers the operation accepts."""
        return self._body((0,) * len(self._sizes), 0)

    def bodies(self) -> Iterator[Body]:
        """Every level by itself, then every two of them together."""
        for n, row in enumerate(alone(self._sizes)):
            yield self._in_turn(self._body(row, n // 2), n)
        for n, row in enumerate(together(self._sizes, self._allowed, self._random())):
            yield self._body(row, n)

    def more(self) -> Iterator[Body]:
        """Random combinations, without end."""
        rows = anyhow(self._sizes, self._allowed, self._random())
        return (self._body(row, n) for n, row in enumerate(rows))

    def samples(self) -> Iterator[Body]:
        """Every value of every level, and every absence: all that a body can be made of."""
        for turn in range(DRAWN):
            for row in alone(self._sizes):
                yield self._in_turn(self._body(row, turn), turn)

    def _random(self) -> Random:
        return Random(self.seed)  # noqa: S311  the same one each time is the point

    def _in_turn(self, body: Body, number: int) -> Body:
        """In turn plain and streamed, where nothing else is said."""
        turn = self.streams and "stream" not in body and number % 2 == 1
        return body | {"stream": True} if turn else body

    def _body(self, row: Row, turn: int) -> Body:
        body: Body = {"model": self.model}
        for factor, level in zip(self.factors, row, strict=True):
            body |= factor[level][turn % len(factor[level])]
        return body

    def _allowed(self, row: Row) -> bool:
        """Whether these levels may stand together."""
        levels_ = zip(self.factors, row, strict=True)
        sent = {name for factor, level in levels_ for name in factor[level][0]}
        return all(len(sent & set(group)) < 2 for group in self.schema.get("x-exclusive", ()))
