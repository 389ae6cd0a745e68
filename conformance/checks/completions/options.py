"""Options that a server may leave out: probabilities, the prompt in front of the text."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from conformance.check import Answer, Deviation, Place, Undecided, check, show
from conformance.checks.completions.whole import (
    LISTS,
    UNREADABLE,
    Json,
    completed,
    entries,
    integer,
    member,
    prompts,
)
from conformance.reading import Reading

ROUNDING = 1e-3  # by how much probabilities may add up to more than 1
IMPOSSIBLE = -1000.0  # what is less likely than this stands for no probability at all


def asks_logprobs(x: Reading) -> bool:
    """Probabilities were asked for, of one alternative at least."""
    return completed(x) and integer(x, "logprobs", 0) > 0


def scored(x: Reading) -> list[tuple[int, Json]]:
    """The probabilities of each choice that has some."""
    found = [(entry["index"], entry.get("logprobs")) for entry in entries(x) or ()]
    return [(index, each) for index, each in found if isinstance(each, dict)]


@check("completions.logprobs", on=asks_logprobs)
def logprobs(x: Reading) -> Answer:
    """Who asks for probabilities gets them."""
    found = entries(x)
    if found is None:
        yield Undecided(UNREADABLE)
    elif not any(entry["text"] for entry in found):
        yield Undecided("the model said nothing")
    elif missing := [e["index"] for e in found if e["text"] and not e.get("logprobs")]:
        place = Place(pointer="/choices")
        yield Deviation("logprobs in every choice", f"none in choice {missing[0]}", place)


@check("completions.logprobs-lists", on=lambda x: completed(x) and bool(scored(x)))
def logprobs_lists(x: Reading) -> Answer:
    """The four lists are of one length; alternatives that nobody asked for may be null."""
    for index, found in scored(x):
        lists = {name: found.get(name) for name in LISTS}
        if lists["top_logprobs"] is None and not integer(x, "logprobs", 0):
            lists.pop("top_logprobs")
        lengths = {name: len(v) if isinstance(v, list) else None for name, v in lists.items()}
        if None in lengths.values() or len(set(lengths.values())) > 1:
            wanted, place = "four lists of one length", Place(pointer="/choices")
            yield Deviation(wanted, f"{show(lengths)} in choice {index}", place)
            return


def _number(value: Any) -> bool:
    return type(value) in (int, float)


def _insane(chosen: Any, top: Any, most: int) -> str:
    """What is wrong with the probabilities of one token, or nothing."""
    others = [v for v in top.values() if _number(v)] if isinstance(top, dict) else []
    both = [*others, *([chosen] if _number(chosen) else [])]
    if any(value > 0 for value in both):
        return f"a logarithm above 0: {show(max(both))}"
    if len(others) > most + 1:  # the chosen token may come on top
        return f"{len(others)} alternatives"
    if sum(2.718281828459045 ** max(value, IMPOSSIBLE) for value in others) > 1 + ROUNDING:
        return f"probabilities of more than 1 together: {show(others)}"
    if _number(chosen) and len(others) >= most > 0 and chosen > max(others) + ROUNDING:
        return f"{show(chosen)} for the chosen token, at best {show(max(others))} for others"
    return ""


@check("completions.logprobs-sane", on=lambda x: completed(x) and bool(scored(x)))
def logprobs_sane(x: Reading) -> Answer:
    """Logarithms of probabilities are what they can be."""
    for index, found in scored(x):
        lists = [found.get(name) for name in ("token_logprobs", "top_logprobs")]
        pairs = zip_longest(*(each if isinstance(each, list) else [] for each in lists))
        for at, (chosen, top) in enumerate(pairs):
            if wrong := _insane(chosen, top, integer(x, "logprobs", 0)):
                place = Place(pointer="/choices")
                yield Deviation("probabilities", f"{wrong} (choice {index}, token {at})", place)
                return


@check("completions.echo", on=lambda x: completed(x) and member(x, "echo") is True)
def echo(x: Reading) -> Answer:
    """The prompt stands in front of its text."""
    found = entries(x)
    given = prompts(x)
    if not found or len(found) != len(given) or not all(isinstance(p, str) for p in given):
        yield Undecided(UNREADABLE)
        return
    for prompt, entry in zip(given, found, strict=True):
        if not entry["text"].startswith(prompt):
            place = Place(pointer=f"/choices/{entry['index']}/text")
            yield Deviation(f"text that begins with {show(prompt)}", show(entry["text"]), place)
            return
