"""What every rule has to say about a dialogue.

Four families, one result: functions over an exchange, functions over a dialogue, keywords of the
judging view, and refusals. `examine` runs all of them and yields an outcome for each rule that
applied; it never raises, since a rule that breaks is the tester's own error and is told as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import conformance.checks  # noqa: F401  importing the modules registers their checks
from conformance.check import (
    CHECKS,
    FOLDS,
    RELATIONS,
    Answer,
    Check,
    Deviation,
    Dialogue,
    Finding,
    Fold,
    Place,
    Relation,
    Undecided,
)
from conformance.contract.contract import Contract
from conformance.contract.schemas import SchemaError
from conformance.grammars import MACHINES
from conformance.odd import Odd
from conformance.ownership import Grammars, Refusals, deviation
from conformance.reading import EVENTS, NotJson, Outcome, Reading, is_aftermath, is_streamed
from conformance.requirement import Catalogue
from conformance.shape import Shapes

NOTHING: frozenset[str] = frozenset()
Predicate = Callable[[Reading], bool]


@dataclass(frozen=True)
class Judged:
    """What one rule says about one exchange or dialogue.

    Nothing in `findings` and nothing in `undecided`: the rule was kept. `needs` holds the
    capabilities without which a refusal is no deviation; `expects_error` marks a rule that wanted
    one, which counts only where the same operation also succeeded.
    """

    requirement: str
    surface: str
    operation: str
    findings: tuple[Finding, ...] = ()
    undecided: str = ""
    error: str = ""
    needs: frozenset[str] = NOTHING
    expects_error: bool = False


class Rules:
    """The rules of a catalogue over a contract."""

    def __init__(self, contract: Contract, everything: Catalogue) -> None:
        self.contract = contract
        self.catalogue = everything
        self.shapes = Shapes(contract.judging, everything)
        self.refusals = Refusals(everything)
        self.grammars = Grammars(everything)
        self.folds: Mapping[str, Fold] = FOLDS
        self._on = cache(self._of)
        self._related = cache(self._relations)
        self._kept = cache(Judged)

    def holds(self, requirement: str, surface: str | None) -> bool:
        """Whether a requirement is judged on a surface at all."""
        found = self.catalogue.get(requirement)
        return found is not None and surface in found.on

    def _of(self, surface: str) -> tuple[tuple[Predicate, tuple[Check, ...]], ...]:
        """The checks that are judged on a surface, by the predicates that say where."""
        found: dict[Predicate, list[Check]] = {}
        for rule in CHECKS.values():
            if self.holds(rule.id, surface):
                found.setdefault(rule.on, []).append(rule)
        return tuple((on, tuple(rules)) for on, rules in found.items())

    def _relations(self, surface: str) -> tuple[Relation, ...]:
        """The relations that are judged on a surface."""
        return tuple(rule for rule in RELATIONS.values() if self.holds(rule.id, surface))

    def examine(self, dialogue: Dialogue) -> Iterator[Judged]:
        """What every rule that applies says about a finished dialogue."""
        aftermath = False
        for before, reading in zip((None, *dialogue), dialogue, strict=False):
            still = aftermath and reading.outcome is Outcome.FAILED
            aftermath = still or (before is not None and is_aftermath(before, reading))
            if reading.surface is not None and not aftermath:
                yield from self._checks(reading)
                yield from self._refusals(reading)
                if not reading.nonsense and reading.masked is None:
                    # what answers nonsense may mirror it, and an error is no answer
                    yield from self._shapes(reading)
                    yield from self._grammars(reading)
        said = tuple(x for x in dialogue if x.outcome is not Outcome.BUSY)
        for rule in self._related(said[-1].surface or "") if said else ():
            if _holds(rule.on, said):
                yield self._outcome(rule.id, said[-1], rule.judge, said)

    def _checks(self, x: Reading) -> Iterator[Judged]:
        busy = x.outcome is Outcome.BUSY
        for on, rules in self._on(x.surface or ""):
            for rule in rules if _holds(on, x) else ():
                if rule.busy or not busy:
                    yield self._outcome(rule.id, x, rule.judge, x, rule.expects_error)

    def _outcome(
        self,
        id_: str,
        x: Reading,
        judge: Callable[[Any], Answer],
        subject: Reading | Dialogue,
        expects_error: bool = False,  # noqa: FBT001, FBT002  this is called for every rule
    ) -> Judged:
        assert x.surface is not None
        operation = x.operation.id if x.operation else ""
        needs = x.standing.needs if 400 <= x.status < 500 else NOTHING
        try:
            found = list(judge(subject))
        except Exception as error:  # noqa: BLE001  a rule must not end the run
            said = f"{id_} raised {type(error).__name__}: {error}"
            return Judged(id_, x.surface, operation, error=said)
        if not found:
            return self._kept(id_, x.surface, operation, (), "", "", needs, expects_error)
        findings = tuple(finding(id_, x, each) for each in found if isinstance(each, Deviation))
        reasons = [each.reason for each in found if isinstance(each, Undecided)]
        undecided = reasons[0] if reasons and not findings else ""
        return Judged(
            id_, x.surface, operation, findings, undecided, needs=needs, expects_error=expects_error
        )

    def _shapes(self, x: Reading) -> Iterator[Judged]:
        assert x.surface is not None
        operation = x.operation
        root = operation.answers.get((200, x.media_type)) if operation else None
        if operation is None or root is None or x.status != 200:
            return
        owned: dict[str, list[Finding]] = {}
        for event, error in x.errors:
            if owner := self.shapes.owner(error.rule, x.surface):
                owned.setdefault(owner, []).append(self._shape_finding(owner, x, event, error))
        bodies = (
            [chunk.value for chunk in x.chunks]
            if x.media_type == EVENTS
            else []
            if isinstance(x.json, NotJson)
            else [x.json]
        )
        for id_ in {*self.shapes.judged(root, x.surface, bodies), *owned} if bodies else ():
            yield Judged(id_, x.surface, operation.id, tuple(owned.get(id_, ())))

    def _shape_finding(
        self, owner: str, x: Reading, event: int | None, error: SchemaError
    ) -> Finding:
        literal = self.contract.literal(error.rule)
        deviation = Deviation(
            expected=f"what #{error.rule} of the {'document' if literal else 'contract'} says",
            observed=error.message,
            at=Place(event=event, pointer=error.place),
        )
        return finding(owner, x, deviation, "document" if literal else "overlay")

    def _grammars(self, x: Reading) -> Iterator[Judged]:
        """Each machine of the surface runs once for each key; a rule counts as judged where a
        state that it speaks of was reached.
        """
        assert x.surface is not None
        operation = x.operation.id if x.operation else ""
        for machine in MACHINES.get(x.surface, ()):
            judged: dict[str, list[Finding]] = {}
            for sentence in machine.sentences(x) if is_streamed(x) else ():
                seen, missing = machine.grammar.run(sentence.labels)
                for state in seen:
                    for owner in self.grammars.owners(x.surface, machine.name, state):
                        judged.setdefault(owner, [])
                if missing:
                    owner = self.grammars.owner(x.surface, machine.name, missing)
                    judged.setdefault(owner, []).append(
                        finding(owner, x, deviation(machine.grammar, sentence, missing))
                    )
            for owner, findings in judged.items():
                yield Judged(owner, x.surface, operation, tuple(findings))

    def _refusals(self, x: Reading) -> Iterator[Judged]:
        """An invalid request is refused with a 4xx, by the requirement that owns the keyword; what
        the document alone finds wrong at a place is no rule.
        """
        assert x.surface is not None
        odd = x.odd - {Odd.OFFICIAL_MEMBER}
        if not x.standing.contract or odd or x.status == 0 or x.outcome is Outcome.BUSY:
            return
        owner, error = self.refusals.owner(x.surface, x.standing)
        if error is None:
            return
        if not self.holds(owner, x.surface):
            return
        # a 5xx and an error that is sent as a success have requirements of their own
        refused = x.status >= 400 or x.masked is not None
        observed = f"{x.status}, though {error.place or 'the body'}: {error.message}"
        found = () if refused else (finding(owner, x, Deviation("a 4xx status", observed)),)
        assert x.operation is not None
        yield Judged(owner, x.surface, x.operation.id, found, expects_error=True)


def finding(id_: str, x: Reading, deviation: Deviation, standing: str = "requirement") -> Finding:
    """A deviation as a finding on an exchange."""
    return Finding(
        requirement=id_,
        surface=x.surface or "",
        expected=deviation.expected,
        observed=deviation.observed,
        exchange=deviation.exchange if deviation.exchange is not None else x.exchange.number,
        at=deviation.at,
        standing=standing,
    )


def _holds(predicate: Callable[[Any], bool], subject: Any) -> bool:
    """A predicate that raises does not apply; law 10 makes sure that none does."""
    try:
        return predicate(subject)
    except Exception:  # noqa: BLE001
        return True  # let the check itself raise, so that the error is told
