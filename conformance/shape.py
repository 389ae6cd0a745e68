"""Shape rules: who owns a keyword of the judging view, and whether a reply could show it.

Every schema error belongs to the requirement that names the longest prefix of its keyword's
pointer. A rule deep in a schema counts as judged only by a reply that has a value at that place:
a rule on tool calls is not kept by an answer without any.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from conformance.contract.document import Document, pointer, resolve
from conformance.requirement import Catalogue

Pattern = tuple[str, ...]  # tokens of an instance pointer, "*" for every item of an array


class Shapes:
    """The shape rules of a catalogue over a judging view."""

    def __init__(self, view: Document, everything: Catalogue) -> None:
        self._view = view
        self._owners = {row: r.id for r in everything.values() for row in r.shape}
        self._surfaces = {r.id: r.on for r in everything.values()}
        self._rows = {r.id: r.shape for r in everything.values() if r.shape}
        self.patterns = cache(self._patterns)

    def owner(self, rule: str, surface: str) -> str | None:
        """The requirement that owns a keyword on a surface."""
        rows = [row for row, id_ in self._owners.items() if surface in self._surfaces[id_]]
        found = [row for row in rows if row == "/" or f"{rule}/".startswith(f"{row}/")]
        return self._owners[max(found, key=len)] if found else None

    def judged(self, root: str, surface: str, instances: list[Any]) -> Iterator[str]:
        """The shape requirements that answers of the schema at `root` could show."""
        for id_, patterns in self.patterns(root, surface):
            if any(exists(instance, p) for p in patterns for instance in instances):
                yield id_

    def _patterns(self, root: str, surface: str) -> tuple[tuple[str, tuple[Pattern, ...]], ...]:
        places: dict[str, tuple[Pattern, ...]] = {}
        for place, pattern in _locations(self._view, root, (), ()):
            places[place] = (*places.get(place, ()), pattern)
        return tuple(
            (id_, patterns)
            for id_, rows in self._rows.items()
            if surface in self._surfaces[id_]
            and (patterns := tuple(p for row in rows for p in _patterns_of(row, places)))
        )


def _patterns_of(row: str, places: Mapping[str, tuple[Pattern, ...]]) -> tuple[Pattern, ...]:
    if row == "/":
        return ((),)
    found = [place for place in places if f"{row}/".startswith(f"{place}/")]
    return places[max(found, key=len)] if found else ()


def _locations(
    view: Document, path: str, pattern: Pattern, trail: tuple[str, ...]
) -> Iterator[tuple[str, Pattern]]:
    """The pointers of all schemas below one, each with an instance that it describes."""
    schema = resolve(view.tree, path)
    while isinstance(schema, dict) and "$ref" in schema:
        path = schema["$ref"].removeprefix("#")
        schema = resolve(view.tree, path)
    if path in trail or not isinstance(schema, dict):
        return
    yield path, pattern
    inside = (*trail, path)
    for name in schema.get("properties", {}):
        below = path + pointer("properties", name)
        yield from _locations(view, below, (*pattern, name), inside)
    if "items" in schema:
        yield from _locations(view, f"{path}/items", (*pattern, "*"), inside)


def exists(instance: Any, pattern: Pattern) -> bool:
    """Whether an instance has a value at a pattern."""
    if not pattern:
        return True
    head, rest = pattern[0], pattern[1:]
    if head == "*":
        return isinstance(instance, list) and any(exists(item, rest) for item in instance)
    return isinstance(instance, dict) and head in instance and exists(instance[head], rest)
