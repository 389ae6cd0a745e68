"""Work that is shared by processes says what it says in one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from conformance.crew import Crew
from conformance.ledger import read
from conformance.prove import Proof, Proved
from reference_server.faults import FAULTS

IDS = sorted(id_ for id_, fault in FAULTS.items() if fault.kind == "reply")[::20]


def faults(proof: Proof, _: Path, ids: Sequence[str]) -> Iterator[Proved]:
    """What some faults are noticed by."""
    return proof.reply_faults([FAULTS[id_] for id_ in ids])


def test_shares_are_together_the_whole(clean_path: Path, tmp_path: Path) -> None:
    assert len(IDS) > 20
    with Crew(clean_path, tmp_path, 2) as crew:
        shared = sorted(crew.each(faults, IDS), key=lambda each: each.fault)
    assert shared == list(faults(Proof(read(clean_path)), tmp_path, IDS))
