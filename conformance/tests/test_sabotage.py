"""The proof sees a check that is blind and one that always fires, or it says so."""

from pathlib import Path

import pytest

from conformance import prove
from conformance.check import CHECKS, FOLDS, RELATIONS
from conformance.ledger import Recording
from conformance.prove import Proof
from conformance.requirement import catalogue
from conformance.sabotage import Sabotage, drawn, holes

FAMILIES = {
    "function": next(id_ for id_ in CHECKS if prove.breaking(id_, "reply")),
    "relation": next(id_ for id_ in RELATIONS if prove.breaking(id_, "reply")),
    "fold": next(id_ for id_ in FOLDS if prove.breaking(id_, "reply")),
    "shape": next(r.id for r in catalogue().values() if r.shape),
    "grammar": next(r.id for r in catalogue().values() if r.grammar),
    "refusal": next(r.id for r in catalogue().values() if r.refuses),
    "behaviour": next(id_ for id_ in catalogue() if not prove.breaking(id_, "reply")),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_proof_sees_a_check_that_is_replaced(
    clean: Recording, tmp_path: Path, family: str
) -> None:
    assert list(holes(Proof(clean), tmp_path, [FAMILIES[family]])) == []


def test_a_blind_check_that_no_fault_shows_is_told(
    clean: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = FAMILIES["function"]
    without = {n: f for n, f in prove.FAULTS.items() if id_ not in f.breaks}
    monkeypatch.setattr(prove, "FAULTS", without)
    assert list(holes(Proof(clean), tmp_path, [id_])) == [Sabotage(id_, fires=False)]


def test_a_loud_check_that_nothing_reaches_is_told(
    clean: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = FAMILIES["function"]
    monkeypatch.setattr("conformance.sabotage.gaps", lambda clean: [])
    assert list(holes(Proof(clean), tmp_path, [id_])) == [Sabotage(id_, fires=True)]


def test_the_draw_follows_its_seed() -> None:
    assert drawn(30, 1) == drawn(30, 1) != drawn(30, 2)
    assert len(set(drawn(10**6, 1))) == len(catalogue())
