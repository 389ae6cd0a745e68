"""Coverage of the document, as the report shows it: by operation, side and place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from conformance.covered import Covered, Total, total


@dataclass(frozen=True)
class Place:
    """One place: the kinds of value that stood there and in how many exchanges, those that never
    did, and those that are left out, by reason.
    """

    name: str
    had: str
    missing: str
    left_out: dict[str, list[str]]


@dataclass(frozen=True)
class View:
    """All of it: the sums, and the places by operation and side."""

    total: Total
    rows: dict[str, dict[str, list[Place]]]


def view(found: Iterable[Covered]) -> View:
    """The coverage of a judgement, for the template."""
    rows = list(found)
    operations: dict[str, dict[str, list[Place]]] = {}
    tried = {row.operation for row in rows if row.count}
    for (operation, side), group in groupby(rows, key=lambda row: (row.operation, row.side)):
        if operation in tried:
            places = groupby(sorted(group, key=lambda row: row.place), key=lambda row: row.place)
            shown = [_place(name, list(units)) for name, units in places]
            operations.setdefault(operation, {})[side] = shown
    return View(total(rows), operations)


def _place(name: str, units: Sequence[Covered]) -> Place:
    left_out: dict[str, list[str]] = {}
    for unit in units:
        if unit.reason:
            left_out.setdefault(unit.reason, []).append(unit.kind)
    return Place(
        name,
        ", ".join(f"{unit.kind} {unit.count}" for unit in units if unit.count),
        ", ".join(unit.kind for unit in units if not unit.count and not unit.reason),
        left_out,
    )
