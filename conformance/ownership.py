"""Which requirement owns what a table found: a missing key of a grammar, a violated keyword.

Both kinds of rows stand in the entries of requirements. `machine state label` names a missing key,
`*` for every label. `keyword` or `keyword:/place` names what a request violates, the place with `*`
for any index; the longest place wins, and of several violations the one whose requirement stands
first in the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from conformance.check import Deviation, Place
from conformance.contract.contract import Standing
from conformance.contract.schemas import SchemaError
from conformance.grammar import Grammar, Missing, Sentence
from conformance.requirement import Catalogue


class Grammars:
    """The grammar rows of a catalogue."""

    def __init__(self, everything: Catalogue) -> None:
        self._rows = {
            (surface, *row.split(" ")): r.id
            for r in everything.values()
            for surface in r.on
            for row in r.grammar
        }
        self._owners: dict[tuple[str, ...], dict[str, None]] = {}
        for key, id_ in self._rows.items():
            self._owners.setdefault(key[:3], {})[id_] = None

    def owner(self, surface: str, machine: str, missing: Missing) -> str:
        """The requirement that a missing key breaks; a test holds that each has one."""
        key = (surface, machine, missing.state)
        return self._rows.get((*key, missing.label)) or self._rows[*key, "*"]

    def owners(self, surface: str, machine: str, state: str) -> Collection[str]:
        """The requirements that speak of a state."""
        return self._owners.get((surface, machine, state), ())


def deviation(grammar: Grammar, sentence: Sentence, missing: Missing) -> Deviation:
    """A missing key in words; the end of a stream is placed at its last event."""
    came = [event for event in sentence.events[: missing.index + 1] if event is not None]
    who = f" of {sentence.key}" if sentence.key else ""
    before = " ".join(sentence.labels[max(0, missing.index - 3) : missing.index]) or "the start"
    return Deviation(
        expected=f"{grammar.taken(missing.state)} after {before}{who}",
        observed=missing.label,
        at=Place(event=came[-1] if came else None),
    )


class Refusals:
    """The refusal rows of a catalogue."""

    def __init__(self, everything: Catalogue) -> None:
        self._rows: dict[tuple[str, str, str], str] = {}
        self._order = {id_: n for n, id_ in enumerate(everything)}
        for r in everything.values():
            for row in r.refuses:
                keyword, _, place = row.partition(":")
                self._rows.update({(surface, keyword, place): r.id for surface in r.on})

    def owner(self, surface: str, standing: Standing) -> tuple[str, SchemaError | None]:
        """The requirement that speaks of a request of this standing, and the error it means.

        What only the contract forbids is no matter of rows without a place: those speak of the
        document. What only the document forbids at a place is no matter of any row.
        """
        placed = not standing.document
        places = {error.place for error in standing.contract}
        both = (error for error in standing.document if error.place in places)
        errors = standing.contract if placed else both
        owners = ((self._owner(surface, error, placed=placed), error) for error in errors)
        found = [(owner, error) for owner, error in owners if owner]
        return min(found, key=lambda pair: self._order[pair[0]], default=("", None))

    def _owner(self, surface: str, error: SchemaError, *, placed: bool) -> str | None:
        place = error.place
        if error.keyword == "required":
            place += "/" + error.rule.rpartition("/")[2]
        place = re.sub(r"/\d+(?=/|$)", "/*", place)
        rows = [key for key in self._rows if key[:2] == (surface, error.keyword)]
        rows = [key for key in rows if key[2] or not placed]
        rows = [key for key in rows if f"{place}/".startswith(f"{key[2]}/")]
        return self._rows[max(rows, key=lambda key: len(key[2]))] if rows else None
