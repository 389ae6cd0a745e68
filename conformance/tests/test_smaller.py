"""What fails is made smaller until nothing can be taken away, by few requests."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance import ledger
from conformance.config import SHRINK, Options
from conformance.contract.contract import load
from conformance.judge import is_smaller, judge
from conformance.probes.plan import Plan, plan
from conformance.reduce import at, kept, reduced
from conformance.run import Run, Silent
from conformance.target import embedded

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)
ID = "http.no-server-error"


def content(body: dict[str, Any]) -> Any:
    return [message.get("content") for message in body["messages"]]


# The fault, its surface, the members that the smallest request needs, and what else it is.
PARTICULAR: list[tuple[str, str, set[str], Callable[[dict[str, Any]], bool]]] = [
    ("particular.fails-on-astral-characters", "chat", set(),
     lambda b: [len(c) for c in content(b)] == [1] and content(b)[0] > "\uffff"),
    ("particular.fails-at-temperature-two", "chat", {"temperature"},
     lambda b: b["temperature"] == 2 and content(b) == ["a"]),
    ("particular.fails-on-json-mode", "chat", {"response_format"}, lambda b: content(b) == ["a"]),
    ("particular.fails-on-tools-with-a-seed", "chat", {"tools", "seed"},
     lambda b: len(b["tools"]) == 1 and content(b) == ["a"]),
    ("particular.fails-on-content-parts", "chat", set(), lambda b: [len(c) for c in content(b)] == [1]),
    ("particular.fails-on-the-result-of-a-tool", "chat", set(),
     lambda b: b["messages"][-1]["role"] == "tool"),
    ("particular.fails-on-the-usage-of-a-stream", "chat-stream", {"stream_options"},
     lambda b: content(b) == ["a"]),
    ("particular.fails-on-a-penalty-with-a-seed", "chat", {"frequency_penalty", "seed"},
     lambda b: b["seed"] in (0, 1) and content(b) == ["a"]),
    ("particular.fails-on-base64", "embeddings", {"encoding_format"},
     lambda b: b["input"] in ("a", ["a"])),
    ("particular.fails-on-lists-of-prompts", "completions", set(),
     lambda b: b["prompt"] == ["a", "a"]),
    ("http.fails-on-stop-lists", "chat", {"stop"}, lambda b: b["stop"] in (["a"], [])),
]  # fmt: skip


def ordinary(surface: str) -> Plan:
    """The valid requests of a surface, one by one."""
    probes = plan(load(), "embedded", "standard", 0, frozenset({surface})).probes
    return Plan(tuple(p for p in probes if ".valid." in p.name or p.name == "chat.tool-loop"))


@pytest.mark.parametrize(("fault", "surface", "members", "small"), PARTICULAR)
def test_the_smallest_request_is_found_by_few(
    tmp_path: Path, fault: str, surface: str, members: set[str], small: Callable[..., bool]
) -> None:
    with embedded("--fault", fault) as url:
        options = Options(only=(f"{surface}::{ID}",), shrink=SHRINK)
        result = Run(url, options, tmp_path, Silent(), ordinary(surface)).execute()
    (row,) = result.judgement.rows
    recording = ledger.read(result.ledger)
    sought = [x for x in recording.exchanges if is_smaller(x)]
    assert row.smallest is not None
    assert len(sought) == result.judgement.smaller <= SHRINK
    (exchange,) = [x for x in sought if x.number == row.smallest.finding.exchange]
    body = json.loads(exchange.request.body or b"")
    assert set(row.smallest.members) == members, body
    assert small(body), body
    assert judge(recording).rows == result.judgement.rows
    assert all(b"max_tokens" in x.request.body for x in sought if surface.startswith("ch"))


def test_nothing_is_sought_where_nothing_fails(tmp_path: Path) -> None:
    with embedded() as url:
        options = Options(only=(f"chat::{ID}",), intensity="quick", shrink=SHRINK)
        result = Run(url, options, tmp_path, Silent()).execute()
    assert result.judgement.smaller == 0
    assert [row.smallest for row in result.judgement.rows] == [None]


def test_the_budget_of_requests_holds_for_the_second_pass(tmp_path: Path) -> None:
    with embedded("--fault", "particular.fails-at-temperature-two") as url:
        options = Options(only=(f"chat::{ID}",), shrink=2)
        result = Run(url, options, tmp_path, Silent()).execute()
    assert result.judgement.smaller == 2


@given(JSON, st.data())
@settings(max_examples=200, deadline=None)
def test_what_is_reduced_still_fails_and_no_part_can_go(value: Any, data: st.DataObject) -> None:
    """A value fails while it holds every one of some leaves."""

    def leaves(inner: Any) -> set[str]:
        if isinstance(inner, dict):
            return set().union(*(leaves(each) for each in inner.values()))
        if isinstance(inner, list):
            return set().union(*(leaves(each) for each in inner))
        return {repr(inner)}

    wanted = data.draw(st.sets(st.sampled_from(sorted(leaves(value)) or ["-"]), max_size=2))
    if not wanted <= leaves(value):
        return
    found = reduced(value, lambda v: wanted <= leaves(v))
    assert wanted <= leaves(found)
    assert reduced(found, lambda v: wanted <= leaves(v)) == found


@given(st.lists(st.integers(0, 30), max_size=30, unique=True), st.data())
def test_kept_items_are_the_ones_that_matter(items: list[int], data: st.DataObject) -> None:
    needed = data.draw(st.sets(st.sampled_from(items), max_size=3)) if items else set()
    assert set(kept(items, lambda some: needed <= set(some))) == needed


def test_a_place_is_found_by_its_path() -> None:
    assert at({"a": [{"b": 1}]}, ("a", 0, "b")) == 1
