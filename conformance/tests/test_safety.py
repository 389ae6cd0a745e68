"""Rules for the suite itself: what it never sends, and what it may conclude (SAFE-01 to SAFE-10)."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import conformance
from conformance import report
from conformance.contract.contract import load
from conformance.judge import judge
from conformance.ledger import Recording
from conformance.odd import Odd
from conformance.probes.plan import plan
from conformance.reading import Reading
from conformance.requirement import Level, Profile, catalogue
from conformance.verdict import Verdict, verdicts
from conformance.wire.exchange import End, Exchange, Piece, Reply, Request
from conformance.wire.sse import decode

SURFACES = frozenset(s for requirement in catalogue().values() for s in requirement.on)
MODEL = "the-model"
LISTING = {"object": "list", "data": [{"id": MODEL}, {"id": "a/b:c"}]}
SAFE = {"GET", "POST", "PUT", "PATCH", "OPTIONS", "HEAD"}


def exchange(request: Request) -> Exchange:
    """A request, and the reply of a server that lists two models and finds nothing else."""
    found = request.path == "/models"
    body = json.dumps(LISTING if found else {"error": {"message": "no model"}}).encode()
    kind = (("content-type", "application/json"),)
    return Exchange(
        0, "d", 0, request, Reply(200 if found else 404, kind, (Piece(0, body),)), End.COMPLETE
    )


def sent() -> Iterator[Exchange]:
    """Every request that the largest plan can send."""
    for probe in plan(load(), MODEL, "thorough", 0, SURFACES).probes:
        turns = probe.turns()
        try:
            turn = next(turns)
            while True:
                requests = (turn,) if isinstance(turn, Request) else turn
                yield from map(exchange, requests)
                turn = turns.send(exchange(requests[-1]))
        except StopIteration:
            continue


@pytest.fixture(scope="module")
def readings() -> list[Reading]:
    found = [Reading(x, load()) for x in sent()]
    assert len(found) > 500
    return found


@pytest.fixture(scope="module")
def valid(readings: list[Reading]) -> list[Reading]:
    return [x for x in readings if x.standing.valid and isinstance(x.sent, dict)]


def values(value: object) -> Iterator[object]:
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from values(each)


def test_no_method_that_destroys_and_no_other_one_on_a_resource(readings: list[Reading]) -> None:
    """SAFE-01."""
    for x in readings:
        method, path = x.exchange.request.method, x.exchange.request.path
        assert method in SAFE
        if path.startswith("/models/"):
            assert method == "GET"


def test_no_url_that_the_target_would_fetch(readings: list[Reading]) -> None:
    """SAFE-02."""
    bodies = [x.exchange.request.body or b"" for x in readings]
    assert [body for body in bodies if re.search(rb"https?:\\?/\\?/", body)] == []


def test_every_request_for_text_bounds_it(valid: list[Reading]) -> None:
    """SAFE-03; the one request without a limit stops at the commonest letters."""
    for x in valid:
        if Odd.HUGE_LIMIT in x.odd:
            assert set(x.sent["stop"]) >= {"e", "a", " "}
        elif x.operation.id in ("createChatCompletion", "createCompletion"):
            assert 1 <= x.sent.get("max_tokens", x.sent.get("max_completion_tokens")) <= 128
        if x.operation.id == "createResponse" and Odd.FEW_TOKENS not in x.odd:
            assert 16 <= x.sent["max_output_tokens"] <= 64


def test_only_functions_are_offered_as_tools(valid: list[Reading]) -> None:
    """SAFE-04."""
    offered = [tool for x in valid for tool in x.sent.get("tools") or ()]
    assert offered
    assert {tool["type"] for tool in offered} == {"function"}


def test_what_is_not_judged_names_the_reason(clean: Recording) -> None:
    """SAFE-05: a capability that is missing turns its rules off, and stands in the reason."""
    without = replace(clean, head=replace(clean.head, declared={"chat.tools": False}))
    rows = [row for row in judge(without).rows if row.requirement.needs == "chat.tools"]
    assert rows
    for row in rows:
        assert set(row.verdicts.values()) == {Verdict.NOT_CLAIMED}
        assert "declared absent" in row.reason
    unseen = judge(replace(clean, exchanges=clean.exchanges[:4])).rows
    undecided = [row for row in unseen if Verdict.INCONCLUSIVE in row.verdicts.values()]
    assert undecided
    assert all(row.reason for row in undecided)


def test_lines_end_with_cr_and_lf_and_nothing_else() -> None:
    """SSE-15, SAFE-06: the parser is our own, on bytes; see test_sse.py for its vectors."""
    odd = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
    events = decode([Piece(0, f'data: {{"x": "{odd}"}}\n\n'.encode())]).events
    assert [event.data for event in events] == [f'{{"x": "{odd}"}}']
    sources = Path(conformance.__file__).parent.rglob("*.py")
    code = [p.read_text(encoding="utf-8") for p in sources if "tests" not in p.parts]
    assert not [text for text in code if re.search(r"\biter_(lines|text)\(", text)]


CHUNK = {
    "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "usage": None,
    "choices": [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": None}],
}  # fmt: skip
COMPLETION = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{
        "index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "x"},
    }],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}  # fmt: skip
GOOD = {"text/event-stream": CHUNK, "application/json": COMPLETION}


@pytest.mark.parametrize("media", GOOD)
def test_good_answers_are_valid_by_the_judging_view(media: str) -> None:
    """SAFE-07: null where every server sends null, and no member that few servers have."""
    contract = load()
    chat = contract.judging.route("POST", "/chat/completions")
    assert contract.answer_errors(chat, 200, media, GOOD[media]) == ()
    assert "nullable" not in json.dumps(contract.judging.tree)


def test_valid_requests_stay_where_servers_agree(valid: list[Reading]) -> None:
    """SAFE-08; several prompts are held against a server only if it offers them."""
    for x in (each for each in valid if each.ordinary):
        numbers = [v for v in values(x.sent) if isinstance(v, int)]
        assert all(abs(number) <= 2**63 for number in numbers)
        if "completions.prompt-list" not in x.standing.needs:
            assert isinstance(x.sent.get("prompt", ""), str)
        for tool in x.sent.get("tools") or ():
            schema = tool.get("function", tool).get("parameters", {"type": "object"})
            assert schema["type"] == "object"
            properties = schema.get("properties", {})
            assert all(isinstance(each, dict) for each in properties.values())


@pytest.mark.parametrize("level", Level)
def test_what_depends_on_the_model_never_fails(level: Level) -> None:
    """SAFE-09."""
    requirement = next(iter(catalogue().values()))
    clever = replace(requirement, model=True, levels=dict.fromkeys(Profile, level))
    assert Verdict.FAIL not in verdicts(clever, Verdict.FAIL).values()


def test_a_report_says_what_was_tested_and_shows_its_evidence() -> None:
    """SAFE-10."""
    folder = Path(report.__file__).parent
    schema = json.loads((folder / "verdicts.schema.json").read_text(encoding="utf-8"))
    assert {"target", "suite", "model", "profile", "capabilities"} <= set(schema["required"])
    row = schema["properties"]["requirements"]["items"]
    assert {"id", "verdicts", "judged", "broken", "findings", "reason"} <= set(row["required"])
    finding = row["properties"]["findings"]["items"]
    assert {"expected", "observed", "exchange", "place"} <= set(finding["required"])
