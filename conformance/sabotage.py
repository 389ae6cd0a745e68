"""The proof is proved: with a check that is blind, or one that always cries, it must go red.

Requirements are drawn by a seed. Each is replaced once by a check that never fires: the faults that
break it must then go unnoticed. And once by a check that always fires: the clean server must then
be accused. What the proof still calls green after that is a hole in the proof.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from conformance import ledger
from conformance.check import Answer, Deviation, Dialogue, Finding, Place
from conformance.contract.contract import Contract
from conformance.judge import Judge
from conformance.prove import Proof, breaking, gaps, noticed, on_the_wire
from conformance.requirement import Catalogue, catalogue
from conformance.rules import Judged, Rules


@dataclass(frozen=True)
class Sabotage:
    """One requirement whose check is replaced by one that always fires, or never."""

    requirement: str
    fires: bool

    def __str__(self) -> str:
        return f"{self.requirement} that {'always' if self.fires else 'never'} fires"


class Sabotaged(Rules):
    """The rules, one of them replaced; to be given to a judge."""

    def __init__(self, sabotage: Sabotage, contract: Contract, everything: Catalogue) -> None:
        super().__init__(contract, everything)
        self._sabotage = sabotage
        if sabotage.requirement in self.folds:
            fold = replace(self.folds[sabotage.requirement], judge=self._judge)
            self.folds = {**self.folds, sabotage.requirement: fold}

    def examine(self, dialogue: Dialogue) -> Iterator[Judged]:
        """What the rules say, but for the one that is replaced."""
        for outcome in super().examine(dialogue):
            if outcome.requirement != self._sabotage.requirement:
                yield outcome
            else:
                yield replace(outcome, findings=self._findings(outcome, dialogue), undecided="")

    def _findings(self, outcome: Judged, dialogue: Dialogue) -> tuple[Finding, ...]:
        said = Finding(outcome.requirement, outcome.surface, "something else", "this",
                       dialogue[-1].exchange.number, Place())  # fmt: skip
        return (said,) if self._sabotage.fires else ()

    def _judge(self, _: object) -> Answer:
        if self._sabotage.fires:
            yield Deviation("something else", "this")


def drawn(count: int, seed: int) -> tuple[str, ...]:
    """Requirements, each one at most once."""
    everything = sorted(catalogue())
    return tuple(random.Random(seed).sample(everything, min(count, len(everything))))  # noqa: S311


def holes(proof: Proof, folder: Path, requirements: Sequence[str]) -> Iterator[Sabotage]:
    """The acts of sabotage that the proof does not see."""
    recorded = _recorded(proof, folder, requirements)
    for requirement in requirements:
        loud, blind = (Sabotage(requirement, fires) for fires in (True, False))
        if not any(requirement in gap for gap in gaps(_with(proof, loud).clean())):
            yield loud
        if not _goes_red(_with(proof, blind), recorded, blind):
            yield blind


def _with(proof: Proof, sabotage: Sabotage) -> Proof:
    return Proof(proof.recording, proof.contract, partial(Sabotaged, sabotage))


def _recorded(
    proof: Proof, folder: Path, requirements: Sequence[str]
) -> Mapping[str, ledger.Recording]:
    """What faults that show on the wire alone look like there; one of each requirement will do."""
    only = [r for r in requirements if not breaking(r, "reply")]
    faults = {r: breaking(r, "behaviour")[:1] for r in only}
    wanted = {fault.id: fault for each in faults.values() for fault in each}
    runs = on_the_wire(proof, folder, tuple(wanted.values()))
    return {fault.id: ledger.read(result.ledger) for fault, _, result in runs}


def _goes_red(proof: Proof, recorded: Mapping[str, ledger.Recording], sabotage: Sabotage) -> bool:
    for fault in breaking(sabotage.requirement, "reply"):
        if not proof.reply_fault(fault).holds:
            return True
    for fault in breaking(sabotage.requirement, "behaviour"):
        if fault.id in recorded:
            recording = recorded[fault.id]
            judge = Judge(recording.head, proof.contract, rules=proof.rules)
            for exchanges in recording.dialogues():
                judge.dialogue(exchanges)
            return noticed(judge.result(recording.tail)) != fault.breaks
    return False
