"""One record of several: a run that was made surface by surface, or by several workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from conformance.ledger import Ledger, Recording, Tail


def join(parts: Sequence[Recording], only: tuple[str, ...], path: Path) -> Recording:
    """Write the exchanges of all parts into one ledger, numbered anew, and read it back.

    Dialogues get the number of their part, so that none of two parts become one; times stay those
    of each part.
    """
    planned: Counter[str] = Counter()
    for part in parts:
        planned.update(part.head.planned)
    exchanges = [
        replace(exchange, dialogue=f"{n}:{exchange.dialogue}")
        for n, part in enumerate(parts)
        for exchange in part.exchanges
    ]
    numbered = tuple(replace(exchange, number=n) for n, exchange in enumerate(exchanges))
    unsent = {id_: units for part in parts for id_, units in part.head.unsent.items()}
    head = replace(parts[0].head, planned=dict(planned), unsent=unsent, only=only)
    record = Ledger(path, head)
    record.write(*numbered)
    tail = _tail(parts)
    record.close(tail)
    return Recording(head, numbered, tail)


def _tail(parts: Sequence[Recording]) -> Tail:
    """How the whole ended: as the first part that did not end as planned."""
    tails = [part.tail or Tail("interrupted", "a worker was lost") for part in parts]
    worst = next((tail for tail in tails if tail.reason != "complete"), tails[0])
    return replace(worst, seconds=round(sum(tail.seconds for tail in tails), 3))
