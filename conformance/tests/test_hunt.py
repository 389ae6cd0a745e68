"""The hunt: mutants differ in one thing, and a suite that is blind is told by its survivors."""

import json
import random
from collections.abc import Iterator

import pytest

from conformance.check import Dialogue
from conformance.hunt import LEAST, Kind, harmless, hunt, total
from conformance.ledger import Recording
from conformance.mutate import BYTES, EVENTS, JSON, Nothing, mutant
from conformance.prove import Proof
from conformance.rules import Judged, Rules
from conformance.wire.exchange import Piece, Reply

BODY = {"id": "x", "n": [1, 2, 3], "at": {"b": "text", "c": None}}
PLAIN = Reply(
    200, (("content-type", "application/json"),), (Piece(0.0, json.dumps(BODY).encode()),)
)
BLOCKS = [b'data: {"a":1}', b'data: {"a":2}', b'data: {"a":3}', b"data: [DONE]"]


@pytest.mark.parametrize("name", JSON)
def test_a_mutant_of_json_differs_at_its_place(name: str) -> None:
    for seed in range(20):
        try:
            path, value = JSON[name](BODY, random.Random(seed))
        except Nothing:
            continue
        assert path
        assert value != BODY
    assert BODY["n"] == [1, 2, 3]


@pytest.mark.parametrize("name", EVENTS)
def test_a_mutant_of_events_holds_events(name: str) -> None:
    found = [EVENTS[name](BLOCKS, random.Random(seed)) for seed in range(20)]
    assert any(each != BLOCKS for each in found)
    assert all(set(each) <= set(BLOCKS) for each in found)


@pytest.mark.parametrize("name", BYTES)
def test_a_mutant_of_bytes_differs_by_little(name: str) -> None:
    for seed in range(20):
        changed = BYTES[name](PLAIN.body, random.Random(seed))
        assert len(changed) <= len(PLAIN.body) + 1


def test_mutants_are_told_by_their_place() -> None:
    found = {m.place for seed in range(200) if (m := _made(seed)) and m.level == "json"}
    assert {"/id", "/n/*", "/at/b"} <= found


def _made(seed: int):
    try:
        return mutant(PLAIN, random.Random(seed))
    except Nothing:
        return None


class Blind(Rules):
    """Rules that never say anything."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)
        self.folds = {}

    def examine(self, dialogue: Dialogue) -> Iterator[Judged]:
        return iter(())


def test_a_blind_suite_is_told_by_its_survivors(clean: Recording) -> None:
    found = hunt(Proof(clean, rules=Blind), range(60), 0)
    assert found.rate == 0.0
    assert found.survivors.total() + found.harmless.total() == found.mutants == 60


def test_the_suite_notices_what_it_has_to(clean: Recording) -> None:
    found = hunt(Proof(clean), range(150), 3)
    assert found.rate >= LEAST
    assert found == total(hunt(Proof(clean), range(n, 150, 3), 3) for n in range(3))


def test_the_list_of_harmless_mutants_is_argued_and_does_not_cover_everything() -> None:
    assert len(harmless()) < 30
    for each in harmless():
        assert len(each.reason) > 40
        assert each.reason.endswith((".", ")."))
    for place in ("/choices/*/message", "/choices/*/index", "/object", "/choices/*/finish_reason"):
        assert not any(e.covers(Kind("chat", "json", "retype", place)) for e in harmless())
