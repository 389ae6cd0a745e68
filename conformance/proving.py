"""The command `conformance prove`: the whole proof, in words, as a file, and as an exit code."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from conformance import ledger
from conformance.errors import Misconfigured
from conformance.prove import Proof, Proved, gaps, live, record, selected
from conformance.requirement import catalogue
from conformance.sabotage import drawn, holes
from conformance.verdict import Exit


@dataclass(frozen=True)
class Wanted:
    """What is to be proved: the faults that begin with `only`, on the wire too if `live`, and that
    the proof sees so many acts of `sabotage`, drawn by a seed.
    """

    only: tuple[str, ...] = ()
    live: bool = False
    sabotage: int = 0
    seed: int = 0
    out: Path | None = None


def main(wanted: Wanted) -> int:
    """Prove everything over the record, and again on the wire if wanted; 0 if it holds."""
    began = time.monotonic()
    faults = selected(wanted.only)
    if not faults:
        hint = "ids of faults: reference-server --list-faults; of requirements: conformance list"
        raise Misconfigured(f"nothing begins with {', '.join(wanted.only)}", hint)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        proof = Proof(ledger.read(record(folder / "clean").ledger))
        problems = list(_told(gaps(proof.clean())))
        wire = live(proof, folder, faults) if wanted.live else iter(())
        proved = []
        for each in chain(proof.reply_faults(faults), wire):
            proved.append(each)
            problems += _told(_problem(each))
        problems += _told(_sabotaged(proof, folder / "sabotage", wanted))
    held = sum(each.holds for each in proved)
    sys.stdout.write(
        f"{held} of {len(proved)} faults named by exactly what they break, "
        f"{len(catalogue())} requirements, {len(problems)} problems, "
        f"{time.monotonic() - began:.1f} s\n"
    )
    if wanted.out is not None:
        _write(wanted.out, proved)
    return Exit.BROKEN if problems else Exit.CONFORMS


def _told(problems: Iterator[str]) -> Iterator[str]:
    """The problems, each told when it is found."""
    for problem in problems:
        sys.stdout.write(f"RED  {problem}\n")
        sys.stdout.flush()
        yield problem


def _sabotaged(proof: Proof, folder: Path, wanted: Wanted) -> Iterator[str]:
    if not wanted.sabotage:
        return
    requirements = drawn(wanted.sabotage, wanted.seed)
    found = [f"the proof stays green with {each}" for each in holes(proof, folder, requirements)]
    yield from found
    acts = 2 * len(requirements)
    sys.stdout.write(f"{acts - len(found)} of {acts} acts of sabotage turned the proof red\n")


def _problem(proved: Proved) -> Iterator[str]:
    if proved.holds:
        return
    if not proved.changed:
        yield f"{proved.fault} changes nothing that was recorded"
        return
    missed = sorted(proved.breaks - proved.noticed)
    extra = sorted(proved.noticed - proved.breaks)
    code = "" if proved.code in (None, proved.due) else f", exit code {proved.code}"
    yield f"{proved.fault}: missed by {missed}, also noticed by {extra}{code}"


def _write(out: Path, proved: Sequence[Proved]) -> None:
    matrix = {
        each.fault: {
            "breaks": sorted(each.breaks),
            "noticed": sorted(each.noticed),
            "changed": each.changed,
        }
        for each in proved
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "proof.json").write_text(json.dumps(matrix, indent=1) + "\n", encoding="utf-8")
