"""Stream grammars as tables: state, label, next state. A missing key is the deviation.

One table gives the check, its error text, the diagram of the report and the data that tests it. A
requirement owns the missing keys that break it, written `machine state label` in its entry, with
`*` for every label that the state does not take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from conformance.reading import Reading


@dataclass(frozen=True)
class Missing:
    """The first label that the table does not take: which one, and in what state."""

    index: int
    state: str
    label: str


@dataclass(frozen=True)
class Grammar:
    """A deterministic machine. The first state of the table is the start; `end` is a label too:
    a sentence is complete when the table has taken `end`. `beyond` holds labels that a reply can
    get but that no state takes.
    """

    name: str
    table: Mapping[str, Mapping[str, str]]
    beyond: frozenset[str] = frozenset()

    @property
    def start(self) -> str:
        """The state before the first label."""
        return next(iter(self.table))

    @property
    def labels(self) -> frozenset[str]:
        """Every label that a reply can get."""
        return self.beyond | {label for row in self.table.values() for label in row}

    def run(self, labels: Iterable[str]) -> tuple[frozenset[str], Missing | None]:
        """The states that were reached, and the first missing key if there is one."""
        state, seen = self.start, {self.start}
        for index, label in enumerate(labels):
            if label not in self.table[state]:
                return frozenset(seen), Missing(index, state, label)
            state = self.table[state][label]
            seen.add(state)
        return frozenset(seen), None

    def missing(self) -> Iterator[tuple[str, str]]:
        """Every state and label for which the table has no key, but for the end state."""
        for state, row in self.table.items():
            if row:
                yield from ((state, label) for label in sorted(self.labels - row.keys()))

    def taken(self, state: str) -> str:
        """What a state takes, in words."""
        return " or ".join(self.table[state]) or "nothing"

    def sentences(self, length: int) -> frozenset[tuple[str, ...]]:
        """Every complete sentence of at most so many labels."""
        found: set[tuple[str, ...]] = set()
        level: list[tuple[str, tuple[str, ...]]] = [(self.start, ())]
        for _ in range(length):
            level = [
                (after, (*words, label))
                for state, words in level
                for label, after in self.table[state].items()
            ]
            found.update(words for _, words in level if words[-1] == "end")
        return frozenset(found)


@dataclass(frozen=True)
class Sentence:
    """The labels of one key of a stream, each with the number of its event (None for the end)."""

    key: str
    labels: tuple[str, ...]
    events: tuple[int | None, ...]


@dataclass(frozen=True)
class Machine:
    """A grammar, and how the sentences that it judges are read from a reply.

    `sentences` yields nothing where the reply is too broken to be labelled.
    """

    grammar: Grammar
    sentences: Callable[[Reading], Iterator[Sentence]]

    @property
    def name(self) -> str:
        """The name by which requirements mean this machine."""
        return self.grammar.name
