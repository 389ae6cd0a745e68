"""Checks: pure functions from what was exchanged to what deviates, one requirement each.

A check is a generator. It yields `Deviation`s; yielding nothing means that the rule was kept;
yielding `Undecided` means that this exchange could not tell. It runs only where its `on` holds, it
never raises, and it stays silent where a more basic requirement is already broken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from conformance.errors import Defect
from conformance.reading import Reading

SHOWN = 200  # characters of a value in a finding; the report has the bytes


@dataclass(frozen=True)
class Place:
    """Where in the reply: the event (from 0), a JSON pointer in it, a byte offset in the body."""

    event: int | None = None
    pointer: str = ""
    offset: int | None = None


@dataclass(frozen=True)
class Deviation:
    """What a rule expects and what came instead; `exchange` only where a relation names it."""

    expected: str
    observed: str
    at: Place = field(default_factory=Place)
    exchange: int | None = None


@dataclass(frozen=True)
class Undecided:
    """The exchange cannot tell, and why."""

    reason: str


@dataclass(frozen=True)
class Finding:
    """A deviation with its requirement and its evidence."""

    requirement: str
    surface: str
    expected: str
    observed: str
    exchange: int
    at: Place
    standing: str = "requirement"  # what the rule stands on: document, overlay or requirement


Answer = Iterator[Deviation | Undecided]
Dialogue = tuple[Reading, ...]


@dataclass(frozen=True)
class Check:
    """A registered rule over one exchange; `busy` where it holds for 429 and 503 too."""

    id: str
    on: Callable[[Reading], bool]
    judge: Callable[[Reading], Answer]
    expects_error: bool = False
    busy: bool = False


@dataclass(frozen=True)
class Relation:
    """A registered rule over the exchanges of one dialogue; its surface is that of the last."""

    id: str
    on: Callable[[Dialogue], bool]
    judge: Callable[[Dialogue], Answer]


@dataclass(frozen=True)
class Fold:
    """A registered rule over a whole run: on each surface apart: a little state, stepped by each
    exchange where `on` holds, judged once at the end.
    """

    id: str
    on: Callable[[Reading], bool]
    start: Any
    step: Callable[[Any, Reading], Any]
    judge: Callable[[Any], Answer]


_CHECKS: dict[str, Check] = {}
_RELATIONS: dict[str, Relation] = {}
_FOLDS: dict[str, Fold] = {}
CHECKS: Mapping[str, Check] = MappingProxyType(_CHECKS)
RELATIONS: Mapping[str, Relation] = MappingProxyType(_RELATIONS)
FOLDS: Mapping[str, Fold] = MappingProxyType(_FOLDS)


def check(
    requirement: str,
    *,
    on: Callable[[Reading], bool],
    expects_error: bool = False,
    busy: bool = False,
) -> Callable[[Callable[[Reading], Answer]], Callable[[Reading], Answer]]:
    """Register a function as the check of a requirement, judged where `on` holds.

    `expects_error` marks a rule that wants a refusal: it counts only beside an acceptance. `busy`
    marks one that a target keeps even when it says that it is busy; no other is judged then.
    """

    def register(judge: Callable[[Reading], Answer]) -> Callable[[Reading], Answer]:
        _new(requirement)
        _CHECKS[requirement] = Check(requirement, on, judge, expects_error, busy)
        return judge

    return register


def relation(
    requirement: str, *, on: Callable[[Dialogue], bool]
) -> Callable[[Callable[[Dialogue], Answer]], Callable[[Dialogue], Answer]]:
    """Register a function over the exchanges of a dialogue as the check of a requirement."""

    def register(judge: Callable[[Dialogue], Answer]) -> Callable[[Dialogue], Answer]:
        _new(requirement)
        _RELATIONS[requirement] = Relation(requirement, on, judge)
        return judge

    return register


def fold(
    requirement: str,
    *,
    on: Callable[[Reading], bool],
    start: Any,
    step: Callable[[Any, Reading], Any],
) -> Callable[[Callable[[Any], Answer]], Callable[[Any], Answer]]:
    """Register a function over the state that `step` makes of a whole run."""

    def register(judge: Callable[[Any], Answer]) -> Callable[[Any], Answer]:
        _new(requirement)
        _FOLDS[requirement] = Fold(requirement, on, start, step, judge)
        return judge

    return register


def _new(requirement: str) -> None:
    if requirement in _CHECKS or requirement in _RELATIONS or requirement in _FOLDS:
        raise Defect(f"two checks for {requirement}")


def show(value: object) -> str:
    """A value for a sentence: short, on one line, never a surrogate or a control character."""
    text = ascii(value) if isinstance(value, str) else repr(value)
    text = text.encode("ascii", "backslashreplace").decode()
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
