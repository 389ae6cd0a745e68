"""One answer, plain or streamed: its choices, what it says of itself, what it cost."""

from __future__ import annotations

from conformance.check import Answer, Deviation, Place, Undecided, check, fold, show
from conformance.checks import envelope
from conformance.checks.completions.whole import (
    UNREADABLE,
    completed,
    entries,
    integer,
    member,
    prompts,
    usage,
)
from conformance.reading import Reading

NO_USAGE = "the answer has no usage"


def _choices(x: Reading, wanted: int) -> Answer:
    """So many choices."""
    if (found := entries(x)) is None:
        yield Undecided(UNREADABLE)
    elif len(found) != wanted:
        yield Deviation(f"{wanted} choices", f"{len(found)}", Place(pointer="/choices"))


def _several(x: Reading) -> bool:
    return integer(x, "n", 1) > 1


@check("completions.choice-per-prompt", on=lambda x: completed(x) and not _several(x))
def choice_per_prompt(x: Reading) -> Answer:
    """Each prompt is completed once."""
    yield from _choices(x, len(prompts(x)))


@check("completions.n", on=lambda x: completed(x) and _several(x))
def n(x: Reading) -> Answer:
    """Each prompt is completed as often as was asked for."""
    yield from _choices(x, len(prompts(x)) * integer(x, "n", 1))


@check("completions.indexes", on=completed)
def indexes(x: Reading) -> Answer:
    """Choices are numbered from 0."""
    if (found := entries(x)) is None:
        yield Undecided(UNREADABLE)
        return
    numbers = [entry["index"] for entry in found]
    if sorted(numbers) != list(range(len(numbers))):
        wanted = f"each of 0 to {len(numbers) - 1} once"
        yield Deviation(wanted, show(numbers), Place(pointer="/choices"))


@check("completions.usage-adds-up", on=completed)
def usage_adds_up(x: Reading) -> Answer:
    """The total is the sum of its parts."""
    if (found := usage(x)) is None:
        yield Undecided(NO_USAGE)
    elif found["total_tokens"] != found["prompt_tokens"] + found["completion_tokens"]:
        yield Deviation("the sum of both", show(found), Place(pointer="/usage/total_tokens"))


def _bounded(x: Reading) -> bool:
    return completed(x) and integer(x, "max_tokens", 0) > 0 and not member(x, "echo")


def _most(x: Reading) -> int:
    """The tokens that may be made for all choices together."""
    each = max(integer(x, "n", 1), integer(x, "best_of", 1))
    return len(prompts(x)) * each * integer(x, "max_tokens", 0)


def _beyond(x: Reading, tolerated: int) -> Answer:
    """A deviation where more tokens were counted than are tolerated beyond the limit."""
    if (found := usage(x)) is None:
        yield Undecided(NO_USAGE)
    elif found["completion_tokens"] > _most(x) + tolerated:
        place = Place(pointer="/usage/completion_tokens")
        yield Deviation(f"{_most(x)} tokens at the most", f"{found['completion_tokens']}", place)


def _ends(x: Reading) -> int:
    """The tokens that may end all choices, which some servers count beyond the limit."""
    return _most(x) // max(integer(x, "max_tokens", 1), 1)


@check("completions.max-tokens", on=_bounded)
def max_tokens(x: Reading) -> Answer:
    """The limit bounds what is made, but for one token that ends each choice."""
    yield from _beyond(x, _ends(x))


@check("completions.max-tokens-exact", on=_bounded)
def max_tokens_exact(x: Reading) -> Answer:
    """The limit bounds all that is made."""
    found = usage(x)
    if found and found["completion_tokens"] > _most(x) + _ends(x):
        yield Undecided("the limit is not kept at all")
        return
    yield from _beyond(x, 0)


check("completions.names-model", on=completed)(envelope.names_model)
check("completions.made-now", on=completed)(envelope.made_now)
fold(
    "completions.unique-ids",
    on=lambda x: completed(x) and envelope.has_id(x),
    start=envelope.NO_IDS,
    step=envelope.add_id,
)(envelope.unique_ids)
