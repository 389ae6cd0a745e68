"""The document, its overlays, and the requests that are made of them."""

import json
from collections.abc import Iterator
from itertools import combinations, islice, product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.contract import coverage, overlay
from conformance.contract.contract import load
from conformance.contract.document import Document, escape, pointer, resolve
from conformance.errors import Defect
from conformance.leeway import leeway
from conformance.probes.hostile import BODIES
from conformance.probes.negative import members
from conformance.probes.plan import plan, unsent
from conformance.probes.valid import Factory
from conformance.probes.violations import violations
from conformance.reading import Reading, strict_json
from conformance.wire.exchange import End, Exchange, Request

SURFACES = frozenset(s for op in load().operations for s in op.surfaces.values())
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


PROMPTS = {"text": set(), "list": {"completions.prompt-list"}, "tokens": set(), "mixed": set()}


@pytest.mark.parametrize("form", PROMPTS)
def test_of_several_forms_of_a_value_only_the_one_sent_needs_its_capability(form: str) -> None:
    values = {"text": "a", "list": ["a", "b"], "tokens": [1, 2], "mixed": ["a", 1]}
    operation = load().judging.route("POST", "/completions")
    standing = load().standing(operation, {"model": "m", "prompt": values[form]})
    assert standing.needs == PROMPTS[form]


def test_the_form_that_is_sent_is_looked_into() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    body = GOOD | {"messages": [{"role": "user", "content": [picture]}]}
    assert load().standing(chat(), body).needs == {"chat.vision"}


def factories() -> list[Factory]:
    contract = load()
    return [Factory(contract, op, "m", 1) for op in contract.operations if op.request]


@pytest.mark.parametrize("factory", factories(), ids=lambda f: f.operation.id)
def test_generated_requests_are_valid_small_and_the_same_each_time(factory: Factory) -> None:
    bodies = list(factory.bodies())
    again = Factory(load(), factory.operation, "m", 1)
    assert bodies == list(again.bodies())
    assert list(islice(factory.more(), 50)) == list(islice(again.more(), 50))
    for body in (*bodies, *islice(factory.more(), 50)):
        assert load().standing(factory.operation, body).valid
        assert all(1 <= value <= 20 for name, value in body.items() if name.startswith("max_"))
    members = {name for body in bodies for name in body}
    assert members == set(factory.schema["properties"])


@pytest.mark.parametrize("factory", factories(), ids=lambda f: f.operation.id)
def test_every_two_levels_of_two_members_are_sent_together(factory: Factory) -> None:
    bodies = [set(map(repr, body.items())) for body in factory.bodies()]
    exclusive = [set(group) for group in factory.schema.get("x-exclusive", ())]

    def stands_in(body: set[str], level: list[dict[str, object]]) -> bool:
        return any({repr(pair) for pair in value.items()} <= body for value in level)

    for a, b in combinations(factory.factors, 2):
        for x, y in product(a, b):
            if not any(group <= {*x[0], *y[0]} for group in exclusive):
                assert any(stands_in(body, x) and stands_in(body, y) for body in bodies), (x, y)


@pytest.mark.parametrize("factory", factories(), ids=lambda f: f.operation.id)
def test_what_is_never_sent_has_a_reason(factory: Factory) -> None:
    left_out = list(unsent(factory))
    assert left_out
    assert [row for row in left_out if not row[2]] == []


def test_streams_and_plain_answers_are_asked_for_in_balance() -> None:
    for factory in factories():
        if factory.streams:
            forms = [body.get("stream", False) for body in factory.bodies()]
            assert 0.3 < forms.count(True) / len(forms) < 0.7


def test_texts_of_all_planes_of_unicode_are_sent() -> None:
    whole = json.dumps([list(f.bodies()) for f in factories()], ensure_ascii=False)
    assert {0, 1, 2, 3, 14, 15, 16} <= {ord(character) >> 16 for character in whole}


KINDS = {
    ("/stop", "one"): {"stop": ["x"]},
    ("/stop", "many"): {"stop": ["x", "y"]},
    ("/stop", "ascii"): {"stop": "x"},
    ("/stop/*", "astral"): {"stop": ["🛑"]},
    ("/temperature", "minimum"): {"temperature": 0},
    ("/temperature", "maximum"): {"temperature": 2.0},
    ("/temperature", "between"): {"temperature": 0.5},
    ("/seed", "negative"): {"seed": -1},
    ("/stream_options/include_usage", "absent"): {"stream_options": {}},
    ("/response_format/type", '"json_object"'): {"response_format": {"type": "json_object"}},
}


@pytest.mark.parametrize("unit", KINDS, ids=str)
def test_a_body_shows_kinds_of_value_at_places(unit: tuple[str, str]) -> None:
    node = coverage.tree(load().document, chat().request)
    assert unit in coverage.seen(node, GOOD | KINDS[unit])
    assert unit not in coverage.seen(node, GOOD)
    assert unit in dict(coverage.units(node))


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=3) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["messages", "stop", "tools", "role"]), inner)
        ),
    )
)
def test_whatever_is_sent_shows_only_units_of_the_document(value: object) -> None:
    node = coverage.tree(load().document, chat().request)
    assert coverage.seen(node, value) <= set(dict(coverage.units(node)))


def test_invalid_requests_violate_every_constraint_once_before_any_twice() -> None:
    contract = load()
    found = violations(contract, chat(), GOOD, members(contract, chat()), 9)
    assert all(contract.standing(chat(), each.body).invalid for each in found)
    bodies = {json.dumps(each.body, sort_keys=True) for each in found}
    assert len(bodies) == len(found) > 150
    kinds = [(each.keyword, each.place) for each in found]
    assert len(set(kinds[: len(set(kinds))])) == len(set(kinds))
    assert {"type", "required", "enum", "minimum", "maximum", "oneOf"} <= {
        keyword for keyword, _ in kinds
    }


DEEP = json.loads("[" * 300 + "]" * 300)
UNUSUAL = {
    "half a character in an unknown name": ({"\ud800": 1}, ""),
    "half a character in a text": ({"id": "\ud800"}, ""),
    "half a character for a fixed word": ({"object": "\ud800"}, "/object"),
    "half a character beside a wrong type": ({"\ud800": 1, "id": 7}, "/id"),
    "much nesting in an unknown member": ({"more": DEEP}, ""),
    "much nesting for a text": ({"id": DEEP}, "/id"),
    "a number that no double can hold": ({"created": strict_json(b"1e999")}, ""),
    "a text for a number": ({"created": "1e999"}, "/created"),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_the_validator_cannot_read_is_judged_all_the_same(name: str) -> None:
    members, place = UNUSUAL[name]
    whole = {"id": "m", "object": "chat.completion", "created": 1, "model": "m", "choices": []}
    validator = load().validator(load().judging, "/components/schemas/ChatCompletionResponse")
    assert [each.place for each in validator.errors(whole | members)] == [place][: bool(place)]
    assert validator.valid(whole | members) is not bool(place)


def test_a_configuration_of_schemathesis_near_by_is_none_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = list(members(load(), chat()))
    text = 'hooks = "no_such_module"\n[generation]\nmode = "positive"\n'
    (tmp_path / "schemathesis.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert list(members(load(), chat())) == expected


LEEWAY = {
    "byte order mark": b"\xef\xbb\xbf{}",
    "NaN": b'{"temperature":NaN}',
    "digits": b'{"seed":%s}' % (b"9" * 40),
    "double precision": b'{"temperature":1e999}',
    "repeated": b'{"model":"a","model":"b"}',
    "surrogate": b'{"user":"\\ud800"}',
    "nesting": b'{"user":' + b"[" * 70 + b"]" * 70 + b"}",
}


@pytest.mark.parametrize("name", LEEWAY)
def test_what_json_leaves_open_is_neither_valid_nor_invalid(name: str) -> None:
    request = Request("POST", "/chat/completions", (), LEEWAY[name])
    assert name in leeway(request)
    standing = Reading(Exchange(0, "d", 0, request, None, End.BROKEN), load()).standing
    assert (standing.valid, standing.invalid) == (False, False)


@pytest.mark.parametrize(
    "body", [b"{}", b'{"a":"\\ud83d\\ude00"}', b'{"a":[[[1.5e3]]]}', b"{", b""]
)
def test_what_json_decides_has_no_leeway(body: bytes) -> None:
    assert leeway(Request("POST", "/chat/completions", (), body)) == ""


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_is_no_valid_request(name: str) -> None:
    body = BODIES[name](json.dumps(GOOD, separators=(",", ":")).encode())
    request = Request("POST", "/chat/completions", (), body)
    assert not Reading(Exchange(0, "d", 0, request, None, End.BROKEN), load()).standing.valid


def test_quick_is_the_beginning_of_standard_and_touches_every_surface() -> None:
    quick, standard = (plan(load(), "m", name, 0, SURFACES) for name in ("quick", "standard"))
    names = [probe.name for probe in standard.probes]
    assert [probe.name for probe in quick.probes] == names[: len(quick.probes)]
    assert {probe.surface for probe in quick.probes} == SURFACES
    assert len(set(names)) == len(names)


def types(tree: object) -> Iterator[list[str]]:
    """Every list of types in a document."""
    inside = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    if isinstance(tree, dict) and isinstance(tree.get("type"), list):
        yield tree["type"]
    for each in inside:
        yield from types(each)


@pytest.mark.parametrize("view", ["judging", "generation"])
def test_no_type_is_named_twice(view: str) -> None:
    """An update of an overlay adds to a list: seen where it meant to narrow one."""
    found = list(types(getattr(load(), view).tree))
    assert found
    assert all(len(set(each)) == len(each) for each in found)
