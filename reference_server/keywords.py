"""What the keywords of a JSON Schema may hold, before a compiler sees it.

The compiler overlooks some of this (what is never referred to, sizes that no answer has), and says
the rest in words of its own. What is refused here is named by its keyword.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any
from urllib.parse import unquote

LARGEST = 100_000  # characters of a schema, and of what it may ask for
STEPS = 10_000  # of numbers by `multipleOf`: the compiler takes time and memory with its square
TYPES = frozenset({"string", "integer", "number", "boolean", "null", "object", "array"})
MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions"})
LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
ONE = frozenset({"items", "additionalProperties", "not", "contains", "propertyNames"})
Rule = tuple[Callable[[Any], bool], str]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _types(value: Any) -> bool:
    named = value if isinstance(value, list) else [value]
    return bool(named) and all(isinstance(each, str) and each in TYPES for each in named)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


BOUND: Rule = (_number, "it is no number")
MOST: Rule = (_size, "it is no size")
LEAST: Rule = (lambda value: _size(value) and value <= LARGEST, f"it is no size up to {LARGEST}")
RULES: Mapping[str, Rule] = {
    "type": (_types, "it names no type"),
    "enum": (lambda value: isinstance(value, list) and bool(value), "it holds no values"),
    "pattern": (lambda value: isinstance(value, str), "it is no text"),
    "format": (lambda value: isinstance(value, str), "it is no text"),
    "required": (_texts, "it is no list of names"),
    "multipleOf": (lambda value: _number(value) and value > 0, "it is no number above zero"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), BOUND),
    **dict.fromkeys(("minLength", "minItems", "minProperties"), LEAST),
    **dict.fromkeys(("maxLength", "maxItems", "maxProperties"), MOST),
}


def check(schema: Any) -> None:
    """Raise `ValueError` with a keyword that is not what it should be."""
    if len(json.dumps(schema)) > LARGEST:
        raise ValueError(f"it is longer than {LARGEST} characters")
    steps = set()
    for each in _every(schema):
        for name, (holds, said) in RULES.items():
            if name in each and not holds(each[name]):
                raise ValueError(f"{name}: {said}")
        if "$ref" in each and not _refers(schema, each["$ref"]):
            raise ValueError(f"$ref: {str(each['$ref'])[:100]!r} is no place in the schema")
        if "multipleOf" in each:
            steps.add(Fraction(str(each["multipleOf"])))
    finest = math.lcm(1, *(step.denominator for step in steps))
    if math.lcm(1, *(int(step * finest) for step in steps)) > STEPS:
        raise ValueError(f"multipleOf: more than {STEPS} steps are not followed")


def _every(schema: Any, where: str = "schema") -> Iterator[dict[str, Any]]:
    """The schema and every schema in it."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise ValueError(f"{where}: a schema is an object or a boolean")  # noqa: TRY004
    yield schema
    for name, value in schema.items():
        if name in MAPS:
            if not isinstance(value, dict):
                raise ValueError(f"{name}: it is no object of schemas")
            inner = list(value.values())
        elif name in LISTS:
            if not isinstance(value, list) or not value:
                raise ValueError(f"{name}: it is no list of schemas")
            inner = value
        else:
            inner = [value] if name in ONE else []
        for each in inner:
            yield from _every(each, name)


def _refers(root: Any, reference: Any) -> bool:
    """Whether a reference leads into the schema; names of anchors are left to the compiler."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return False
    place = root
    for step in unquote(reference).split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(place, list) and key.isdigit() and int(key) < len(place):
            place = place[int(key)]
        elif isinstance(place, dict) and key in place:
            place = place[key]
        else:
            return False
    return True
