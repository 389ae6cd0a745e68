"""The same request again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.check import Answer, Deviation, Dialogue, Undecided, relation, show
from conformance.checks.semantics.said import BROKEN, body, is_cold, member, repeated, said
from conformance.reading import Outcome, Reading

SEEDS = 3  # that cannot bring one text by chance
TOLD = (Outcome.ANSWERED, Outcome.REFUSED, Outcome.UNROUTED)


def _seeded(dialogue: Dialogue, heat: Callable[[Reading], bool]) -> list[list[Reading]]:
    """Requests with a seed that were sent more than once."""
    return [
        group
        for group in repeated(dialogue)
        if type(member(group[0], "seed")) is int and heat(group[0])
    ]


def _is_hot(x: Reading) -> bool:
    return type(member(x, "temperature")) in (int, float) and x.sent["temperature"] >= 1


def _made_by(x: Reading) -> Any:
    return x.json.get("system_fingerprint") if isinstance(x.json, dict) else None


@relation("semantics.repeats", on=lambda d: bool(_seeded(d, is_cold)))
def repeats(dialogue: Dialogue) -> Answer:
    """Where nothing is left to chance, the text is the same; another fingerprint excuses."""
    for group in _seeded(dialogue, is_cold):
        texts = [each.text for x in group if (each := said(x))]
        if len(texts) < len(group) or len({show(_made_by(x)) for x in group}) > 1:
            yield Undecided("not every answer was made and could be read in the same way")
        elif not any(texts):
            yield Undecided("no answer had a text")
        for x, text in zip(group, texts, strict=False):
            if len(texts) == len(group) and text != texts[0]:
                yield Deviation(
                    f"{show(texts[0])} as before", show(text), exchange=x.exchange.number
                )
                return


@relation("semantics.seed", on=lambda d: bool(_seeded(d, _is_hot)))
def seed(dialogue: Dialogue) -> Answer:
    """A seed decides what chance does; that another one gives another text shows that it does."""
    for group in _seeded(dialogue, _is_hot):
        texts = [each.text for x in group if (each := said(x))]
        others = [each.text for x in dialogue if x not in group and (each := said(x))]
        if len(texts) < len(group) or not set(others) - set(texts):
            yield Undecided("no other seed gave another text")
        elif len(set(texts)) > 1:
            yield Deviation(f"{show(texts[0])} by the same seed", show(texts[-1]))


def _drawn(dialogue: Dialogue) -> dict[int, list[Reading]]:
    """Hot requests that differ in their seed alone, by the number of the one that has none."""
    free = [x for x in dialogue if _is_hot(x) and body(x) == body(x, "seed")]
    return {
        x.exchange.number: [
            y for y in dialogue if y is not x and body(y, "seed") == body(x) != body(y)
        ]
        for x in free
    }


@relation("semantics.seeds-differ", on=lambda d: any(len(g) > 1 for g in _drawn(d).values()))
def seeds_differ(dialogue: Dialogue) -> Answer:
    """A seed does not take the chance away: without one there is another text."""
    free = {x.exchange.number: said(x) for x in dialogue}
    for number, group in _drawn(dialogue).items():
        seeds = {member(x, "seed") for x in group}
        texts = [each.text for x in group if (each := said(x))]
        control = free[number]
        if len(texts) < len(group) or len(seeds) < SEEDS or control is None or not control.text:
            yield Undecided("too few answers by different seeds could be read")
        elif len(set(texts)) == 1 and control.text == texts[0]:
            yield Undecided("without a seed the text was the same")
        elif len(set(texts)) == 1:
            yield Deviation(f"another text by one of {len(seeds)} seeds", show(texts[0]))


def _refused_again(dialogue: Dialogue) -> list[list[Reading]]:
    return [g for g in repeated(dialogue) if any(x.outcome is not Outcome.ANSWERED for x in g)]


def _type(x: Reading) -> Any:
    error = x.json.get("error") if isinstance(x.json, dict) else None
    return error.get("type") if isinstance(error, dict) else None


@relation("semantics.same-error-again", on=lambda d: bool(_refused_again(d)))
def same_error_again(dialogue: Dialogue) -> Answer:
    """A client that tries again is told the same."""
    for group in _refused_again(dialogue):
        first = (group[0].status, _type(group[0]))
        if any(x.outcome not in TOLD for x in group) or not isinstance(first[1], str):
            yield Undecided(BROKEN)
            continue
        for x in group:
            if (x.status, _type(x)) != first:
                expected = f"{first[0]} and {show(first[1])} as before"
                observed = f"{x.status} and {show(_type(x))}"
                yield Deviation(expected, observed, exchange=x.exchange.number)
                return
