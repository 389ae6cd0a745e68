"""Slow, narrow and busy targets: a run ends within its budget and says what it did not reach."""

import itertools
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest
from answers import reply

from conformance import ledger, runner
from conformance.config import Options
from conformance.contract.contract import load
from conformance.gate import LONGEST, Gate, retry_after
from conformance.judge import Judge
from conformance.ledger import Head
from conformance.probes.hostile import schemas
from conformance.probes.plan import plan
from conformance.probes.probe import get, single
from conformance.requirement import Profile
from conformance.run import Result, Run, Silent
from conformance.runner import Budget, Clock, Runner
from conformance.target import embedded
from conformance.verdict import Exit, Verdict
from conformance.wire.client import Client, Limits
from conformance.wire.exchange import STOPPED, End, Exchange, Reply, Request

SURFACES = frozenset(s for op in load().operations for s in op.surfaces.values())
GRACE = 10.0  # seconds for the first look, and for what is under way when the time ends


def run(url: str, folder: Path, **options: object) -> tuple[Result, float]:
    began = time.monotonic()
    result = Run(url, Options(**options), folder, Silent()).execute()
    return result, time.monotonic() - began


def assert_cut_short(result: Result, seconds: float, budget: float) -> None:
    judgement = result.judgement
    assert seconds < budget + GRACE
    assert judgement.tail.reason == "seconds"
    assert judgement.exit(Profile.OLLAMA) is Exit.UNDECIDED
    assert judgement.count(Profile.OLLAMA)[Verdict.FAIL] == 0
    unreached = [row for row in judgement.rows if "before anything could show it" in row.reason]
    assert unreached
    assert all(Verdict.INCONCLUSIVE in row.verdicts.values() for row in unreached)


def test_a_target_at_two_tokens_a_second_is_judged_on_every_surface(tmp_path: Path) -> None:
    with embedded("--pace", "0.5") as url:
        result, seconds = run(url, tmp_path, max_seconds=25.0, intensity="quick")
    assert_cut_short(result, seconds, 25.0)
    answered = result.judgement.answered
    assert {s for s in SURFACES if answered[s]} >= SURFACES - {"images", "responses-stream"}


def test_a_target_with_one_slot_is_judged(tmp_path: Path) -> None:
    with embedded("--sequences", "1") as url:
        result, _ = run(url, tmp_path, max_seconds=60.0, intensity="quick")
    judgement = result.judgement
    assert judgement.tail.reason == "complete"
    assert judgement.busy > 0
    assert judgement.count(Profile.OLLAMA)[Verdict.FAIL] == 0
    assert all(judgement.answered[s] for s in ("chat", "chat-stream", "responses", "embeddings"))


def half_busy(url: str, after: str) -> Callable[[BaseHTTPRequestHandler, bytes], None]:
    """Forwards every other request, and says 429 to the rest."""
    turn = itertools.count()

    def respond(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        if next(turn) % 2:
            said = {"message": "too many requests", "type": "rate_limit_error"}
            data = json.dumps({"error": said | {"param": None, "code": None}}).encode()
            handler.send_response(429)
            handler.send_header("retry-after", after)
            handler.send_header("content-type", "application/json")
            handler.send_header("content-length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)
            return
        path = handler.path.removeprefix("/v1")
        kind = {"content-type": handler.headers.get("content-type", "")}
        answer = httpx.request(handler.command, url + path, content=body, headers=kind)
        reply(handler, answer.status_code, answer.headers["content-type"], answer.content)

    return respond


@pytest.mark.parametrize(
    ("after", "budget", "reason"), [("0", 90.0, "complete"), ("1", 15.0, "seconds")]
)
def test_a_target_that_is_busy_half_of_the_time_is_no_failure(
    serve: Callable[..., str], tmp_path: Path, after: str, budget: float, reason: str
) -> None:
    with embedded() as url:
        busy = serve(half_busy(url, after))
        result, seconds = run(busy, tmp_path, max_seconds=budget, intensity="quick")
    judgement = result.judgement
    assert seconds < budget + GRACE
    assert judgement.tail.reason == reason
    assert judgement.busy > 5
    assert judgement.count(Profile.OLLAMA)[Verdict.FAIL] == 0
    assert not judgement.errors


def test_what_the_end_of_a_run_cuts_shows_nothing() -> None:
    """Seen on a slow target: the head of a 400 had come, its body not, when the time ended."""
    judge = Judge(Head("http://x/v1", "m", "ollama", "quick", 0, "0", ""))
    body = json.dumps({"model": "m", "input": 5}).encode()
    request = Request("POST", "/embeddings", (("content-type", "application/json"),), body)
    head = Reply(400, (("content-type", "application/json"), ("content-length", "99")))
    cut = Exchange(0, "d", 0, request, head, End.CANCELED, STOPPED)
    assert judge.dialogue([cut]) == []
    judgement = judge.result(None)
    assert not any(row.judged for row in judgement.rows)
    assert not judgement.answered
    assert judgement.exchanges == 0


def test_every_operation_and_each_kind_of_rule_is_touched_by_a_tenth() -> None:
    probes = plan(load(), "m", "quick", 0, SURFACES).probes
    assert {probe.surface for probe in probes} == SURFACES
    for operation in ("chat", "completions", "embeddings", "images", "responses"):
        names = [probe.name for probe in probes if probe.name.startswith(operation)]
        assert any(".valid." in name for name in names), operation
        assert any(".invalid." in name for name in names), operation
        assert any(".hostile." in name for name in names), operation


@pytest.mark.parametrize("intensity", ["quick", "standard"])
def test_a_surface_alone_has_its_part_of_the_plan(intensity: str) -> None:
    whole = plan(load(), "m", intensity, 0, SURFACES).probes
    for surface in ("models", "embeddings", "responses-stream"):
        alone = plan(load(), "m", intensity, 0, frozenset({surface})).probes
        wanted = [each.name for each in whole if surface in {each.surface, *each.also}]
        assert [each.name for each in alone] == wanted


def test_the_same_seed_sends_the_same_requests_and_gives_the_same_verdicts(tmp_path: Path) -> None:
    sent, verdicts = [], []
    with embedded() as url:
        for n in range(2):
            result, _ = run(url, tmp_path / str(n), intensity="quick", seed=7)
            exchanges = ledger.read(result.ledger).exchanges
            sent.append({(x.dialogue, x.step): x.request for x in exchanges})
            rows = result.judgement.rows
            verdicts.append({(r.surface, r.requirement.id): (r.verdicts, r.judged) for r in rows})
    told = [{key: _without_answers(request) for key, request in each.items()} for each in sent]
    assert told[0] == told[1]
    assert verdicts[0] == verdicts[1]


def _without_answers(request: object) -> object:
    """What a dialogue says back of an answer (ids of calls and responses) is new each time."""
    said_back = b"call_" in (request.body or b"") or b"resp_" in (request.body or b"")
    return (request.method, request.path) if said_back else request


def test_another_seed_sends_other_requests() -> None:
    one, other = (
        [r.body for p in plan(load(), "m", "quick", seed, SURFACES).probes for r in [next(p.turns())]
         if hasattr(r, "body")]
        for seed in (1, 2)
    )  # fmt: skip
    assert one != other


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("3", 3.0),
        ("9999", LONGEST),
        (None, 1.0),
        ("soon", 1.0),
        ("-1", 1.0),
        ("²", 1.0),
    ],
)
def test_the_time_to_wait_is_read_with_care(value: str | None, seconds: float) -> None:
    headers = () if value is None else (("Retry-After", value),)
    assert retry_after(Reply(429, headers)) == seconds


def seen(reply: Reply | None, *, waited: float = 0.0, neighbours: int = 0) -> Exchange:
    """An exchange as the gate sees it: silent where there is no reply."""
    end = End.COMPLETE if reply else End.LIMIT
    request = Request("GET", "/models")
    return Exchange(0, "d", 0, request, reply, end, neighbours=neighbours, ended=waited)


def entered(inside: int) -> Gate:
    gate = Gate(12, threading.Event())
    for _ in range(inside):
        gate.enter()
    return gate


def test_the_gate_narrows_when_the_target_is_busy() -> None:
    gate = entered(4)
    gate.leave(seen(Reply(429, (("retry-after", "0"),))))
    assert gate.slots == 2
    gate.leave(seen(Reply(200)))
    assert gate.slots == 2
    gate.leave(seen(Reply(503, (("retry-after", "0"),))))
    assert gate.slots == 1


def test_the_gate_narrows_when_the_target_is_slow_with_others_under_way() -> None:
    """`transformers serve` answers one request after the other, each in some seconds."""
    gate = entered(4)
    gate.leave(seen(Reply(200), waited=9.0))
    assert gate.slots == 12
    gate.leave(seen(Reply(200), waited=9.0, neighbours=3))
    assert gate.slots == 1
    gate = entered(4)
    gate.leave(seen(None, waited=30.0, neighbours=3))
    assert gate.slots == 1


def test_a_target_that_is_silent_among_others_is_asked_again_alone(
    serve: Callable[..., str], tmp_path: Path
) -> None:
    """A slow target is no broken one: only what is silent when asked alone breaks a rule."""
    url = serve(lambda handler, _: time.sleep(0.5))
    clock = Clock()
    client = Client(url, key=None, limits=Limits(first_byte=0.2), clock=clock, max_connections=4)
    runner = Runner(client, clock, Budget(60.0), concurrency=2)
    held: list[tuple[Exchange, ...]] = []
    probes = tuple(single(f"p{n}", "models", get("/models")) for n in range(2))
    runner.run(probes, held.append)
    client.close()
    judge = Judge(Head(url, "m", "ollama", "standard", 0, "0", ""))
    found = [finding for exchanges in held for finding in judge.dialogue(exchanges)]
    silences = [x for exchanges in held for x in exchanges]
    assert [x.neighbours for x in silences if x.neighbours]
    assert all(exchanges[-1].neighbours == 0 for exchanges in held)
    assert {f.exchange for f in found} == {x.number for x in silences if not x.neighbours}


def test_a_target_that_does_not_come_back_is_given_up(
    serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What hung it is told of the request that did, not of those that would have come after it."""
    monkeypatch.setattr(runner, "PAUSES", (0.0, 0.0))
    hung = threading.Event()

    def respond(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        if hung.is_set():
            time.sleep(0.5)
            return
        hung.set()
        reply(handler, 400, "application/json", b"{}")

    url, clock = serve(respond), Clock()
    client = Client(url, key=None, limits=Limits(first_byte=0.2), clock=clock)
    operation = load().judging.route("POST", "/chat/completions")
    assert operation is not None
    good = {"model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": 8}
    probes = tuple(schemas(operation, good))
    held: list[tuple[Exchange, ...]] = []
    tail = Runner(client, clock, Budget(60.0), concurrency=2).run(probes, held.append)
    client.close()
    assert tail.reason == "lost"
    assert [len(exchanges) for exchanges in held] == [4]
    judge = Judge(Head(url, "m", "ollama", "standard", 0, "0", ""))
    found = {(f.requirement, f.exchange) for f in judge.dialogue(held[0])}
    assert ("robustness.answers-after", 0) in found
    assert not [number for _, number in found if number > 0]
