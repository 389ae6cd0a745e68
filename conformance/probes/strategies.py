"""Hypothesis strategies built from the schemas of the generation view.

The view says what a member may be; `examples` are the values to draw, where any value of the type
would be noise. Values are small and realistic; the edges of every range are drawn often.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from conformance.contract.document import Document

Strategy = st.SearchStrategy[Any]
SEVERAL = 4  # optional members drawn together at the most
TEXTS = ("a", "hello", "two words", "Grüße", "世界", "🌍", "'\"\\", "line\nline")
LARGE = 2**31


def strategy(view: Document, schema: Any) -> Strategy:
    """A strategy for the instances of a schema of the generation view."""
    if "$ref" in schema:
        schema = view.at(schema["$ref"])
    if "examples" in schema:
        return st.sampled_from(schema["examples"])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from([value for value in schema["enum"] if value is not None])
    if "oneOf" in schema:
        branches = [branch for branch in schema["oneOf"] if branch.get("type") != "null"]
        return st.one_of([strategy(view, branch) for branch in branches])
    return _TYPES[_type(schema)](view, schema)


def _type(schema: Any) -> str:
    """The type of a schema; of several the first that is not null."""
    found = schema.get("type", "object")
    types = [found] if isinstance(found, str) else found
    return next(name for name in types if name != "null")


def _object(view: Document, schema: Any) -> Strategy:
    return st.composite(_draw_object)(view, schema)


def _draw_object(draw: Callable[[Strategy], Any], view: Document, schema: Any) -> dict[str, Any]:
    properties = schema.get("properties", {})
    required = [name for name in schema.get("required", ()) if name in properties]
    optional = sorted(properties.keys() - set(required))
    chosen = draw(st.sets(st.sampled_from(optional), max_size=SEVERAL)) if optional else set()
    for group in schema.get("x-exclusive", ()):
        chosen -= set(sorted(chosen & set(group))[1:])
    names = [*required, *sorted(chosen)]
    return {name: draw(strategy(view, properties[name])) for name in names}


def _array(view: Document, schema: Any) -> Strategy:
    low = schema.get("minItems", 0)
    items = strategy(view, schema["items"])
    return st.lists(items, min_size=low, max_size=schema.get("maxItems", low + 2), unique_by=repr)


def _number(_: Document, schema: Any) -> Strategy:
    low, high = schema.get("minimum", 0.0), schema.get("maximum", 1.0)
    inside = st.floats(low, high, allow_nan=False).map(lambda value: round(value, 2))
    return st.one_of(st.sampled_from([low, high]), inside)


def _integer(_: Document, schema: Any) -> Strategy:
    low, high = schema.get("minimum", 0), schema.get("maximum", LARGE)
    return st.one_of(st.sampled_from([low, high]), st.integers(max(low, -LARGE), min(high, LARGE)))


def _string(_: Document, __: Any) -> Strategy:
    return st.sampled_from(TEXTS)


def _boolean(_: Document, __: Any) -> Strategy:
    return st.booleans()


_TYPES: dict[str, Callable[[Document, Any], Strategy]] = {
    "object": _object,
    "array": _array,
    "number": _number,
    "integer": _integer,
    "string": _string,
    "boolean": _boolean,
}


def draw(source: Strategy, count: int, random_seed: int) -> list[Any]:
    """At most so many different values, the same ones for the same seed, the simplest first."""
    found: list[Any] = []

    @seed(random_seed)
    @settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(source)
    def collect(value: Any) -> None:
        if value not in found and len(found) < count:
            found.append(value)

    collect()
    return found
