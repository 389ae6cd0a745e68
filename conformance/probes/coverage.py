"""Invalid values for every constraint of the document, from schemathesis' coverage phase.

The one module that knows schemathesis, whose `iter_coverage_cases` is not documented: hence a
pinned version and a test of its own. What it generates is used by member: a good request with one
bad member says more than a bad request whose other members are odd too.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import schemathesis
from schemathesis import GenerationMode

from conformance.contract.contract import Contract
from conformance.contract.document import Operation


def violations(contract: Contract, operation: Operation, good: dict[str, Any]) -> Iterator[Any]:
    """Bodies that are invalid by document and contract: `good` with one violation each.

    The same ones in the same order every time, none twice: first one for each violated keyword at
    each place, then a second one for each, and so on.
    """
    seen: set[str] = set()
    kinds: Counter[tuple[str, str]] = Counter()
    found: list[tuple[int, Any]] = []
    for bad in (*_not_objects(), *_without(good), *_grafts(contract, operation, good)):
        key = json.dumps(bad, sort_keys=True)
        standing = contract.standing(operation, bad)
        if key not in seen and standing.invalid:
            seen.add(key)
            kind = (standing.document[0].keyword, standing.document[0].place)
            kinds[kind] += 1
            found.append((kinds[kind], bad))
    yield from (bad for _, bad in sorted(found, key=lambda pair: pair[0]))


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
    schema = schemathesis.openapi.from_dict(contract.document.tree)
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
