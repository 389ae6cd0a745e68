"""Invalid members for every constraint of the document, from schemathesis' coverage phase.

The one module that knows schemathesis, whose `iter_coverage_cases` is not documented: hence a
pinned version and a test of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import schemathesis
from schemathesis import GenerationMode

from conformance.contract.contract import Contract
from conformance.contract.document import Operation


def members(contract: Contract, operation: Operation) -> Iterator[tuple[str, Any]]:
    """Members of a request, each with a value that violates a constraint of its schema."""
    for location, body in _cases(contract, operation):
        member = location.split("/")[2] if location.startswith("/properties/") else ""
        if isinstance(body, dict) and member in body:
            yield member, body[member]


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
