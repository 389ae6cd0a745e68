"""The command `conformance prove`: the whole proof, in words, as a file, and as an exit code."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TypeVar

from conformance import bugs, variants
from conformance.crew import Crew, processors
from conformance.errors import Misconfigured
from conformance.hunt import LEAST, Hunted, hunt, total, worst
from conformance.prove import LIVE, Proof, Proved, gaps, live, record, selected
from conformance.requirement import catalogue
from conformance.sabotage import Sabotage, drawn, holes
from conformance.variants import Passed
from conformance.verdict import Exit
from reference_server.faults import FAULTS, Fault
from reference_server.variants import VARIANTS, Variant

Result = TypeVar("Result", Proved, Passed)
UNSTEADY = 2  # results on the wire that may be others at the second try


@dataclass(frozen=True)
class Wanted:
    """What is to be proved: the faults that begin with `only`, on the wire too if `live`; that the
    proof sees so many acts of `sabotage`; that of so many mutants of a `hunt` enough are noticed.
    So many `processes` share the work.
    """

    only: tuple[str, ...] = ()
    live: bool = False
    sabotage: int = 0
    hunt: int = 0
    seed: int = 0
    out: Path | None = None
    processes: int = field(default_factory=processors)


def main(wanted: Wanted) -> int:
    """Prove everything over the record, and again on the wire if wanted; 0 if it holds."""
    began = time.monotonic()
    faults, permitted = selected(wanted.only), variants.selected(wanted.only)
    if not faults and not permitted:
        hint = "ids: reference-server --list-faults, --list-variants; conformance list"
        raise Misconfigured(f"nothing begins with {', '.join(wanted.only)}", hint)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clean = record(folder / "clean").ledger
        with Crew(clean, folder, wanted.processes) as crew:
            problems = list(_told(gaps(crew.proof.clean())))
            proved = _proved(crew, faults, wanted)
            passed = _passed(crew, permitted, wanted)
            problems += _told(_sabotaged(crew, wanted))
            problems += _told(_hunted(crew, wanted))
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
    sys.stdout.write("".join(f"RED, as told above: {problem}\n" for problem in problems))
    if wanted.out is not None:
        matrix = {each.id: _matrix(each) for each in proved}
        _write(wanted.out / "proof.json", {"shares": shares, "faults": matrix})
        _write(wanted.out / "variants.json", {each.id: variants.matrix(each) for each in passed})
    return Exit.BROKEN if problems else Exit.CONFORMS


def _proved(crew: Crew, faults: Sequence[Fault], wanted: Wanted) -> Sequence[Proved]:
    ids = [fault.id for fault in faults]
    wire = steadied(partial(crew.each, _live_faults), ids) if wanted.live else ()
    return [_shown(each) for each in chain(crew.each(reply_faults, ids), wire)]


def reply_faults(proof: Proof, _: Path, ids: Sequence[str]) -> Iterator[Proved]:
    """What these faults are noticed by on the record."""
    return proof.reply_faults([FAULTS[id_] for id_ in ids])


def _live_faults(proof: Proof, folder: Path, ids: Sequence[str]) -> Iterator[Proved]:
    return live(proof, folder, [FAULTS[id_] for id_ in ids])


def _passed(crew: Crew, permitted: Sequence[Variant], wanted: Wanted) -> Sequence[Passed]:
    ids = [variant.id for variant in permitted]
    wire = steadied(partial(crew.each, _live_variants), ids) if wanted.live else ()
    return [_shown(each) for each in chain(crew.each(_recorded_variants, ids), wire)]


def _recorded_variants(proof: Proof, _: Path, ids: Sequence[str]) -> Iterator[Passed]:
    return variants.recorded(proof, [VARIANTS[id_] for id_ in ids])


def _live_variants(proof: Proof, folder: Path, ids: Sequence[str]) -> Iterator[Passed]:
    return variants.live(proof, folder, [VARIANTS[id_] for id_ in ids])


def steadied(
    work: Callable[[Sequence[str]], Iterable[Result]], ids: Sequence[str]
) -> Iterator[Result]:
    """What the wire shows of these ids. Time passes there: what does not hold beside the others is
    tried once more by itself, and told; more than `UNSTEADY` of them are no accident.
    """
    doubtful = []
    for each in work(ids):
        if each.holds:
            yield each
        else:
            doubtful.append(each)
    if len(doubtful) > UNSTEADY:
        yield from doubtful
        return
    for each in doubtful:
        sys.stdout.write("".join(f"UNSTEADY  {problem}\n" for problem in each.problems()))
    if doubtful:
        yield from work([each.id.removesuffix(LIVE) for each in doubtful])


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


def _sabotaged(crew: Crew, wanted: Wanted) -> Iterator[str]:
    if not wanted.sabotage:
        return
    requirements = drawn(wanted.sabotage, wanted.seed)
    found = [f"the proof stays green with {each}" for each in crew.each(_holes, requirements)]
    yield from found
    acts = 2 * len(requirements)
    sys.stdout.write(f"{acts - len(found)} of {acts} acts of sabotage turned the proof red\n")


def _holes(proof: Proof, folder: Path, requirements: Sequence[str]) -> Iterator[Sabotage]:
    return holes(proof, folder / "sabotage", requirements)


def _hunted(crew: Crew, wanted: Wanted) -> Iterator[str]:
    if not wanted.hunt:
        return
    numbers = range(wanted.hunt)
    found = total(crew.each(partial(_survivors, seed=wanted.seed), numbers))
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


def _survivors(proof: Proof, _: Path, numbers: Sequence[int], *, seed: int) -> Iterator[Hunted]:
    yield hunt(proof, numbers, seed)


def _matrix(proved: Proved) -> Mapping[str, object]:
    return {
        "breaks": sorted(proved.breaks),
        "noticed": sorted(proved.noticed),
        "changed": proved.changed,
    }


def _write(path: Path, value: Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
