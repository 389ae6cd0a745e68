"""The faults that are drawn: at least two of what each file of requirements is about, if there are
so many, the others at random.
"""

from __future__ import annotations

from random import Random

from conformance.requirement import Level, catalogue
from reference_server.faults import FAULTS, Fault

EACH = 2
HEAVY = frozenset({Level.MUST, Level.SHOULD})  # a MAY that is not taken is no fault


def draw(count: int, seed: int) -> tuple[Fault, ...]:
    """So many faults, the same ones for the same seed."""
    random = Random(seed)  # noqa: S311  a draw, no secret
    groups: dict[str, list[Fault]] = {}
    for fault in sorted(FAULTS.values(), key=lambda fault: fault.id):
        if any(HEAVY & set(catalogue()[id_].levels.values()) for id_ in fault.breaks):
            groups.setdefault(theme(fault), []).append(fault)
    for group in groups.values():
        random.shuffle(group)
    first = [group[n] for n in range(EACH) for group in groups.values() if n < len(group)]
    others = [fault for group in groups.values() for fault in group[EACH:]]
    random.shuffle(others)
    return tuple((first + others)[:count])


def theme(fault: Fault) -> str:
    """The file of the requirements that it breaks."""
    return min(fault.breaks).partition(".")[0]


def concerned(fault: Fault) -> str:
    """The surface on which it shows: one that it changes and what it breaks is judged on."""
    on = catalogue()[min(fault.breaks)].on
    changed = [name.partition(".")[0] for name in fault.on]
    return next((surface for surface in changed if surface in on), on[0])
