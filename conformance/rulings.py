"""Rulings and traps: which reading was chosen where texts disagree, and what fails no server.

Both are data, in `specs/rulings.toml`; `specs/variants.toml` says which of them no variant stands
for, and why.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from conformance.data import SPECS


@dataclass(frozen=True)
class Ruling:
    """A question that the document leaves open, and how it was settled."""

    id: str
    question: str
    ruling: str
    reasoning: str
    norms: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Trap:
    """What would fail good servers if a text were taken literally, and what is done instead."""

    id: str
    trap: str
    handling: str


@cache
def rulings() -> Mapping[str, Ruling]:
    """Every ruling by id."""
    found = [Ruling(**entry) for entry in _entries("ruling")]
    return {ruling.id: ruling for ruling in found}


@cache
def traps() -> Mapping[str, Trap]:
    """Every trap by id."""
    return {entry["id"]: Trap(**entry) for entry in _entries("trap")}


def _entries(kind: str) -> list[dict[str, Any]]:
    tree = tomllib.loads((SPECS / "rulings.toml").read_text(encoding="utf-8"))
    return [
        {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
        for entry in tree[kind]
    ]


@cache
def unvaried() -> Mapping[str, str]:
    """The rulings, traps and norms that no variant stands for, each with the reason."""
    tree = tomllib.loads((SPECS / "variants.toml").read_text(encoding="utf-8"))
    return dict(tree["without"])


@cache
def tolerant() -> tuple[str, ...]:
    """The norms that make an exception."""
    tree = tomllib.loads((SPECS / "variants.toml").read_text(encoding="utf-8"))
    return tuple(f"{family}-{n:02}" for family, ns in tree["tolerant"].items() for n in ns)
