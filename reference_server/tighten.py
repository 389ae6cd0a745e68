"""Schemas that a model without judgement can finish.

Open strings and arrays get a bound, open objects few or no further members, numbers a size that
every reader takes, patterns both ends, formats a short spelling, and what may be anything is
something short. Whatever is valid by a tightened schema is valid by the one that was given.
"""

from __future__ import annotations

import re
from typing import Any

LONGEST = 24  # characters of a string
MOST = 3  # items of an array, members of an object
WHOLE = 2**53 - 1  # the largest integer that every JSON reader takes
ANY = {"type": ["string", "boolean", "null"], "maxLength": LONGEST}
KEY = "^[a-z]{1,8}$"  # the name of a member that no schema names
NOTES = frozenset({"title", "description", "default", "examples"})
MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions"})
SAME = ("allOf", "anyOf", "oneOf")  # schemas for the same value
ONE = frozenset({"items", "additionalProperties"})
SAID = frozenset({"enum", "const", "$ref", *SAME, "pattern", "format"})
NAMED = SAID | {"properties", "patternProperties", "required"}
BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
SPELLED = re.compile(r"\\.|\[\^", re.DOTALL)  # escapes, and the start of what is none of
ANCHOR = re.compile(r"[$^]")
HOST = r"[a-z]{1,8}\.[a-z]{2,3}"
CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z"
FORMATS = {
    "date-time": rf"^[12][0-9]{{3}}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T{CLOCK}$",
    "time": rf"^{CLOCK}$",
    "duration": r"^P[1-9][0-9]{0,2}D$",
    "email": rf"^[a-z]{{1,8}}@{HOST}$",
    "hostname": rf"^{HOST}$",
    "uri": rf"^https://{HOST}/[a-z]{{0,8}}$",
}


def tighten(schema: Any, beside: frozenset[str] = frozenset()) -> Any:
    """The schema, tightened. `beside` are members that other schemas for the same object know."""
    if not isinstance(schema, dict):
        return schema
    if not schema.keys() - NOTES:
        return ANY
    others = beside | _inner(schema)
    names = others | _names(schema)
    tight = {key: _inside(key, value, names) for key, value in schema.items()}
    return tight | _bounds(schema) | _closed(schema, tight, others) | _nameless(schema, tight)


def _inside(key: str, value: Any, names: frozenset[str]) -> Any:
    if key in MAPS and isinstance(value, dict):
        return {name: tighten(each) for name, each in value.items()}
    if key in SAME and isinstance(value, list):
        return [tighten(each, names) for each in value]
    if key == "prefixItems" and isinstance(value, list):
        return [tighten(each) for each in value]
    return tighten(value) if key in ONE else value


def _names(schema: Any) -> frozenset[str]:
    """The members of an object that a schema and those inside it know."""
    if not isinstance(schema, dict):
        return frozenset()
    names = {*(schema.get("properties") or ()), *(schema.get("required") or ())}
    return _inner(schema) | names


def _inner(schema: dict[str, Any]) -> frozenset[str]:
    """The members that schemas inside know, for the same object."""
    inner = (each for key in SAME for each in schema.get(key) or ())
    return frozenset().union(*map(_names, inner))


def _closed(
    schema: dict[str, Any], tight: dict[str, Any], others: frozenset[str]
) -> dict[str, Any]:
    """No members but those that are named somewhere, unless more are asked for."""
    known, required = tight.get("properties") or {}, schema.get("required") or ()
    more, names = tight.get("additionalProperties", True), others | {*known, *required}
    named = "properties" in schema or ("object" in _kinds(schema) and required)
    if not named or more is False or schema.get("minProperties", 0) > len(names):
        return {}
    free = {name: True if name in others else ANY for name in sorted(names)}
    given = free if more is True else dict.fromkeys(free, more)
    return {"properties": given | known, "additionalProperties": False}


def _nameless(schema: dict[str, Any], tight: dict[str, Any]) -> dict[str, Any]:
    """A few members with short names, where a schema names none."""
    more = tight.get("additionalProperties", ANY)
    if "object" not in _kinds(schema) or schema.keys() & NAMED or more is False:
        return {}
    most = schema.get("maxProperties", max(MOST, schema.get("minProperties", 0)))
    members = {KEY: ANY if more is True else more}
    return {"patternProperties": members, "additionalProperties": False, "maxProperties": most}


def _kinds(schema: dict[str, Any]) -> list[Any]:
    types = schema.get("type")
    return types if isinstance(types, list) else [types]


def _bounds(schema: dict[str, Any]) -> dict[str, Any]:
    """The bounds that a schema does not give."""
    given, kinds = schema.keys(), _kinds(schema)
    tight: dict[str, Any] = {}
    if "string" in kinds:
        tight |= _spelled(schema)
    if "string" in kinds and not given & (SAID | {"maxLength"}):
        tight["maxLength"] = max(LONGEST, schema.get("minLength", 0))
    if "array" in kinds and not given & (SAID | {"maxItems"}):
        tight["maxItems"] = max(MOST, schema.get("minItems", 0))
    if "array" in kinds and not given & {"items", "prefixItems"}:
        tight["items"] = ANY
    if {"integer", "number"} & set(kinds) and not given & (SAID | BOUNDS):
        tight |= {"minimum": -WHOLE, "maximum": WHOLE}
    return tight


def _spelled(schema: dict[str, Any]) -> dict[str, Any]:
    """A pattern that holds for the whole string: a search is content with less."""
    pattern, form = schema.get("pattern"), schema.get("format")
    if isinstance(pattern, str):
        inner = pattern.removeprefix("^").removesuffix("$")
        anchored = ANCHOR.search(SPELLED.sub("", inner)) or inner.endswith("\\")
        return {} if anchored else {"pattern": f"^(?:{inner})$"}
    if isinstance(form, str) and form in FORMATS and not schema.keys() & {"minLength", "maxLength"}:
        return {"pattern": FORMATS[form]}
    return {}
