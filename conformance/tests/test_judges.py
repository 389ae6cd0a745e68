"""Three validators give one verdict on every reply, clean and changed, or a table says why not."""

import copy
from dataclasses import replace

import pytest
from judges import Kinds, after, compare, dissents, judges, roots, values

from conformance.contract.contract import load
from conformance.contract.document import Document
from conformance.ledger import Recording
from reference_server.faults import FAULTS
from reference_server.variants import VARIANTS

CONTRACT = load()
VIEWS = (CONTRACT.document, CONTRACT.judging)


def test_three_judges_agree_on_every_reply_or_a_table_says_why_not(clean: Recording) -> None:
    changed = after(clean.exchanges, {**FAULTS, **VARIANTS}.values())
    every = (v for xs in (clean.exchanges, changed) for v in values(CONTRACT, xs))
    found = Kinds(*VIEWS).one_of_each(every)
    for view in VIEWS:
        compared = compare(found, judges(CONTRACT, view), dissents())
        assert compared.problems == []
    both = {(root, verdict) for root in roots(CONTRACT) for verdict in (True, False)}
    assert compared.agreed.keys() == both  # nothing is compared that all refuse, or all take


@pytest.mark.parametrize("name", ["suite", "jsonschema", "openapi-core"])
def test_a_judge_that_overlooks_a_keyword_is_told(clean: Recording, name: str) -> None:
    fault = FAULTS["chat-stream.forgets-created"]
    found = Kinds(*VIEWS).one_of_each(values(CONTRACT, after(clean.exchanges, [fault])))
    three = judges(CONTRACT, CONTRACT.judging)
    assert compare(found, three, ()).problems == []
    blind = Document(_without("required", copy.deepcopy(CONTRACT.judging.tree)))
    told = compare(found, three | {name: judges(CONTRACT, blind)[name]}, dissents()).problems
    assert len(told) > len(dissents())


def _without(keyword: str, node: object) -> object:
    """Schemas that lack a keyword."""
    if isinstance(node, dict):
        lists = isinstance(node.get(keyword), list)
        return {k: _without(keyword, v) for k, v in node.items() if not (lists and k == keyword)}
    return [_without(keyword, each) for each in node] if isinstance(node, list) else node


def test_a_dissent_that_nothing_shows_is_told() -> None:
    assert compare([], judges(CONTRACT, CONTRACT.judging), dissents()).problems == [
        f"{each.id} explains nothing" for each in dissents()
    ]


def test_the_table_is_short_and_argued() -> None:
    assert len(dissents()) < 10
    for each in dissents():
        assert each.explains(each.example.encode(), each.takes)
        assert not replace(each, takes=frozenset()).explains(each.example.encode(), each.takes)
        assert min(map(len, (each.place, each.reason, each.source))) > 12
