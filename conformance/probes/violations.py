"""Invalid requests for every constraint of the document: a good one with one bad member says more
than a bad one whose other members are odd too.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from conformance.contract.contract import Contract
from conformance.contract.document import Operation


@dataclass(frozen=True)
class Violation:
    """A body with one violation: the keyword and the place, as `standing` finds them. `turn` goes
    through the places of a keyword, and then through further values at one place.
    """

    keyword: str
    place: str
    turn: int
    body: Any


def violations(
    contract: Contract,
    operation: Operation,
    good: dict[str, Any],
    members: Iterable[tuple[str, Any]],
    most: int,
) -> list[Violation]:
    """Bodies that are invalid by document and contract: `good` with one violation each, of which
    most are `members` with a bad value.

    The same ones in the same order every time, none twice: first one for each violated keyword at
    each place, then a second one for each, and so on up to `most`.
    """
    seen: set[str] = set()
    places: dict[str, Counter[str]] = {}
    found: list[tuple[int, Violation]] = []
    for bad in (*_not_objects(), *_without(good), *_with(good, members)):
        key = json.dumps(bad, sort_keys=True)
        standing = contract.standing(operation, bad)
        if key not in seen and standing.invalid:
            seen.add(key)
            error = standing.document[0]
            ranks = places.setdefault(error.keyword, Counter())
            ranks[error.place] += 1
            rank, turn = ranks[error.place], list(ranks).index(error.place) + ranks[error.place] - 1
            if rank <= most:
                found.append((rank, Violation(error.keyword, error.place, turn, bad)))
    return [violation for _, violation in sorted(found, key=lambda pair: pair[0])]


def _not_objects() -> Iterator[Any]:
    yield from ([], "text", 1, True)


def _without(good: dict[str, Any]) -> Iterator[Any]:
    for name in good:
        yield {key: value for key, value in good.items() if key != name}


def _with(good: dict[str, Any], members: Iterable[tuple[str, Any]]) -> Iterator[Any]:
    for member, value in members:
        yield good | {member: value}
