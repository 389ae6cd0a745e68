"""Invalid values for every constraint of the document, from schemathesis' coverage phase.

The one module that knows schemathesis, whose `iter_coverage_cases` is not documented: hence a
pinned version and a test of its own. What it generates is used by member: a good request with one
bad member says more than a bad request whose other members are odd too.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import schemathesis
from schemathesis import GenerationMode

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
    contract: Contract, operation: Operation, good: dict[str, Any], most: int
) -> list[Violation]:
    """Bodies that are invalid by document and contract: `good` with one violation each.

    The same ones in the same order every time, none twice: first one for each violated keyword at
    each place, then a second one for each, and so on up to `most`.
    """
    seen: set[str] = set()
    places: dict[str, Counter[str]] = {}
    found: list[tuple[int, Violation]] = []
    for bad in (*_not_objects(), *_without(good), *_grafts(contract, operation, good)):
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


def _grafts(contract: Contract, operation: Operation, good: dict[str, Any]) -> Iterator[Any]:
    for location, body in _cases(contract, operation):
        member = location.split("/")[2] if location.startswith("/properties/") else ""
        if isinstance(body, dict) and member in body:
            yield good | {member: body[member]}


def _cases(contract: Contract, operation: Operation) -> Iterator[tuple[str, Any]]:
    """Where the violated keyword stands in the request schema, and the body that violates it."""
    # without a configuration it would take the one that lies in the current folder or above
    config = schemathesis.Config()
    schema = schemathesis.openapi.from_dict(contract.document.tree, config=config)
    target = schema[operation.path][operation.method]
    cases = schema.iter_coverage_cases(
        target,
        generation_modes=[GenerationMode.NEGATIVE],
        generation_config=schema.config.generation_for(operation=target),
    )
    for case in cases:
        meta = case.meta
        if meta is not None and hasattr(meta.phase.data, "location"):
            yield str(meta.phase.data.location or ""), case.body
