"""What Hypothesis and schemathesis derive from the document, as JSON on standard output.

A program of its own, `python -m conformance.probes.derive SEED`, so that what it derives depends on
the document, the overlays, the two libraries and the seed alone. Elsewhere it would depend on the
modules around it, too: Hypothesis mixes their constants into what it draws.
"""

from __future__ import annotations

import json
import sys
from itertools import chain
from typing import Any

from hypothesis.internal.conjecture import providers

from conformance.contract.contract import Contract, load
from conformance.contract.document import Operation
from conformance.probes.derived import DRAWN
from conformance.probes.levels import draw, levels
from conformance.probes.negative import members


def derive(contract: Contract, seed: int) -> dict[str, Any]:
    """For each operation the values of each level of each member, and members that are invalid."""
    every = [operation for operation in contract.operations if operation.request]
    return {
        "levels": {each.id: _levels(contract, each, seed) for each in every},
        "invalid": {each.id: list(members(contract, each)) for each in every},
    }


def _levels(contract: Contract, operation: Operation, seed: int) -> dict[str, list[list[Any]]]:
    """The values of each level of each member, drawn together."""
    assert operation.request is not None
    view = contract.generation
    properties = view.at(operation.request)["properties"].items()
    sources = {name: levels(view, schema) for name, schema in properties if name != "model"}
    flat = list(chain.from_iterable(sources.values()))
    drawn = iter(zip(*draw(flat, DRAWN, seed), strict=True))
    return {name: [_distinct(next(drawn)) for _ in each] for name, each in sources.items()}


def _distinct(values: tuple[Any, ...]) -> list[Any]:
    """The different ones, in order; 1, 1.0 and True are different."""
    return list({repr(value): value for value in values}.values())


def _overlook_modules() -> None:
    """Leave the constants of modules out of what is drawn, for which there is no setting."""
    nothing = providers._local_constants  # noqa: SLF001  empty until it looks at modules
    providers._get_local_constants = lambda: nothing  # noqa: SLF001


def main() -> None:
    """Print what is derived for a seed."""
    _overlook_modules()
    json.dump(derive(load(), int(sys.argv[1])), sys.stdout)


if __name__ == "__main__":
    main()
