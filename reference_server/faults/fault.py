"""Faults: deliberate deviations, each naming the requirements that must notice.

A reply fault is a pure function of a request and its clean reply, in one of the forms of
`reference_server.change`; the same function changes recorded replies in the proof and live ones
below `/fault/ID/v1`. A behaviour fault is a switch in the server, for what no change of one reply
can show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from reference_server.change import (
    BROKEN,
    DONE,
    END,
    Change,
    Function,
    add,
    block_of,
    blocks_of,
    compact,
    is_stream,
    json_of,
    named,
    summary,
    surface,
    value_of,
)

__all__ = [
    "BROKEN",
    "DONE",
    "END",
    "FAULTS",
    "Fault",
    "behaviour",
    "block_of",
    "blocks_of",
    "compact",
    "fault",
    "is_stream",
    "json_of",
    "surface",
    "value_of",
]


@dataclass(frozen=True)
class Fault(Change):
    """One deviation. `breaks` names requirements, `on` the surfaces whose replies it changes (of a
    behaviour fault the beginnings of the names of dialogues that show it), `field` the report of a
    real server that did it.
    """

    breaks: frozenset[str]
    field: str = ""

    @property
    def kind(self) -> str:
        """`reply` or `behaviour`."""
        return "behaviour" if self.change is None else "reply"


_FAULTS: dict[str, Fault] = {}
FAULTS: Mapping[str, Fault] = MappingProxyType(_FAULTS)


def fault(*, breaks: set[str], on: str, field: str = "") -> Callable[[Function], Function]:
    """Register a function as a fault; its id is module and name, its docstring says what it does.

    `on` holds surfaces, separated by blanks; `*` stands for every request, routed or not, and
    `head` for what answers HEAD, which nothing else changes.
    """

    def register(change: Function) -> Function:
        id_ = named(change.__module__, change.__name__)
        text = summary(change.__doc__)
        add(_FAULTS, Fault(id_, tuple(on.split()), text, change, frozenset(breaks), field))
        return change

    return register


def also(known: Fault, surface: str) -> None:
    """Register a fault for one more surface, whose rules have the same names."""
    old, _, rest = known.id.partition(".")
    breaks = {id_.replace(f"{old}.", f"{surface}.", 1) for id_ in known.breaks}
    made = replace(known, id=f"{surface}.{rest}", on=(surface,), breaks=frozenset(breaks))
    add(_FAULTS, made)


def behaviour(name: str, text: str, *, breaks: set[str], on: str, field: str = "") -> None:
    """Register a switch of the server as a fault."""
    id_ = name.replace("_", "-")
    add(_FAULTS, Fault(id_, tuple(on.split()), text, None, frozenset(breaks), field))
