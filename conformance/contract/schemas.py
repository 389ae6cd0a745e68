"""Validation against a view, by jsonschema-rs, with errors that say where they stand in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import jsonschema_rs

from conformance.contract.document import Document, Tree, pointer

NOTHING: frozenset[str] = frozenset()
UNREADABLE = (ValueError, RecursionError)  # what the validator raises instead of an error
LEVELS = 64  # of nesting that it reads; no view describes so many
DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True)
class SchemaError:
    """One violated keyword.

    `rule` points to the keyword in the view (for `required`, with the name of the missing member
    appended), `place` to the value in the instance.
    """

    rule: str
    place: str
    keyword: str
    message: str


class Validator:
    """One compiled schema of a view."""

    def __init__(self, view: Document, path: str) -> None:
        root: Tree = {
            "$schema": DIALECT,
            "$ref": "#" + quote(path, safe="/~"),
            "components": view.tree["components"],
            "paths": view.tree["paths"],
        }
        self._validator = jsonschema_rs.Draft202012Validator(root)

    def errors(self, instance: Any) -> tuple[SchemaError, ...]:
        """The violated keywords, one for each place: where a type is wrong nothing else counts."""
        try:
            found = list(self._validator.iter_errors(instance))
        except UNREADABLE:
            found = list(self._validator.iter_errors(_readable(instance)))
        return tuple(_first_by_place([_error(error) for error in found]))

    def valid(self, instance: Any) -> bool:
        """Whether the instance is valid."""
        try:
            return bool(self._validator.is_valid(instance))
        except UNREADABLE:
            return bool(self._validator.is_valid(_readable(instance)))


def _readable(value: Any, levels: int = LEVELS) -> Any:
    """A value as the validator can read it, that no schema of a view tells from the given one: with
    a question mark for each half of a surrogate pair, and with nothing in what lies too deep.
    """
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case list():
            return [_readable(each, levels - 1) for each in value if levels]
        case dict():
            pairs = value.items() if levels else ()
            return {_readable(name): _readable(each, levels - 1) for name, each in pairs}
        case _:
            return value


def _error(error: jsonschema_rs.ValidationError) -> SchemaError:
    keyword = error.kind.name
    rule = pointer(*error.schema_path)
    if keyword == "required":
        rule += pointer(getattr(error.kind, "property", ""))
    return SchemaError(rule, pointer(*error.instance_path), keyword, error.message)


def _first_by_place(found: list[SchemaError]) -> Iterator[SchemaError]:
    """Missing members each count; of other keywords at one place the wrong type, or the first."""
    found.sort(key=lambda error: error.keyword != "type")
    seen: set[str] = set()
    for error in found:
        key = error.rule if error.keyword == "required" else error.place
        if key not in seen:
            seen.add(key)
            yield error


Fits = Callable[[str, Any], bool]  # whether an instance is valid by the schema at a pointer


@dataclass(frozen=True)
class Needs:
    """A schema of a view as far as something in it needs a capability (`x-capability`)."""

    path: str
    own: frozenset[str]
    branches: tuple[Needs, ...]
    members: Mapping[str, Needs]
    items: Needs | None

    def of(self, instance: Any, fits: Fits) -> frozenset[str]:
        """The capabilities that the members of an instance need.

        Of several forms of a value only those that it has count: one that was not sent needs
        nothing, and neither does null.
        """
        if instance is None:
            return NOTHING
        inside = [branch.of(instance, fits) for branch in self.branches
                  if fits(branch.path, instance)]  # fmt: skip
        if isinstance(instance, dict):
            inside += [each.of(instance[name], fits) for name, each in self.members.items()
                       if name in instance]  # fmt: skip
        if isinstance(instance, list) and self.items:
            inside += [self.items.of(value, fits) for value in instance]
        return self.own.union(*inside)


def needs(view: Document, at: str) -> Needs | None:
    """What the schema at a pointer needs, for instances of any form; None where that is nothing.
    No schema of a request contains itself.
    """
    path, schema = view.target(at)
    if not isinstance(schema, dict):
        return None
    branches = [f"{path}/{keyword}/{n}" for keyword in ("oneOf", "anyOf")
                for n in range(len(schema.get(keyword, ())))]  # fmt: skip
    members = {name: needs(view, path + pointer("properties", name))
               for name in schema.get("properties", ())}  # fmt: skip
    found = Needs(
        at,
        frozenset({schema["x-capability"]} if "x-capability" in schema else ()),
        tuple(each for branch in branches if (each := needs(view, branch))),
        {name: each for name, each in members.items() if each},
        needs(view, f"{path}/items") if "items" in schema else None,
    )
    return found if found.own or found.branches or found.members or found.items else None


def conforms(schema: Any, value: Any) -> bool:
    """Whether a value is valid by a schema that a request brought; an odd schema says nothing."""
    try:
        return bool(jsonschema_rs.Draft202012Validator(schema).is_valid(value))
    except (ValueError, RecursionError):
        return True
