"""What a run has covered of the document, told from its exchanges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from conformance.contract import coverage
from conformance.contract.contract import Contract
from conformance.contract.document import Operation
from conformance.reading import EVENTS, NotJson, Reading

Side = tuple[str, str]  # operation, and `request` or the media type of an answer


@dataclass(frozen=True)
class Covered:
    """A kind of value at a place of the document: in how many exchanges it stood.

    `side` is `request`, or the media type of the answer; `reason` says why it is never sent. Of
    answers only the values of enumerations are told apart.
    """

    operation: str
    side: str
    place: str
    kind: str
    count: int
    reason: str = ""


class Coverage:
    """Counts the units of each request and each success."""

    def __init__(self, contract: Contract) -> None:
        self._trees = {side: tree for operation in contract.operations
                       for side, tree in _trees(contract, operation)}  # fmt: skip
        self._counts: dict[Side, Counter[coverage.Unit]] = {side: Counter() for side in self._trees}
        self._surfaces = {each.id: set(each.surfaces.values()) for each in contract.operations}

    def see(self, x: Reading) -> None:
        """Count one exchange."""
        if x.operation is None:
            return
        if isinstance(x.sent, dict):
            self._count((x.operation.id, "request"), x.sent)
        if x.status == 200:
            self._count((x.operation.id, x.media_type), *_bodies(x))

    def _count(self, side: Side, *bodies: object) -> None:
        if side in self._trees:
            tree = self._trees[side]
            found = coverage.seen(tree, *bodies)
            self._counts[side].update(_told(side[1], found))

    def result(
        self, unsent: Mapping[str, tuple[coverage.Unsent, ...]], planned: Collection[str]
    ) -> tuple[Covered, ...]:
        """Every unit of the operations that were planned, with the reasons of the plan for what it
        does not send.
        """
        return tuple(self._result(unsent, planned))

    def _result(
        self, unsent: Mapping[str, tuple[coverage.Unsent, ...]], planned: Collection[str]
    ) -> Iterator[Covered]:
        for (operation, side), tree in self._trees.items():
            if self._surfaces[operation].isdisjoint(planned):
                continue
            reasons = {
                (place, kind): reason for place, kind, reason in unsent.get(operation, ())
            } if side == "request" else {}  # fmt: skip
            for unit in _told(side, dict(coverage.units(tree))):
                count = self._counts[operation, side][unit]
                reason = "" if count else reasons.get(unit, "")
                yield Covered(operation, side, *unit, count, reason)


def _told(side: str, units: Iterable[coverage.Unit]) -> Iterable[coverage.Unit]:
    """The units that are told apart on a side, in order."""
    if side == "request":
        return units
    told = dict.fromkeys(
        (place, kind if kind.startswith('"') else "present")
        for place, kind in units
        if kind != "absent"
    )
    return list(told)


def _trees(contract: Contract, operation: Operation) -> Iterator[tuple[Side, coverage.Node]]:
    if operation.request:
        yield (operation.id, "request"), coverage.tree(contract.document, operation.request)
    for (status, media), path in operation.answers.items():
        if status == 200:
            yield (operation.id, media), coverage.tree(contract.document, path)


def _bodies(x: Reading) -> list[object]:
    if x.media_type == EVENTS:
        return [chunk.value for chunk in x.chunks]
    return [] if isinstance(x.json, NotJson) else [x.json]


@dataclass(frozen=True)
class Total:
    """Coverage in numbers of units: sent, of those that may be sent; left out with a reason; seen,
    of all that answers can have.
    """

    sent: int
    sendable: int
    left_out: int
    seen: int
    answers: int


def total(found: Iterable[Covered]) -> Total:
    """The sums of a coverage."""
    rows = list(found)
    wanted = [row for row in rows if row.side == "request" and not row.reason]
    answers = [row for row in rows if row.side != "request"]
    return Total(
        sum(1 for row in wanted if row.count),
        len(wanted),
        sum(1 for row in rows if row.reason),
        sum(1 for row in answers if row.count),
        len(answers),
    )
