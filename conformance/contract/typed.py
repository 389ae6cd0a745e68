"""Objects that say their type: what an event, an item or a part of the Responses API has by it.

The table is data (`specs/response-types.toml`), a row for each type with its source. Members that a
row does not name, and types that have no row, are never wrong.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

from conformance.data import SPECS

STATUSES = ("in_progress", "completed", "incomplete")


def _integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_index(value: Any) -> bool:
    """Whether a value counts something from 0."""
    return _integer(value) and value >= 0


def is_id(value: Any) -> bool:
    """Whether a value can identify something."""
    return isinstance(value, str) and value != ""


KINDS: Mapping[str, tuple[str, Callable[[Any], bool]]] = MappingProxyType(
    {
        "any": ("any value", lambda _: True),
        "array": ("an array", lambda v: isinstance(v, list)),
        "array-or-null": ("an array or null", lambda v: v is None or isinstance(v, list)),
        "assistant": ("`assistant`", lambda v: v == "assistant"),
        "id": ("a string that is not empty", is_id),
        "index": ("an integer not below 0", is_index),
        "object": ("an object", lambda v: isinstance(v, dict)),
        "status": (f"one of {', '.join(STATUSES)}", lambda v: v in STATUSES),
        "status-or-null": (f"one of {', '.join(STATUSES)}", lambda v: v is None or v in STATUSES),
        "text": ("a string", lambda v: isinstance(v, str)),
        "text-or-null": ("a string or null", lambda v: v is None or isinstance(v, str)),
    }
)


@dataclass(frozen=True)
class Row:
    """What an object of one type has: members that must, should and may be there, by kind."""

    members: Mapping[str, str]
    source: str
    wanted: Mapping[str, str] = field(default_factory=dict)
    optional: Mapping[str, str] = field(default_factory=dict)


Wrong = tuple[str, str]  # the member, and what it should be


def wrong(row: Row | None, value: Mapping[str, Any]) -> Iterator[Wrong]:
    """The members of an object that are not what its row says."""
    if row is None:
        return
    for name, kind in (*row.members.items(), *row.optional.items()):
        words, fits = KINDS[kind]
        missing = name not in value
        if (missing and name in row.members) or not (missing or fits(value[name])):
            yield name, words


@cache
def table(name: str) -> Mapping[str, Row]:
    """The rows of one part of the table: `events`, `items` or `parts`."""
    tree = tomllib.loads((SPECS / "response-types.toml").read_text(encoding="utf-8"))
    return MappingProxyType({type_: Row(**row) for type_, row in tree[name].items()})


def row_of(name: str, value: Mapping[str, Any]) -> Row | None:
    """The row of an object by its type; None where there is none."""
    type_ = value.get("type")
    return table(name).get(type_) if isinstance(type_, str) else None
