"""One answer: as many vectors as inputs, in the form that was asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass

from conformance.check import Answer, Deviation, Place, Undecided, check, fold, show
from conformance.checks.embeddings.vectors import (
    NO_VECTORS,
    answered,
    decoded,
    embedding,
    finite,
    in_base64,
    index,
    inputs,
    items,
    place,
    usage,
    vector,
    width,
)
from conformance.checks.envelope import names_model
from conformance.odd import Odd
from conformance.reading import Reading

UNIT = 1e-3  # by how much the length of a vector may differ from 1


@check("embeddings.numbers", on=lambda x: answered(x) and not in_base64(x))
def numbers(x: Reading) -> Answer:
    """A vector is a list of numbers that a double can hold, one at least; what is no number in it
    breaks the schema.
    """
    for n, item in enumerate(items(x)):
        found = embedding(item)
        if isinstance(found, str) or found == []:
            yield Deviation("numbers", show(found), place(n, "embedding"))
            return
        for at, each in enumerate(found if isinstance(found, list) else ()):
            if type(each) in (int, float) and not finite(each):
                yield Deviation("a finite number", show(each), place(n, f"embedding/{at}"))
                return


@check("embeddings.base64-text", on=lambda x: answered(x) and in_base64(x))
def base64_text(x: Reading) -> Answer:
    """Who asks for base64 gets it."""
    for n, item in enumerate(items(x)):
        if isinstance(embedding(item), list):
            yield Deviation("a string", "a list", place(n, "embedding"))
            return


def _texts(x: Reading) -> list[tuple[int, str]]:
    """The embeddings that came as text, each with its number."""
    found = [(n, embedding(item)) for n, item in enumerate(items(x))]
    return [(n, text) for n, text in found if isinstance(text, str)]


@check("embeddings.base64-decodes", on=lambda x: answered(x) and in_base64(x) and bool(_texts(x)))
def base64_decodes(x: Reading) -> Answer:
    """The text is padded base64 of floats of 32 bits."""
    for n, text in _texts(x):
        if decoded(text) is None:
            wanted = "padded base64 of finite floats of 4 bytes each"
            yield Deviation(wanted, show(text), place(n, "embedding"))
            return


@check("embeddings.one-per-input", on=answered)
def one_per_input(x: Reading) -> Answer:
    """As many vectors as inputs."""
    if not isinstance(x.json.get("data"), list):
        yield Undecided("data is no list")
    elif len(items(x)) != len(inputs(x)):
        observed = f"{len(items(x))} embeddings"
        yield Deviation(f"{len(inputs(x))} embeddings", observed, Place(pointer="/data"))


def _indexes(x: Reading) -> list[int]:
    """The indexes of an answer in the order in which they came; none where one is missing, or where
    there are not as many of them as inputs.
    """
    found = [index(item) for item in items(x)]
    whole = None not in found and len(found) == len(inputs(x))
    return [each for each in found if each is not None] if whole else []


@check("embeddings.indexes", on=answered)
def indexes(x: Reading) -> Answer:
    """Each input is named once."""
    if not (found := _indexes(x)):
        yield Undecided("the embeddings cannot be counted")
    elif sorted(found) != list(range(len(found))):
        wanted = f"each index from 0 to {len(found) - 1} once"
        yield Deviation(wanted, show(found), Place(pointer="/data"))


@check("embeddings.in-order", on=lambda x: answered(x) and len(inputs(x)) > 1)
def in_order(x: Reading) -> Answer:
    """Vectors stand in the order of the inputs."""
    found = _indexes(x)
    if not found or sorted(found) != list(range(len(found))):
        yield Undecided("the indexes are wrong")
    elif found != sorted(found):
        yield Deviation("the order of the inputs", show(found), Place(pointer="/data"))


@check("embeddings.same-length", on=lambda x: answered(x) and len(inputs(x)) > 1)
def same_length(x: Reading) -> Answer:
    """All vectors of an answer have one length."""
    found = [(n, len(v)) for n, item in enumerate(items(x)) if (v := vector(item))]
    if len(found) < 2:
        yield Undecided(NO_VECTORS)
    for n, length in found:
        if length != found[0][1]:
            wanted = f"{found[0][1]} numbers as in the first one"
            yield Deviation(wanted, f"{length}", place(n, "embedding"))
            return


@check("embeddings.unit-length", on=lambda x: answered(x) and not in_base64(x))
def unit_length(x: Reading) -> Answer:
    """A vector is as long as 1."""
    found = [(n, v) for n, item in enumerate(items(x)) if (v := vector(item))]
    if not found:
        yield Undecided(NO_VECTORS)
    for n, each in found:
        if abs(math.hypot(*each) - 1.0) > UNIT:
            yield Deviation("a norm of 1", f"{math.hypot(*each):.6g}", place(n, "embedding"))
            return


@check("embeddings.usage-adds-up", on=answered)
def usage_adds_up(x: Reading) -> Answer:
    """There is no completion, so the total is the prompt."""
    if (found := usage(x)) is None:
        yield Undecided("the answer has no usage")
    elif found["total_tokens"] != found["prompt_tokens"]:
        wanted = f"{found['prompt_tokens']} as prompt_tokens"
        yield Deviation(wanted, show(found), Place(pointer="/usage/total_tokens"))


check("embeddings.names-model", on=answered)(names_model)


@check(
    "embeddings.dimensions-honoured",
    on=lambda x: answered(x) and (width(x) or 0) > 0 and x.odd == {Odd.DIMENSIONS},
)
def dimensions_honoured(x: Reading) -> Answer:
    """Vectors are as long as was asked for."""
    yield from of_width(x)


def of_width(x: Reading) -> Answer:
    """A deviation where a vector has not the length that was asked for."""
    found = [(n, len(v)) for n, item in enumerate(items(x)) if (v := vector(item))]
    if not found:
        yield Undecided(NO_VECTORS)
    for n, length in found:
        if length != width(x):
            yield Deviation(f"{width(x)} numbers", f"{length}", place(n, "embedding"))
            return


@dataclass(frozen=True)
class Widths:
    """The dimensions of the first vector of a run, and the first exchange that has others."""

    first: int = 0
    other: tuple[int, int] | None = None  # dimensions, exchange


def _next(state: Widths, x: Reading) -> Widths:
    found = [len(each) for each in map(vector, items(x)) if each]
    first = state.first or next(iter(found), 0)
    others = [(each, x.exchange.number) for each in found if each != first]
    return Widths(first, state.other or next(iter(others), None))


@fold(
    "embeddings.one-width",
    on=lambda x: answered(x) and width(x) is None and len(inputs(x)) == 1,
    start=Widths(),
    step=_next,
)
def one_width(state: Widths) -> Answer:
    """Of texts sent alone; what one answer mixes has a rule of its own."""
    if not state.first:
        yield Undecided(NO_VECTORS)
    elif state.other:
        dimensions, exchange = state.other
        place = Place(pointer="/data/0/embedding")
        yield Deviation(f"{state.first} as in the first answer", str(dimensions), place, exchange)
