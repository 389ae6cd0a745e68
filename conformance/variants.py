"""The proof that the suite raises no false alarm: every permitted way to answer is let pass.

Each variant of the reference server is applied to the clean record; the dialogues that it changes
are judged again, beside a few clean answers of each surface. What notices it must be exactly what
it says, and it passes in the profiles that permit it and in no other. Where nothing notices it,
nothing may be left undecided that the clean record shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.prove import LEANING, Proof, notices, on_the_wire
from conformance.reading import Reading
from conformance.requirement import Profile, catalogue
from conformance.rules import Rules
from conformance.verdict import Exit, Judgement, Row, Verdict
from reference_server.variants import VARIANTS, Variant

Key = tuple[str, str]  # a requirement and a surface


@dataclass(frozen=True)
class Passed:
    """What became of one variant: the dialogues that it changed, and what stands against it."""

    id: str
    variant: Variant
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
    """Judge what servers with these variants would have answered."""
    clean = _Clean(proof)
    for variant in variants:
        if variant.wire:
            continue
        after = proof.after(variant)
        pairs = enumerate(zip(proof.dialogues, after, strict=True))
        touched = frozenset(n for n, (old, new) in pairs if new != old)
        chosen = (after[n] for n in sorted(touched | clean.leaning))
        judgement = proof.judged(chosen, _declared(variant))
        lost = _undecided(variant, judgement, clean.only_in(touched))
        yield Passed(variant.id, variant, len(touched), (*alarms(variant, judgement), *lost))


class _Clean:
    """What each dialogue of the clean record shows, and those that every judgement leans on."""

    def __init__(self, proof: Proof) -> None:
        rules, contract = Rules(proof.contract, catalogue()), proof.contract
        self._shown: list[frozenset[Key]] = []
        self.leaning: set[int] = set()
        valid: Counter[str] = Counter()
        offered: set[str] = set()
        for n, exchanges in enumerate(proof.dialogues):
            readings = tuple(Reading(x, contract) for x in exchanges)
            outcomes = rules.examine(readings)
            shown = ((o.requirement, o.surface) for o in outcomes if not o.undecided)
            self._shown.append(frozenset(shown))
            surface, _, rest = exchanges[0].dialogue.partition(".")
            valid[surface] += rest.startswith("valid.")
            answers = rest.startswith("valid.") and valid[surface] <= LEANING
            needs = {name for x in readings if x.answered for name in x.standing.needs}
            if answers or not rest or surface == "models" or needs - offered:
                self.leaning.add(n)
            offered |= needs

    def only_in(self, touched: frozenset[int]) -> set[Key]:
        """What no other dialogues than these show."""
        mine = (shown for n, shown in enumerate(self._shown) if n in touched)
        others = (shown for n, shown in enumerate(self._shown) if n not in touched)
        return set().union(*mine) - set().union(*others)


def live(proof: Proof, folder: Path, variants: Iterable[Variant]) -> Iterator[Passed]:
    """These variants on the wire, each by the few dialogues that show it."""
    for variant, names, result in on_the_wire(proof, folder, variants, "variant", _declared):
        found = tuple(alarms(variant, result.judgement))
        yield Passed(f"{variant.id} (live)", variant, len(names), found)


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
    return {
        "stands for": list(passed.variant.stands_for),
        "warns": sorted(passed.variant.warns),
        "profiles": list(passed.variant.profiles),
        "changed": passed.changed,
        "alarms": list(passed.alarms),
    }
