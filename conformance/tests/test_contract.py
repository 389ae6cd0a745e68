"""The document, its overlays, and the requests that are made of them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.contract import overlay
from conformance.contract.contract import load
from conformance.contract.document import Document, escape, pointer, resolve
from conformance.errors import Defect
from conformance.probes.coverage import violations
from conformance.probes.plan import plan
from conformance.probes.strategies import draw, strategy

SURFACES = frozenset({"models", "chat", "chat-stream"})
GOOD = {"model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": 4}


def chat() -> object:
    return load().judging.route("POST", "/chat/completions")


@given(st.lists(st.text(max_size=5), max_size=4))
def test_a_pointer_leads_back(tokens: list[str]) -> None:
    tree: object = "here"
    for token in reversed(tokens):
        tree = {token: tree}
    path = pointer(*(token.replace("%", "") for token in tokens))
    if all("%" not in token for token in tokens):
        assert resolve(tree, path) == "here"
    assert "/" not in escape("a/b")


def test_a_pointer_that_leads_nowhere_is_our_defect() -> None:
    with pytest.raises(Defect, match="leads nowhere"):
        resolve({"a": [1]}, "/a/7")


def test_an_overlay_action_that_matches_nothing_is_an_error() -> None:
    action = overlay.Action("$.components.schemas.Missing", "because", {"type": "object"})
    with pytest.raises(Defect, match="matches nothing"):
        overlay.apply(load().document, (action,))


def test_overlays_merge_as_the_specification_says() -> None:
    document = Document({"a": {"list": [1], "kept": True, "text": "x"}})
    action = overlay.Action("$.a", "because", {"list": [2], "text": "y", "new": {}})
    assert overlay.apply(document, (action,)).tree == {
        "a": {"list": [1, 2], "kept": True, "text": "y", "new": {}}
    }
    assert overlay.apply(document, (overlay.Action("$.a.list", "because", remove=True),)).tree[
        "a"
    ].keys() == {"kept", "text"}
    assert document.tree["a"]["list"] == [1]


def test_every_action_gives_its_reason() -> None:
    tree = {"overlay": "1.0.0", "actions": [{"target": "$", "update": {}}]}
    with pytest.raises(Defect, match="no reason"):
        list(overlay._actions(tree, "x"))


STANDINGS = {
    "plain": (GOOD, True, False),
    "range": (GOOD | {"temperature": 9}, False, True),
    "no messages": (GOOD | {"messages": []}, False, False),
    "null": (GOOD | {"temperature": None}, False, False),
    "number": (5, False, True),
}


@pytest.mark.parametrize("name", STANDINGS)
def test_a_request_has_its_standing(name: str) -> None:
    body, valid, invalid = STANDINGS[name]
    standing = load().standing(chat(), body)
    assert (standing.valid, standing.invalid) == (valid, invalid)


def test_members_name_the_capabilities_that_they_need() -> None:
    body = GOOD | {
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "response_format": {"type": "text"},
    }
    assert load().standing(chat(), body).needs == {"chat.tools", "chat.json"}
    assert load().standing(chat(), GOOD).needs == frozenset()


def test_generated_requests_are_valid_small_and_the_same_each_time() -> None:
    contract = load()
    source = strategy(contract.generation, contract.generation.at(chat().request))
    bodies = draw(source, 60, 1)
    assert bodies == draw(source, 60, 1)
    assert len(bodies) > 40
    for body in bodies:
        assert contract.standing(chat(), body).valid
        assert 1 <= body["max_tokens"] <= 16
    members = {name for body in bodies for name in body}
    assert members == set(contract.generation.at(chat().request)["properties"])


def test_invalid_requests_violate_every_constraint_once_before_any_twice() -> None:
    contract = load()
    bodies = list(violations(contract, chat(), GOOD))
    assert all(contract.standing(chat(), body).invalid for body in bodies)
    assert len({json.dumps(body, sort_keys=True) for body in bodies}) == len(bodies) > 150
    kinds = [
        (s.keyword, s.place)
        for body in bodies
        for s in contract.standing(chat(), body).document[:1]
    ]
    assert len(set(kinds[: len(set(kinds))])) == len(set(kinds))
    assert {"type", "required", "enum", "minimum", "maximum", "oneOf"} <= {
        keyword for keyword, _ in kinds
    }


def test_quick_is_the_beginning_of_standard_and_touches_every_surface() -> None:
    quick, standard = (plan(load(), "m", name, 0, SURFACES) for name in ("quick", "standard"))
    names = [probe.name for probe in standard.probes]
    assert [probe.name for probe in quick.probes] == names[: len(quick.probes)]
    assert {probe.surface for probe in quick.probes} == SURFACES
    assert len(set(names)) == len(names)
