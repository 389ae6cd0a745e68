"""Coverage of the document: which kinds of value stood at which places of what was sent and seen.

A unit is a place in a request or an answer (`/stop/*`) and a kind of value there (`one`). The units
of a document are enumerated from its schemas, those of a body by walking it beside the schema, so
that both speak of the same things. Kinds:

    absent                       an optional member that is left out
    true, false, "auto"          the values of a boolean, an enumeration, a constant
    minimum, between, maximum    of a number with bounds; of one without: negative, zero, positive
    empty, ascii, bmp, astral    of a string, by its farthest character
    none, one, many              of an array
    object                       an object, whatever its members

The coverage of a run counts the exchanges that showed each unit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.contract.document import Document, pointer, resolve

NUMBERS = ("integer", "number")
KINDS: Mapping[str, tuple[str, ...]] = {
    "string": ("empty", "ascii", "bmp", "astral"),
    "boolean": ("true", "false"),
    "array": ("none", "one", "many"),
    "object": ("object",),
}
TYPES: Mapping[type, str] = {
    str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object",
}  # fmt: skip
Unit = tuple[str, str]  # a place, and a kind of value there
Unsent = tuple[str, str, str]  # a unit, and why it is not sent


@dataclass
class Node:
    """A schema of the document at its place: the kinds it has of its own, and what lies below.

    `trail` holds the pointers of all schemas on the way from the root.
    """

    place: str
    trail: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    types: frozenset[str] = frozenset()
    literals: bool = False
    low: float | None = None
    high: float | None = None
    optional: frozenset[str] = frozenset()
    members: dict[str, Node] = field(default_factory=dict)
    items: Node | None = None
    branches: tuple[Node, ...] = ()


def tree(view: Document, path: str, place: str = "", trail: tuple[str, ...] = ()) -> Node:
    """The schema at a pointer as nodes. The document has no schema that contains itself."""
    schema, trail = resolve(view.tree, path), (*trail, path)
    if "$ref" in schema:
        return tree(view, schema["$ref"].removeprefix("#"), place, trail)
    found = schema.get("type", ())
    types = [found] if isinstance(found, str) else found
    members = schema.get("properties", {})
    return Node(
        place,
        trail,
        _kinds(schema, types),
        frozenset("number" if name in NUMBERS else name for name in types),
        "const" in schema or "enum" in schema,
        schema.get("minimum"),
        schema.get("maximum"),
        frozenset(members) - set(schema.get("required", ())),
        {
            name: tree(view, path + pointer("properties", name), place + pointer(name), trail)
            for name in members
        },
        tree(view, f"{path}/items", f"{place}/*", trail) if "items" in schema else None,
        tuple(
            tree(view, f"{path}/oneOf/{n}", place, trail)
            for n in range(len(schema.get("oneOf", ())))
        ),
    )


def _kinds(schema: Any, types: list[str]) -> tuple[str, ...]:
    """The kinds of value of one schema, less those of its branches."""
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if values is not None:
        return tuple(json.dumps(value) for value in values if value is not None)
    bounded = "minimum" in schema or "maximum" in schema
    numbers = ("minimum", "between", "maximum") if bounded else ("negative", "zero", "positive")
    return tuple(k for t in types for k in (numbers if t in NUMBERS else KINDS.get(t, ())))


def units(node: Node) -> Iterator[tuple[Unit, tuple[str, ...]]]:
    """Every unit of a schema, each with the pointers of the schemas on its way."""
    for kind in node.kinds:
        yield (node.place, kind), node.trail
    for name, member in node.members.items():
        if name in node.optional:
            yield (member.place, "absent"), member.trail
        yield from units(member)
    for below in (*node.branches, *([node.items] if node.items else [])):
        yield from units(below)


def seen(node: Node, *instances: Any) -> set[Unit]:
    """The units that some instances show of a schema."""
    found: set[Unit] = set()
    for instance in instances:
        _see(node, instance, found)
    return found


def _see(node: Node, instance: Any, found: set[Unit]) -> None:
    name = TYPES.get(type(instance), "")
    for branch in node.branches:
        if name in branch.types:
            _see(branch, instance, found)
    if node.kinds and name:
        kind = json.dumps(instance) if node.literals else KIND_OF[name](node, instance)
        if kind in node.kinds:  # one that it does not have is that of a value of a wrong type
            found.add((node.place, kind))
    if name == "object":
        _see_members(node, instance, found)
    elif name == "array" and node.items:
        for item in instance:
            _see(node.items, item, found)


def _see_members(node: Node, instance: Mapping[str, Any], found: set[Unit]) -> None:
    for key, member in node.members.items():
        if key in instance:
            _see(member, instance[key], found)
        elif key in node.optional:
            found.add((member.place, "absent"))


def _number(node: Node, value: float) -> str:
    if node.low is None and node.high is None:
        return "zero" if value == 0 else "negative" if value < 0 else "positive"
    if value in (node.low, node.high):
        return "minimum" if value == node.low else "maximum"
    above = node.low is None or value > node.low
    return "between" if above and (node.high is None or value < node.high) else ""


def _text(_: Node, value: str) -> str:
    if value.isascii():
        return "ascii" if value else "empty"
    return "bmp" if max(value) < "\U00010000" else "astral"


KIND_OF: Mapping[str, Callable[[Node, Any], str]] = {
    "boolean": lambda _, value: "true" if value else "false",
    "number": _number,
    "string": _text,
    "array": lambda _, value: ("none", "one", "many")[min(len(value), 2)],
    "object": lambda _, __: "object",
}  # the kind of a value, by its type


def reason(view: Document, trail: tuple[str, ...]) -> str:
    """Why a unit is not sent: the reason of the overlay's action that is nearest to the root of
    the request, and below it.
    """
    return next((view.reasons[path] for path in trail[2:] if path in view.reasons), "")
