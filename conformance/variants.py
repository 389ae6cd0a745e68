"""The proof that the suite raises no false alarm: every permitted way to answer is let pass.

Each variant of the reference server is applied to the clean record, and the whole record is judged
again. What notices it must be exactly what it says; it passes in the profiles that permit it and in
no other; and nothing that was judged before is left undecided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.requirement import Profile
from conformance.verdict import Exit, Judgement, Row, Verdict
from reference_server.variants import VARIANTS, Variant

if TYPE_CHECKING:
    from conformance.prove import Proof

NOTICED = frozenset({Verdict.FAIL, Verdict.WARN, Verdict.NOTE})


@dataclass(frozen=True)
class Passed:
    """What became of one variant: the dialogues that it changed, and what stands against it."""

    variant: Variant
    changed: int
    alarms: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """It changed something, and nothing stands against it."""
        return self.changed > 0 and not self.alarms

    def __str__(self) -> str:
        if not self.changed:
            return f"variant {self.variant.id} changes nothing that was recorded"
        return f"variant {self.variant.id}: {'; '.join(self.alarms)}"


def selected(only: Sequence[str]) -> tuple[Variant, ...]:
    """The variants whose id, or a requirement that they warn by, begins with one of these words."""
    words = tuple(only) or ("",)
    return tuple(
        variant
        for variant in VARIANTS.values()
        if any(name.startswith(words) for name in (variant.id, *variant.warns))
    )


def recorded(proof: Proof, clean: Judgement, variants: Iterable[Variant]) -> Iterator[Passed]:
    """Judge the record as servers with these variants would have answered."""
    decided = {_key(row) for row in clean.rows if row.judged}
    for variant in variants:
        after = proof.after(variant)
        touched = sum(new != old for new, old in zip(after, proof.dialogues, strict=True))
        judgement = proof.judged(after, _declared(variant))
        found = [*alarms(variant, judgement), *_undecided(judgement, decided)]
        yield Passed(variant, touched, tuple(found))


def live(proof: Proof, folder: Path, variants: Iterable[Variant]) -> Iterator[Passed]:
    """These variants on the wire, each by the few dialogues that show it."""
    known = {variant.id: variant for variant in variants}
    declared = {id_: _declared(variant) for id_, variant in known.items()}
    for id_, judgement, shown in proof.on_the_wire(folder, "variant", known.values(), declared):
        told = replace(known[id_], id=f"{id_} (live)")
        yield Passed(told, shown, (*alarms(known[id_], judgement),))


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


def _undecided(judgement: Judgement, decided: set[tuple[str, str]]) -> Iterator[str]:
    for row in judgement.rows:
        if Verdict.INCONCLUSIVE in row.verdicts.values() and _key(row) in decided:
            yield f"{row.surface}::{row.requirement.id} is left undecided: {row.reason}"


def _key(row: Row) -> tuple[str, str]:
    return row.requirement.id, row.surface


def notices(row: Row) -> bool:
    """Whether a rule is broken in some profile, whatever its level."""
    return bool(NOTICED & set(row.verdicts.values()))


def _sentence(row: Row) -> str:
    found = row.findings[0]
    return f"{row.surface}::{row.requirement.id} (expected {found.expected}, got {found.observed})"


def matrix(passed: Iterable[Passed]) -> Mapping[str, object]:
    """The result as JSON."""
    return {
        each.variant.id: {
            "stands for": list(each.variant.stands_for),
            "warns": sorted(each.variant.warns),
            "profiles": list(each.variant.profiles),
            "changed": each.changed,
            "alarms": list(each.alarms),
        }
        for each in passed
    }
