"""Verdicts: what the findings of a run mean for each requirement, surface and profile.

    error         the tester broke; never the target's fault
    fail          a MUST was broken
    inconclusive  claimed, but nothing could be judged, with the reason
    warn          a SHOULD was broken
    pass          judged at least once, nothing broken
    note          a MAY was not taken
    not claimed   the target does not offer what the rule is about

The worst wins. Nothing judged is never green.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType

from conformance.check import Finding
from conformance.covered import Covered
from conformance.ledger import Head, Tail
from conformance.requirement import Level, Profile, Requirement


class Verdict(StrEnum):
    """The result of a requirement on a surface, worst first."""

    ERROR = "error"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    WARN = "warn"
    PASS = "pass"  # noqa: S105  a verdict, no password
    NOTE = "note"
    NOT_CLAIMED = "not claimed"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Verdict).index(self)


BROKEN: Mapping[Level, Verdict] = MappingProxyType(
    {Level.MUST: Verdict.FAIL, Level.SHOULD: Verdict.WARN, Level.MAY: Verdict.NOTE}
)


class Exit(IntEnum):
    """Exit codes of the command."""

    CONFORMS = 0
    BROKEN = 1
    TESTER = 2
    UNUSABLE = 3
    UNDECIDED = 4


@dataclass(frozen=True)
class Claim:
    """Whether the target offers a capability (a surface counts as one), and how that is known."""

    name: str
    claimed: bool
    declared: bool
    why: str


@dataclass(frozen=True)
class Smallest:
    """The smallest request that was found to break a rule: what it showed, and the members that
    it needs besides those which every request has.
    """

    finding: Finding
    members: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One requirement on one surface.

    `judged` counts the exchanges that were judged, `broken` those that deviate; `findings` holds
    the first of them; `reason` says why nothing was judged; `counts` is false where the plan left
    the rule out, so that it cannot make a run undecided.
    """

    requirement: Requirement
    surface: str
    verdicts: Mapping[Profile, Verdict]
    judged: int = 0
    broken: int = 0
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    counts: bool = False
    waived: str = ""
    smallest: Smallest | None = None


@dataclass(frozen=True)
class Judgement:
    """Everything that a ledger means.

    `unusable` says why nothing could be judged, `undecided` why not enough could be; `answered`
    counts the successes on each surface, `busy` the times that the target said it was busy,
    `smaller` the exchanges that only sought the smallest requests that fail.
    """

    head: Head
    tail: Tail | None
    rows: tuple[Row, ...]
    claims: Mapping[str, Claim]
    answered: Mapping[str, int]
    exchanges: int
    busy: int = 0
    smaller: int = 0
    coverage: tuple[Covered, ...] = ()
    errors: tuple[str, ...] = ()
    unusable: str = ""
    undecided: tuple[str, ...] = ()

    @property
    def unclaimed(self) -> tuple[Claim, ...]:
        """What the target does not offer; parts of a surface that it does not offer go without
        saying.
        """

        def of(claim: Claim) -> Claim:
            return self.claims.get(claim.name.partition(".")[0], claim)

        missing = [claim for claim in self.claims.values() if not claim.claimed]
        return tuple(claim for claim in missing if of(claim) is claim or of(claim).claimed)

    def count(self, profile: Profile) -> Mapping[Verdict, int]:
        """How many rows have each verdict in a profile; waived rows count as what they are."""
        found = [row.verdicts[profile] for row in self.rows if profile in row.verdicts]
        return {verdict: found.count(verdict) for verdict in Verdict}

    def exit(self, profile: Profile) -> Exit:
        """The exit code; of several the first of 3, 2, 1, 4."""
        verdicts = [
            row.verdicts[profile] for row in self.rows if profile in row.verdicts and not row.waived
        ]
        causes = {
            Exit.UNUSABLE: bool(self.unusable),
            Exit.TESTER: bool(self.errors) or Verdict.ERROR in verdicts,
            Exit.BROKEN: Verdict.FAIL in verdicts,
            Exit.UNDECIDED: bool(self.undecided) or Verdict.PASS not in verdicts,
        }
        return next((code for code, holds in causes.items() if holds), Exit.CONFORMS)


def verdicts(requirement: Requirement, outcome: Verdict) -> Mapping[Profile, Verdict]:
    """The verdict in every profile that the requirement belongs to.

    `outcome` is `FAIL` for a rule that was broken: its level turns that into fail, warn or note. A
    rule that depends on the model never fails.
    """
    return MappingProxyType(dict(_verdicts(requirement, outcome)))


def _verdicts(requirement: Requirement, outcome: Verdict) -> Iterator[tuple[Profile, Verdict]]:
    for profile, level in requirement.levels.items():
        if level is Level.OFF:
            continue
        verdict = BROKEN[level] if outcome is Verdict.FAIL else outcome
        if requirement.model and verdict is Verdict.FAIL:
            verdict = Verdict.WARN
        yield profile, verdict
