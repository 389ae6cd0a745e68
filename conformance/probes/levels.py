"""Levels: the kinds of value that a schema of the generation view allows, a strategy for each.

A boolean has two levels, a bounded number three, a list one for each kind of its items and one for
many of them. `examples` in the view are levels of their own, where any value of the type would be
noise; `{text}` in one stands for drawn text of all planes of Unicode.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from conformance.contract.document import Document

Strategy = st.SearchStrategy[Any]
MARK = "{text}"
LARGE = 2**31
WORDS = ("a", "hello", "two words", "'\"\\", "line\nline", "<b>&amp;</b>")
PLANES = (
    "Grüße, naïveté",
    "世界 こんにちは 안녕",
    "שלום עולם مرحبا",
    "e\u0301 n\u0303 \u1112\u1161\u11ab",  # combining marks, conjoining jamo
    "a\u00a0b\u200bc\u2028d\ufeffe",  # blanks and separators that are no ASCII
    "🌍 👩\u200d👩\u200d👧 🇳🇴 👍🏽",
    "𐍈 𝄞",  # plane 1
    "𠀀 𪚥",  # plane 2
    "\U00030000",  # plane 3
    "漢\U000e0100",  # plane 14: a variation selector
    "\U000f0000 \U0010fffd",  # planes 15 and 16, private use
)
LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])
TEXT: Strategy = st.one_of(st.sampled_from(PLANES), st.text(LETTERS, min_size=1, max_size=8))


def levels(view: Document, schema: Any) -> list[Strategy]:
    """The levels of a schema, the plainest first. Null is never one of them."""
    if "$ref" in schema:
        schema = view.at(schema["$ref"])
    if "examples" in schema:
        return [_example(value) for value in schema["examples"]]
    if "const" in schema:
        return [st.just(schema["const"])]
    if "enum" in schema:
        return [st.just(value) for value in schema["enum"] if value is not None]
    if "oneOf" in schema:
        branches = [branch for branch in schema["oneOf"] if branch.get("type") != "null"]
        return [level for branch in branches for level in levels(view, branch)]
    return _TYPES[_type(schema)](view, schema)


def _type(schema: Any) -> str:
    """The type of a schema; of several the first that is not null."""
    found = schema.get("type", "object")
    types = [found] if isinstance(found, str) else found
    return next(name for name in types if name != "null")


def _example(value: Any) -> Strategy:
    return TEXT.map(lambda text: fill(value, text)) if MARK in repr(value) else st.just(value)


def fill(value: Any, text: str) -> Any:
    """An example with a text in place of its mark."""
    match value:
        case str():
            return value.replace(MARK, text)
        case list():
            return [fill(each, text) for each in value]
        case dict():
            return {name: fill(each, text) for name, each in value.items()}
        case _:
            return value


def _object(view: Document, schema: Any) -> list[Strategy]:
    """All members, none but the required ones, and each level of each optional one alone."""
    members = {name: levels(view, each) for name, each in schema.get("properties", {}).items()}
    required = {
        n: st.one_of(each) for n, each in members.items() if n in schema.get("required", ())
    }
    everything = st.fixed_dictionaries({name: st.one_of(each) for name, each in members.items()})
    optional = [name for name in members if name not in required]
    alone = [
        st.fixed_dictionaries(required | {name: level})
        for name in optional
        for level in members[name]
    ]
    return [everything, *alone, *([st.fixed_dictionaries(required)] if optional else [])]


def _array(view: Document, schema: Any) -> list[Strategy]:
    """One item of each kind, many, and none where that is allowed."""
    items = levels(view, schema["items"])
    low, high = schema.get("minItems", 0), schema.get("maxItems", 4)
    one = [level.map(lambda item: [item]) for level in items] if low <= 1 <= high else []
    least = max(2, low)
    many = st.lists(st.one_of(items), min_size=least, max_size=max(least, high), unique_by=repr)
    return [*one, *([many] if high > 1 else []), *([st.just([])] if low == 0 else [])]


def _number(_: Document, schema: Any) -> list[Strategy]:
    low, high = schema.get("minimum", -1.0), schema.get("maximum", 1.0)
    inside = st.floats(low, high, allow_nan=False, exclude_min=True, exclude_max=True)
    return [inside.map(lambda value: round(value, 2)), st.just(low), st.just(high)]


def _integer(_: Document, schema: Any) -> list[Strategy]:
    low, high = schema.get("minimum", -LARGE), schema.get("maximum", LARGE)
    inside = st.integers(max(low + 1, -LARGE), min(high - 1, LARGE))
    signs = [st.just(0), inside.filter(lambda value: value < 0)] if low < 0 else []
    return [inside.filter(lambda value: value > 0), st.just(low), st.just(high), *signs]


def _string(_: Document, schema: Any) -> list[Strategy]:
    empty = [] if schema.get("minLength") else [st.just("")]
    return [st.sampled_from(WORDS), TEXT, *empty]


def _boolean(_: Document, __: Any) -> list[Strategy]:
    return [st.just(True), st.just(False)]


_TYPES: dict[str, Callable[[Document, Any], list[Strategy]]] = {
    "object": _object,
    "array": _array,
    "number": _number,
    "integer": _integer,
    "string": _string,
    "boolean": _boolean,
}


def draw(sources: Sequence[Strategy], count: int, random_seed: int) -> list[tuple[Any, ...]]:
    """So many values of each source, drawn together; the same ones for the same seed."""
    found: list[tuple[Any, ...]] = []

    @seed(random_seed)
    @settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.tuples(*sources))
    def collect(values: tuple[Any, ...]) -> None:
        found.append(values)

    collect()
    return found
