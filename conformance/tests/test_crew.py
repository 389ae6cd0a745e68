"""Work that is shared by processes says what it says in one."""

from __future__ import annotations

from pathlib import Path

from conformance.crew import Crew
from conformance.ledger import read
from conformance.prove import Proof
from conformance.proving import reply_faults
from reference_server.faults import FAULTS

IDS = sorted(id_ for id_, fault in FAULTS.items() if fault.kind == "reply")[::20]


def test_shares_are_together_the_whole(clean_path: Path, tmp_path: Path) -> None:
    assert len(IDS) > 20
    with Crew(clean_path, tmp_path, 2) as crew:
        shared = sorted(crew.each(reply_faults, IDS), key=lambda each: each.id)
    assert shared == list(reply_faults(Proof(read(clean_path)), tmp_path, IDS))
