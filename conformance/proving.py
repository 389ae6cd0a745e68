"""The command `conformance prove`: the whole proof, in words, as a file, and as an exit code."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar

from conformance import bugs, ledger, variants
from conformance.errors import Misconfigured
from conformance.hunt import LEAST, hunt, worst
from conformance.prove import Proof, Proved, gaps, live, record, selected
from conformance.requirement import catalogue
from conformance.sabotage import drawn, holes
from conformance.variants import Passed
from conformance.verdict import Exit
from reference_server.faults import Fault
from reference_server.variants import Variant

Result = TypeVar("Result", Proved, Passed)


@dataclass(frozen=True)
class Wanted:
    """What is to be proved: the faults that begin with `only`, on the wire too if `live`; that the
    proof sees so many acts of `sabotage`; that of so many mutants of a `hunt` enough are noticed.
    """

    only: tuple[str, ...] = ()
    live: bool = False
    sabotage: int = 0
    hunt: int = 0
    seed: int = 0
    out: Path | None = None


def main(wanted: Wanted) -> int:
    """Prove everything over the record, and again on the wire if wanted; 0 if it holds."""
    began = time.monotonic()
    faults, permitted = selected(wanted.only), variants.selected(wanted.only)
    if not faults and not permitted:
        hint = "ids: reference-server --list-faults, --list-variants; conformance list"
        raise Misconfigured(f"nothing begins with {', '.join(wanted.only)}", hint)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        proof = Proof(ledger.read(record(folder / "clean").ledger))
        problems = list(_told(gaps(proof.clean())))
        proved = _proved(proof, folder, faults, wanted)
        passed = _passed(proof, folder, permitted, wanted)
        problems += _told(_sabotaged(proof, folder / "sabotage", wanted))
        problems += _told(_hunted(proof, wanted))
    every: list[Proved | Passed] = [*proved, *passed]
    problems += [problem for each in every for problem in each.problems()]
    held, let = sum(each.holds for each in proved), sum(each.holds for each in passed)
    sys.stdout.write(
        f"{held} of {len(proved)} faults named by exactly what they break, "
        f"{let} of {len(passed)} variants let pass, {len(catalogue())} requirements, "
        f"{len(problems)} problems, {time.monotonic() - began:.1f} s\n"
    )
    shares = bugs.shares(faults)
    sys.stdout.write(
        "{field} of these faults are from the field, of {bugs} of its {of} bugs; "
        "{invented} are invented\n".format(**shares)
    )
    if wanted.out is not None:
        matrix = {each.fault: _matrix(each) for each in proved}
        _write(wanted.out / "proof.json", {"shares": shares, "faults": matrix})
        _write(wanted.out / "variants.json", {each.id: variants.matrix(each) for each in passed})
    return Exit.BROKEN if problems else Exit.CONFORMS


def _proved(
    proof: Proof, folder: Path, faults: Sequence[Fault], wanted: Wanted
) -> Sequence[Proved]:
    wire = live(proof, folder, faults) if wanted.live else ()
    every: Iterable[Proved] = chain(proof.reply_faults(faults), wire)
    return [_shown(each) for each in every]


def _passed(
    proof: Proof, folder: Path, permitted: Sequence[Variant], wanted: Wanted
) -> Sequence[Passed]:
    wire = variants.live(proof, folder, permitted) if wanted.live else ()
    every: Iterable[Passed] = chain(variants.recorded(proof, permitted), wire)
    return [_shown(each) for each in every]


def _shown(each: Result) -> Result:
    """A result whose problems were told when they were found."""
    list(_told(each.problems()))
    return each


def _told(problems: Iterable[str]) -> Iterator[str]:
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


def _hunted(proof: Proof, wanted: Wanted) -> Iterator[str]:
    if not wanted.hunt:
        return
    found = hunt(proof, wanted.hunt, wanted.seed)
    if found.rate < LEAST:
        yield f"only {found.rate:.1%} of the mutants were noticed that have to be"
    for kind, count in worst(found):
        sys.stdout.write(f"survived {count} times, {kind}\n")
    sys.stdout.write(
        f"{found.rate:.1%} of {found.mutants - found.harmless.total()} mutants noticed, "
        f"beside {found.harmless.total()} harmless survivors\n"
    )
    if wanted.out is not None:
        kinds = {str(kind): count for kind, count in worst(found)}
        counts = {"mutants": found.mutants, "harmless": found.harmless.total()}
        _write(wanted.out / "hunt.json", {**counts, "rate": found.rate, "survivors": kinds})


def _matrix(proved: Proved) -> Mapping[str, object]:
    return {
        "breaks": sorted(proved.breaks),
        "noticed": sorted(proved.noticed),
        "changed": proved.changed,
    }


def _write(path: Path, value: Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
