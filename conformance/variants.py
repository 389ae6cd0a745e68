"""The proof that the suite raises no false alarm: every permitted way to answer is let pass.

Each variant of the reference server is applied to the clean record, and the whole is judged again.
What notices it must be exactly what it says, and it passes in the profiles that permit it and in no
other. Where nothing notices it, nothing may be left undecided that the clean record shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.prove import LIVE, Proof, notices, on_the_wire
from conformance.requirement import Profile
from conformance.verdict import Exit, Judgement, Row, Verdict
from reference_server.faults import FAULTS
from reference_server.variants import VARIANTS, Variant

Key = tuple[str, str]  # a requirement and a surface


@dataclass(frozen=True)
class Passed:
    """What became of one variant: the dialogues that it changed, and what stands against it."""

    id: str
    changed: int
    alarms: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """It changed something, and nothing stands against it."""
        return self.changed > 0 and not self.alarms

    def problems(self) -> Iterator[str]:
        """What stands against it."""
        if not self.changed:
            yield f"variant {self.id} changes nothing that was recorded"
        yield from (f"variant {self.id}: {alarm}" for alarm in self.alarms)


def selected(only: Sequence[str]) -> tuple[Variant, ...]:
    """The variants whose id, or a requirement that they warn by, begins with one of these words."""
    words = tuple(only) or ("",)
    return tuple(
        variant
        for variant in VARIANTS.values()
        if any(name.startswith(words) for name in (variant.id, *variant.warns))
    )


def recorded(proof: Proof, variants: Iterable[Variant]) -> Iterator[Passed]:
    """Judge the record as servers with these variants would have answered."""
    shown = {_key(row) for row in proof.clean().rows if row.judged}
    for variant in variants:
        if not variant.wire:
            after = proof.after(variant)
            touched = sum(new is not old for new, old in zip(after, proof.dialogues, strict=True))
            judgement = proof.judged(after, _declared(variant))
            found = (*alarms(variant, judgement), *_undecided(variant, judgement, shown))
            yield Passed(variant.id, touched, found)


def live(proof: Proof, folder: Path, variants: Iterable[Variant]) -> Iterator[Passed]:
    """These variants on the wire, each by the few dialogues that show it; those that are faults in
    some profile are shown there as faults.
    """
    own = [variant for variant in variants if variant.id not in FAULTS]
    for variant, names, result in on_the_wire(proof, folder, own, "variant", _declared):
        found = tuple(alarms(variant, result.judgement))
        yield Passed(f"{variant.id}{LIVE}", len(names), found)


def _declared(variant: Variant) -> Mapping[str, bool]:
    return dict.fromkeys(variant.without, False)


def alarms(variant: Variant, judgement: Judgement) -> Iterator[str]:
    """What a judgement says against a variant."""
    yield from judgement.errors
    noticing = {row.requirement.id: row for row in judgement.rows if notices(row)}
    for id_, row in noticing.items():
        if id_ not in variant.warns:
            yield f"noticed by {_sentence(row)}"
    yield from (f"missed by {id_}" for id_ in sorted(variant.warns - noticing.keys()))
    for profile in Profile:
        due = Exit.CONFORMS if profile in variant.profiles else Exit.BROKEN
        if (code := judgement.exit(profile)) is not due:
            yield f"exit code {int(code)} in {profile}, not {int(due)}"


def _undecided(variant: Variant, judgement: Judgement, shown: set[Key]) -> Iterator[str]:
    """What nothing can be told of any more, though no rule noticed anything."""
    for row in judgement.rows if not variant.warns else ():
        open_ = Verdict.INCONCLUSIVE in row.verdicts.values() and _key(row) in shown
        if open_ and row.requirement.id not in variant.hides:
            yield f"{row.surface}::{row.requirement.id} is left undecided: {row.reason}"


def _key(row: Row) -> Key:
    return row.requirement.id, row.surface


def _sentence(row: Row) -> str:
    found = row.findings[0]
    return f"{row.surface}::{row.requirement.id} (expected {found.expected}, got {found.observed})"


def matrix(passed: Passed) -> Mapping[str, object]:
    """The result as JSON."""
    variant = VARIANTS[passed.id.removesuffix(LIVE)]
    return {
        "stands for": list(variant.stands_for),
        "warns": sorted(variant.warns),
        "profiles": list(variant.profiles),
        "changed": passed.changed,
        "alarms": list(passed.alarms),
    }
