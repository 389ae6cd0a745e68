"""Judging: a stream of finished dialogues in, a judgement out.

The judge keeps counts, the first findings of each rule and the little state of folds; never bytes.
It is fed by a live run and by a ledger alike, so the two cannot disagree.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from conformance import ledger
from conformance.check import Deviation, Finding, Undecided
from conformance.claims import Claims
from conformance.contract.contract import Contract, load
from conformance.covered import Coverage
from conformance.ledger import Head, Tail
from conformance.reading import Outcome, Reading
from conformance.requirement import Catalogue, Requirement, catalogue, selected
from conformance.rules import Judged, Rules, finding
from conformance.verdict import Claim, Judgement, Row, Smallest, Verdict, verdicts
from conformance.wire.exchange import STOPPED, Exchange

SMALLER = "smaller."  # how the names of dialogues begin that only make a failing request smaller
KEPT = 20  # findings kept for each rule on each surface; all are counted


@dataclass
class Tally:
    """The counts of one rule on one surface under the same conditions."""

    judged: int = 0
    broken: int = 0
    findings: list[Finding] = field(default_factory=list)
    undecided: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Judged) -> None:
        """Count one outcome."""
        if outcome.undecided:
            self.undecided[outcome.undecided] += 1
            return
        self.judged += 1
        if outcome.findings:
            self.broken += 1
            self.findings += outcome.findings[: KEPT - len(self.findings)]


@dataclass(frozen=True)
class Examined:
    """A dialogue, read, and what the rules say about it."""

    readings: tuple[Reading, ...]
    outcomes: tuple[Judged, ...]


Condition = tuple[str, frozenset[str], bool]  # operation, needs, expects_error


class Judge:
    """Feeds on dialogues; `result` may be asked for at any time."""

    def __init__(
        self,
        head: Head,
        contract: Contract | None = None,
        everything: Catalogue | None = None,
        rules: Callable[[Contract, Catalogue], Rules] = Rules,
    ) -> None:
        self.head = head
        self.contract = contract or load()
        self.catalogue = everything or catalogue()
        self.rules = rules(self.contract, self.catalogue)
        self.pairs = tuple(selected(head.only, self.catalogue))
        self.claims = Claims(self.contract, head.declared)
        self.coverage = Coverage(self.contract)
        self.exchanges = 0
        self.busy = 0
        self.smaller = 0
        self.errors: list[str] = []
        self._wanted = {(requirement.id, surface) for requirement, surface in self.pairs}
        self._tallies: defaultdict[tuple[str, str], defaultdict[Condition, Tally]] = defaultdict(
            lambda: defaultdict(Tally)
        )
        self._folds: dict[tuple[str, str], tuple[Any, Reading]] = {}
        self._smallest: dict[tuple[str, str], tuple[int, Smallest]] = {}

    def dialogue(self, exchanges: Iterable[Exchange]) -> list[Finding]:
        """Judge a finished dialogue; the findings that count by what is known so far: none on what
        the target does not seem to offer.
        """
        return self.count(self.examine(exchanges))

    def examine(self, exchanges: Iterable[Exchange]) -> Examined:
        """What the rules say about a dialogue, whatever else the run has shown. What the end of the
        run cut shows nothing.
        """
        whole = (exchange for exchange in exchanges if exchange.detail != STOPPED)
        readings = tuple(Reading(exchange, self.contract) for exchange in whole)
        return Examined(readings, tuple(self.rules.examine(readings)))

    def count(self, examined: Examined) -> list[Finding]:
        """Take what the rules say about a dialogue; the findings that count."""
        readings = examined.readings
        if readings and is_smaller(readings[0].exchange):
            return self._make_smaller(examined)
        self.exchanges += len(readings)
        for reading in readings:
            self.claims.see(reading)
            self.coverage.see(reading)
            self.busy += reading.outcome is Outcome.BUSY
            self._fold(reading)
        found: list[Finding] = []
        for outcome in examined.outcomes:
            if (outcome.requirement, outcome.surface) in self._wanted:
                found += self._add(outcome)
        return found

    def _add(self, outcome: Judged) -> tuple[Finding, ...]:
        if outcome.error:
            self.errors.append(outcome.error)
            return ()
        key = (outcome.requirement, outcome.surface)
        condition = (outcome.operation, outcome.needs, outcome.expects_error)
        self._tallies[key][condition].add(outcome)
        if not outcome.findings:
            return ()
        missing = self._missing(self.catalogue[outcome.requirement], outcome.surface)
        return outcome.findings if self._counts(condition) and not missing else ()

    def _missing(self, r: Requirement, surface: str) -> list[Claim]:
        """What a requirement needs on a surface and the target does not claim."""
        names = () if r.unclaimed else (surface, r.needs)
        return [claim for name in names if name and not (claim := self.claims.of(name)).claimed]

    def _make_smaller(self, examined: Examined) -> list[Finding]:
        """Keep the smallest request by which a rule is broken; nothing else is made of it."""
        readings = examined.readings
        self.smaller += len(readings)
        found: list[Finding] = []
        for outcome in examined.outcomes:
            condition = (outcome.operation, outcome.needs, outcome.expects_error)
            if outcome.findings and self._counts(condition):
                found += outcome.findings
                key, size = (outcome.requirement, outcome.surface), _size(readings[-1])
                if key not in self._smallest or size < self._smallest[key][0]:
                    less = Smallest(outcome.findings[0], _members(readings[-1]))
                    self._smallest[key] = (size, less)
        return found

    def counts(self, outcome: Judged) -> bool:
        """Whether what a rule says counts, by what is known so far."""
        key = (outcome.requirement, outcome.surface)
        missing = self._missing(self.catalogue[outcome.requirement], outcome.surface)
        condition = (outcome.operation, outcome.needs, outcome.expects_error)
        return key in self._wanted and not missing and self._counts(condition)

    def _counts(self, condition: Condition) -> bool:
        """Whether a tally counts: its capabilities are claimed, its refusals stand beside an
        acceptance (law 8).
        """
        operation, needs, expects_error = condition
        claimed = all(self.claims.of(name).claimed for name in needs)
        return claimed and (not expects_error or self.claims.accepted(operation))

    def _fold(self, reading: Reading) -> None:
        for rule in self.rules.folds.values():
            key = (rule.id, reading.surface or "")
            if key in self._wanted and rule.on(reading):
                state, first = self._folds.get(key, (rule.start, reading))
                self._folds[key] = (rule.step(state, reading), first)

    def result(self, tail: Tail | None) -> Judgement:
        """Everything that the dialogues so far mean."""
        told = tail.detail if tail is not None and tail.reason == "unusable" else ""
        unusable = told or self.claims.unusable()
        rows = tuple(self._row(r, surface, tail, unusable) for r, surface in self.pairs)
        return Judgement(
            head=self.head,
            tail=tail,
            rows=rows,
            claims=self.claims.all(),
            answered=self.claims.answered,
            exchanges=self.exchanges,
            busy=self.busy,
            smaller=self.smaller,
            coverage=self.coverage.result(self.head.unsent, self.head.planned),
            errors=tuple(self.errors),
            unusable=unusable,
            undecided=() if unusable else tuple(self._undecided(rows, tail)),
        )

    def _total(self, requirement: Requirement, surface: str) -> Tally:
        total = Tally()
        for condition, tally in self._tallies.get((requirement.id, surface), {}).items():
            if self._counts(condition):
                total.judged += tally.judged
                total.broken += tally.broken
                total.findings += tally.findings[: KEPT - len(total.findings)]
                total.undecided += tally.undecided
        if (requirement.id, surface) in self._folds:
            judge = self.rules.folds[requirement.id].judge
            state, first = self._folds[requirement.id, surface]
            said = list(judge(state))
            deviations = [each for each in said if isinstance(each, Deviation)]
            total.undecided.update(each.reason for each in said if isinstance(each, Undecided))
            total.judged = int(bool(deviations) or not total.undecided)
            total.broken = int(bool(deviations))
            total.findings += [finding(requirement.id, first, d) for d in deviations]
        return total

    def _row(self, r: Requirement, surface: str, tail: Tail | None, unusable: str) -> Row:
        total = self._total(r, surface)
        outcome, reason = self._verdict(r, surface, total, tail)
        if unusable:
            outcome, reason = Verdict.INCONCLUSIVE, unusable
        if unusable or outcome is Verdict.NOT_CLAIMED:
            total = Tally()
        if any(error.startswith(f"{r.id} raised") for error in self.errors):
            outcome, reason = Verdict.ERROR, "the check itself broke; this is a bug of the suite"
        waiver = self.head.waivers.get(r.id) or self.head.waivers.get(f"{surface}::{r.id}", "")
        return Row(
            requirement=r,
            surface=surface,
            verdicts=verdicts(r, outcome),
            judged=total.judged,
            broken=total.broken,
            findings=tuple(total.findings),
            reason=reason,
            counts=outcome is Verdict.INCONCLUSIVE and self._row_counts(r, surface, tail),
            waived=waiver if outcome is Verdict.FAIL else "",
            smallest=self._smallest.get((r.id, surface), (0, None))[1] if total.broken else None,
        )

    def _verdict(
        self, r: Requirement, surface: str, total: Tally, tail: Tail | None
    ) -> tuple[Verdict, str]:
        if missing := self._missing(r, surface):
            return Verdict.NOT_CLAIMED, missing[0].why
        if total.broken:
            return Verdict.FAIL, ""
        if total.judged and (self.claims.answered.get(surface) or r.unclaimed):
            return Verdict.PASS, ""
        return Verdict.INCONCLUSIVE, self._why(r, surface, total, tail)

    def _why(self, r: Requirement, surface: str, total: Tally, tail: Tail | None) -> str:
        """Why nothing was judged, in words."""
        if total.judged:
            return f"{surface} never gave an answer to judge"
        if total.undecided:
            return total.undecided.most_common(1)[0][0]
        if tail is None or tail.reason != "complete":
            return f"the run ended before anything could show it ({_ended(tail)})"
        return self._unshown(r, surface)

    def _unshown(self, r: Requirement, surface: str) -> str:
        """Why a whole run could not show it."""
        names = {op.id: f"{op.method} {op.path}" for op in self.contract.operations}
        for operation, needs, _ in self._tallies.get((r.id, surface), {}):
            if lacking := [name for name in needs if not self.claims.of(name).claimed]:
                return f"what could show it needs {min(lacking)}, which is not claimed"
            return f"only errors could show it, and {names[operation]} never answered with success"
        if r.kind in ("shape", "grammar"):
            return "no answer had what it speaks of"
        return f"no reply of this {self.head.intensity} run could show it"

    def _row_counts(self, r: Requirement, surface: str, tail: Tail | None) -> bool:
        """Whether an inconclusive row leaves the run undecided (exit code 4)."""
        cut = tail is None or tail.reason != "complete"
        declared = any(self.head.declared.get(name) for name in (surface, r.needs) if name)
        unseen = self.claims.tried(surface) and not self.claims.answered.get(surface)
        return cut or declared or unseen

    def _undecided(self, rows: tuple[Row, ...], tail: Tail | None) -> Iterator[str]:
        if tail is None or tail.reason != "complete":
            yield f"the run did not end as planned: {_ended(tail)}"
        for surface in dict.fromkeys(row.surface for row in rows):
            claim = self.claims.of(surface)
            if claim.claimed and self.claims.tried(surface) and not self.claims.answered[surface]:
                yield f"{surface} is offered, but no answer could be judged"
        for name, claimed in self.head.declared.items():
            left = [r for r in rows if name in (r.surface, r.requirement.needs) and r.counts]
            if claimed and left:
                yield f"{name} is declared, but {left[0].requirement.id} could not be judged"


def is_smaller(exchange: Exchange) -> bool:
    """Whether an exchange only makes a failing request smaller; parts of a run have numbers."""
    return exchange.dialogue.rpartition(":")[2].startswith(SMALLER)


def _size(x: Reading) -> int:
    return len(x.exchange.request.body or b"")


def _members(x: Reading) -> tuple[str, ...]:
    """The members of a request that its operation does not ask for, but for a sound limit, which
    every request has.
    """
    place = x.operation.request if x.operation else None
    asked = x.contract.document.at(place).get("required", ()) if place else ()
    sent = x.sent if isinstance(x.sent, dict) else {}
    wrong = {error.place for error in x.standing.document}
    sound = {name for name in sent if name.startswith("max_") and f"/{name}" not in wrong}
    return tuple(name for name in sent if name not in {*asked, *sound, "stream"})


def _ended(tail: Tail | None) -> str:
    return "it was killed" if tail is None else tail.detail or tail.reason


def judge(recording: ledger.Recording) -> Judgement:
    """Judge a whole ledger."""
    judging = Judge(recording.head)
    for exchanges in recording.dialogues():
        judging.dialogue(exchanges)
    return judging.result(recording.tail)
