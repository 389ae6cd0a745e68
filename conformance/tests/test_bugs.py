"""Every bug of the field has a fault, or a reason why not."""

import json

import pytest

from conformance.bugs import Bug, bugs, shares, table
from conformance.requirement import catalogue
from reference_server.faults import FAULTS

SURFACES = {surface for requirement in catalogue().values() for surface in requirement.on}


@pytest.mark.parametrize("bug", bugs().values(), ids=lambda bug: bug.id)
def test_each_bug_has_a_fault_or_a_reason(bug: Bug) -> None:
    told = [bool(bug.faults), bool(bug.unseen), bool(bug.legal)]
    assert sum(told) == 1
    assert (bug.unseen + bug.legal).endswith("." if bug.unseen or bug.legal else "")
    assert bug.links
    assert all(link.startswith("https://github.com/") for link in bug.links)
    assert set(bug.surfaces) <= SURFACES | {"*", "plain", "streamed", "posts"}


def test_what_a_fault_was_written_from_is_a_known_bug() -> None:
    assert {fault.field for fault in FAULTS.values()} - {""} <= bugs().keys()


def test_the_table_has_every_bug_in_every_form() -> None:
    rows = {row["id"]: row for row in json.loads(table("json"))}
    assert rows.keys() == bugs().keys()
    assert "chat-stream.done" in rows["SF-01"]["requirements"]
    assert len(table("markdown").splitlines()) == len(bugs()) + 2
    assert all(id_ in table("text") for id_ in bugs())


def test_the_shares_add_up() -> None:
    found = shares(FAULTS.values())
    assert found["field"] + found["invented"] == len(FAULTS)
    assert found["bugs"] == sum(bool(bug.faults) for bug in bugs().values())
    assert found["of"] == len(bugs())
