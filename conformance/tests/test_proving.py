"""What the wire shows is tried a second time before it is red, and never silently."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from conformance.prove import LIVE, Proved
from conformance.proving import UNSTEADY, steadied

RULE = frozenset({"http.schema"})


class Wire:
    """A wire on which some faults are missed at the first tries."""

    def __init__(self, **missed: int) -> None:
        self.missed = missed
        self.asked: list[Sequence[str]] = []

    def __call__(self, ids: Sequence[str]) -> Iterator[Proved]:
        self.asked.append(ids)
        for id_ in ids:
            missed = self.missed.get(id_, 0) >= len(self.asked)
            yield Proved(id_ + LIVE, RULE, frozenset() if missed else RULE, 1)


def test_what_holds_is_not_tried_again(capsys: pytest.CaptureFixture[str]) -> None:
    wire = Wire()
    assert all(each.holds for each in steadied(wire, ["a", "b"]))
    assert wire.asked == [["a", "b"]]
    assert not capsys.readouterr().out


def test_one_miss_is_told_and_no_problem(capsys: pytest.CaptureFixture[str]) -> None:
    wire = Wire(b=1)
    assert sorted(each.id for each in steadied(wire, ["a", "b"]) if each.holds) == [
        f"a{LIVE}",
        f"b{LIVE}",
    ]
    assert wire.asked == [["a", "b"], ["b"]]
    assert "UNSTEADY  b (live): missed by ['http.schema']" in capsys.readouterr().out


def test_a_second_miss_is_red() -> None:
    assert [each.id for each in steadied(Wire(b=2), ["a", "b"]) if not each.holds] == [f"b{LIVE}"]


def test_many_misses_are_red_at_once() -> None:
    ids = [f"f{n}" for n in range(UNSTEADY + 1)]
    wire = Wire(**dict.fromkeys(ids, 1))
    assert not any(each.holds for each in steadied(wire, ids))
    assert wire.asked == [ids]
