"""Variants: other ways to answer that the standard permits, none of which may raise an alarm.

A variant is a pure function of a request and its clean reply, in one of the forms of
`reference_server.change`, as a reply fault is. It stands for what somebody once took for a fault:
rulings, traps, and the exceptions that norms make.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from reference_server.change import Change, Function, add, named, summary
from reference_server.faults import FAULTS

PROFILES = "seed ollama openai"


@dataclass(frozen=True)
class Variant(Change):
    """One other way to answer, and what it stands for.

    `warns` names the requirements that must notice it, with a warning or a note by their level;
    all others must not. `profiles` are those that permit it; in any other one it must fail.
    `hides` names the requirements that nothing can be told of any more. `without` names
    capabilities that a vendor of such a server declares absent. `wire` marks one that is shown on
    the wire alone, since what is sent depends on it.
    """

    norms: tuple[str, ...] = ()
    rulings: tuple[str, ...] = ()
    traps: tuple[str, ...] = ()
    warns: frozenset[str] = frozenset()
    profiles: tuple[str, ...] = tuple(PROFILES.split())
    hides: frozenset[str] = frozenset()
    without: tuple[str, ...] = ()
    wire: bool = False

    @property
    def stands_for(self) -> tuple[str, ...]:
        """Everything that it stands for."""
        return (*self.rulings, *self.traps, *self.norms)


_VARIANTS: dict[str, Variant] = {}
VARIANTS: Mapping[str, Variant] = MappingProxyType(_VARIANTS)


def variant(
    *,
    on: str,
    norms: Iterable[str] = (),
    rulings: Iterable[str] = (),
    traps: Iterable[str] = (),
    warns: Iterable[str] = (),
    profiles: str = PROFILES,
    hides: Iterable[str] = (),
    without: str = "",
    wire: bool = False,
) -> Callable[[Function], Function]:
    """Register a function as a variant; its id is module and name, its docstring says what it does.

    `on` holds surfaces, separated by blanks; `*` stands for every request, routed or not.
    """

    def register(change: Function) -> Function:
        made = Variant(
            id=named(change.__module__, change.__name__),
            on=tuple(on.split()),
            text=summary(change.__doc__),
            change=change,
            norms=tuple(sorted(norms)),
            rulings=tuple(sorted(rulings)),
            traps=tuple(sorted(traps)),
            warns=frozenset(warns),
            profiles=tuple(profiles.split()),
            hides=frozenset(hides),
            without=tuple(without.split()),
            wire=wire,
        )
        add(_VARIANTS, made)
        return change

    return register


def tolerated(
    fault: str,
    *,
    norms: Iterable[str] = (),
    rulings: Iterable[str] = (),
    traps: Iterable[str] = (),
    profiles: str = PROFILES,
) -> None:
    """Register a fault as a variant: these profiles only warn of it, or do not ask for more."""
    known = FAULTS[fault]
    made = Variant(
        id=known.id,
        on=known.on,
        text=known.text,
        change=known.change,
        norms=tuple(sorted(norms)),
        rulings=tuple(sorted(rulings)),
        traps=tuple(sorted(traps)),
        warns=known.breaks,
        profiles=tuple(profiles.split()),
        wire=known.change is None,
    )
    add(_VARIANTS, made)
