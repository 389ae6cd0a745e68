"""Several answers of one dialogue: the same text in other forms, alone and in company."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from conformance.check import Answer, Deviation, Dialogue, Place, Undecided, check, relation, show
from conformance.checks.embeddings.answer import of_width
from conformance.checks.embeddings.vectors import (
    NO_VECTORS,
    Vector,
    answered,
    in_base64,
    inputs,
    prompt_tokens,
    vectors,
    width,
)
from conformance.odd import Odd
from conformance.reading import Reading

SAME = 0.9999  # cosine of two vectors of the same text
CLOSE, ALIKE = 0.999, 0.99  # cosine of the vectors of a text, alone and in company
SINGLE = 1e-6  # of the largest number of a vector: what the last bits of others may differ by
SPECIAL = 2  # tokens that a tokenizer may add to a text


def cosine(a: Vector, b: Vector) -> float:
    """How alike two vectors are; -1 where they cannot be compared."""
    norms = math.hypot(*a) * math.hypot(*b)
    if len(a) != len(b) or not norms or not math.isfinite(norms):
        return -1.0
    found = sum(x * y for x, y in zip(a, b, strict=True)) / norms
    return found if math.isfinite(found) else -1.0


def _rest(x: Reading, *without: str) -> str:
    """The request without some members, to be compared."""
    sent = x.sent if isinstance(x.sent, dict) else {}
    return json.dumps({k: v for k, v in sent.items() if k not in without}, sort_keys=True)


def _first(x: Reading) -> Vector | None:
    found = vectors(x)
    return found[0] if found else None


def _in_both_forms(dialogue: Dialogue) -> Iterator[tuple[Reading, list[Reading]]]:
    """Answers in base64, each with the answers in numbers to the same request."""
    for x in dialogue:
        if answered(x) and in_base64(x):
            rest = _rest(x, "encoding_format")
            others = [y for y in dialogue if answered(y) and not in_base64(y)]
            if found := [y for y in others if _rest(y, "encoding_format") == rest]:
                yield x, found


def _exact(a: Vector, b: Vector) -> bool:
    largest = max((abs(x) for x in (*a, *b)), default=0.0)
    alike = all(abs(x - y) <= SINGLE * largest for x, y in zip(a, b, strict=False))
    return len(a) == len(b) and alike


@relation("embeddings.base64-same", on=lambda d: any(_in_both_forms(d)))
def base64_same(dialogue: Dialogue) -> Answer:
    """Both forms hold the same floats, where the same request twice gives the same ones; else they
    are almost the same.
    """
    for x, others in _in_both_forms(dialogue):
        ours = _first(x)
        theirs = [v for y in others if (v := _first(y))]
        if ours is None or not theirs:
            yield Undecided(NO_VECTORS)
            continue
        steady = len(theirs) > 1 and all(v == theirs[0] for v in theirs)
        same = _exact(ours, theirs[0]) if steady else cosine(ours, theirs[0]) >= SAME
        if not same:
            wanted = f"{show(theirs[0][:3])} as in numbers"
            place = Place(pointer="/data/0/embedding")
            yield Deviation(wanted, show(ours[:3]), place, x.exchange.number)
        elif not steady:
            yield Undecided("the same request twice gave different numbers")


def _widths(dialogue: Dialogue) -> list[tuple[Reading, Reading]]:
    """Answers to plain requests, each with a request for as many dimensions as it has."""
    plain = [(x, v) for x in dialogue if answered(x) and width(x) is None and (v := _first(x))]
    return [
        (x, y)
        for x, found in plain
        for y in dialogue
        if width(y) == len(found) and _rest(x) == _rest(y, "dimensions")
    ][:1]


@relation("embeddings.native-dimensions", on=lambda d: bool(_widths(d)))
def native_dimensions(dialogue: Dialogue) -> Answer:
    """To ask for what comes anyway is no fault."""
    for _, y in _widths(dialogue):
        if HTTPStatus.BAD_REQUEST <= y.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            wanted = f"success, as the vectors have {width(y)} dimensions"
            yield Deviation(wanted, f"{y.status}", exchange=y.exchange.number)


def _wide(dialogue: Dialogue) -> list[Reading]:
    return [x for x in dialogue if x.odd == {Odd.WIDE} and x.status and x.surface == "embeddings"]


def _honours(x: Reading) -> bool:
    """Whether an answer has the dimensions that were asked for."""
    asked = answered(x) and width(x) is not None and x.odd == {Odd.DIMENSIONS}
    return asked and not list(of_width(x))


@relation("embeddings.wide-refused", on=lambda d: bool(_wide(d)))
def wide_refused(dialogue: Dialogue) -> Answer:
    """Who honours dimensions says so where there are not as many."""
    if not any(_honours(x) for x in dialogue):
        yield Undecided("no dimensions that were asked for came")
        return
    for x in _wide(dialogue):
        if answered(x) and any(isinstance(each, Deviation) for each in of_width(x)):
            observed = f"{x.status} and {len(_first(x) or ())} numbers"
            yield Deviation("a 4xx status", observed, exchange=x.exchange.number)


def _companies(dialogue: Dialogue) -> Iterator[tuple[Reading, int, Reading]]:
    """Answers for several texts, each with the number of one that also came alone, and that."""
    singles = {_rest(y): y for y in dialogue if answered(y)}
    for x in dialogue:
        if answered(x) and isinstance(x.sent.get("input"), list):
            for n, text in enumerate(inputs(x)):
                alone = json.dumps(x.sent | {"input": text}, sort_keys=True)
                if alone in singles:
                    yield x, n, singles[alone]


def _alike(dialogue: Dialogue, least: float, most: float) -> Answer:
    """A deviation where a vector is less like the one of the same text alone than `least`, but not
    less than `most`, which is another rule's.
    """
    pairs = [(x, n, y, vectors(x), _first(y)) for x, n, y in _companies(dialogue)]
    compared = [(x, n, cosine(a[n], b)) for x, n, _, a, b in pairs if a and b and any(b)]
    if not compared:
        yield Undecided(NO_VECTORS)
    for x, n, found in compared:
        if most <= found < least:
            wanted = f"a cosine of {least} with the vector of the same text alone"
            place = Place(pointer=f"/data/{n}/embedding")
            yield Deviation(wanted, f"{found:.4f}", place, x.exchange.number)
            return


@relation("embeddings.batch-same", on=lambda d: any(_companies(d)))
def batch_same(dialogue: Dialogue) -> Answer:
    """A text has its own vector in company too."""
    yield from _alike(dialogue, ALIKE, -2.0)


@relation("embeddings.batch-close", on=lambda d: any(_companies(d)))
def batch_close(dialogue: Dialogue) -> Answer:
    """Company does not even blur it."""
    yield from _alike(dialogue, CLOSE, ALIKE)


@relation("embeddings.batch-usage", on=lambda d: any(_companies(d)))
def batch_usage(dialogue: Dialogue) -> Answer:
    """Texts cost as much together as alone, but for what a tokenizer adds to each."""
    for x, group in itertools.groupby(_companies(dialogue), key=lambda each: each[0]):
        alone = [prompt_tokens(y) for _, _, y in group]
        together = prompt_tokens(x)
        if together is None or len(alone) < len(inputs(x)) or None in alone:
            yield Undecided("not every text was counted alone")
            continue
        expected = sum(each or 0 for each in alone)
        if abs(together - expected) > SPECIAL * len(alone):
            place = Place(pointer="/usage/prompt_tokens")
            yield Deviation(f"{expected} tokens", f"{together}", place, x.exchange.number)


def _pairs(x: Reading) -> Iterator[tuple[str, str, Vector, Vector]]:
    """Every two texts of a request that leaves the dimensions alone, with their vectors."""
    found = vectors(x) or []
    texts: list[Any] = inputs(x)
    for (a, v), (b, w) in itertools.combinations(zip(texts, found, strict=bool(found)), 2):
        if any(v) and any(w):
            yield a, b, v, w


def _several(x: Reading) -> bool:
    return answered(x) and width(x) is None and len(inputs(x)) > 1


@relation("embeddings.repeats-same", on=lambda d: any(_several(x) and _repeats(x) for x in d))
def repeats_same(dialogue: Dialogue) -> Answer:
    """The same text twice gives the same vector; whose vector it is, is another rule's."""
    found = [(x, cosine(v, w)) for x in dialogue if _several(x)
             for a, b, v, w in _pairs(x) if a == b]  # fmt: skip
    if not found or any(isinstance(each, Deviation) for each in batch_same(dialogue)):
        yield Undecided(NO_VECTORS)
        return
    x, least = min(found, key=lambda pair: pair[1])
    if least < CLOSE:
        wanted, observed = "the same vector for the same text", f"a cosine of {least:.4f}"
        yield Deviation(wanted, observed, Place(pointer="/data"), x.exchange.number)


def _repeats(x: Reading) -> bool:
    return len({json.dumps(each) for each in inputs(x)}) < len(inputs(x))


@check("embeddings.tells-apart", on=lambda x: _several(x) and _differ(x))
def tells_apart(x: Reading) -> Answer:
    """Of three different texts not all have the same vector."""
    found = [cosine(v, w) for a, b, v, w in _pairs(x) if a != b]
    if not found:
        yield Undecided(NO_VECTORS)
    elif min(found) >= SAME:
        observed = f"a cosine of {min(found):.4f} at the least"
        yield Deviation("different vectors for different texts", observed, Place(pointer="/data"))


def _differ(x: Reading) -> bool:
    return len({json.dumps(each) for each in inputs(x)}) > 2
