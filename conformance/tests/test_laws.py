"""The laws that keep the suite honest (the proof of law 1 and 3 is `conformance prove`)."""

import json
import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance import ledger
from conformance.check import CHECKS, FOLDS, RELATIONS
from conformance.contract.contract import CONTRACT, load, render
from conformance.contract.document import has, pointer
from conformance.covered import total
from conformance.data import SPECS
from conformance.grammars import MACHINES
from conformance.judge import Judge, judge
from conformance.ledger import Recording
from conformance.ownership import Grammars
from conformance.probes.plan import plan
from conformance.prove import gaps, noticed
from conformance.requirement import catalogue
from conformance.shape import Shapes
from conformance.verdict import Exit, Verdict
from conformance.wire.exchange import Exchange, Piece, Reply

DOCUMENT = "c4aa985ecc1ae80ef06bb56b1bed84c07414f707268599b459b641e234d93876"
SURFACES = {surface for requirement in catalogue().values() for surface in requirement.on}


def test_the_document_is_the_one_that_was_given() -> None:
    assert load().document.digest == DOCUMENT


def test_the_contract_on_disk_is_the_judging_view() -> None:
    assert CONTRACT.read_text(encoding="utf-8") == render(load())


def test_the_clean_server_passes_and_every_rule_is_reached(clean: Recording) -> None:
    judgement = judge(clean)
    assert list(gaps(judgement)) == []
    assert {judgement.exit(profile) for profile in ("seed", "ollama", "openai")} == {Exit.CONFORMS}


def test_a_run_of_one_surface_reaches_each_of_its_rules(clean: Recording) -> None:
    """Seen by a fault of streams that only dialogues of the plain form showed."""
    head, judging = clean.head, Judge(clean.head)
    whole = plan(load(), head.model, head.intensity, head.seed, frozenset(head.planned)).probes
    places = {probe.name: {probe.surface, *probe.also} for probe in whole}
    reached = {
        (outcome.requirement, outcome.surface)
        for exchanges in clean.dialogues()
        for outcome in judging.examine(exchanges).outcomes
        if not outcome.undecided
        and outcome.surface in places.get(exchanges[0].dialogue, {outcome.surface})
    }
    rows = {(row.requirement.id, row.surface) for row in judge(clean).rows}
    assert {(id_, surface) for id_, surface in rows - reached if id_ not in FOLDS} == set()


def test_a_run_of_one_operation_covers_that_one(clean: Recording) -> None:
    images = [each for each in clean.dialogues() if each[0].dialogue.startswith("images.")]
    judging = Judge(replace(clean.head, planned={"images": 1}))
    for exchanges in images:
        judging.dialogue(exchanges)
    found = judging.result(clean.tail).coverage
    assert {each.operation for each in found} == {"createImage"}
    counted = total(found)
    assert counted.sent == counted.sendable > 0


def test_every_requirement_is_judged_by_something_and_every_check_has_a_requirement() -> None:
    functions = {*CHECKS, *RELATIONS, *FOLDS}
    assert functions == {r.id for r in catalogue().values() if r.kind == "check"}


@pytest.mark.parametrize(
    "machine", [m for ms in MACHINES.values() for m in ms], ids=lambda m: m.name
)
def test_a_grammar_takes_its_sentences_and_nothing_else(machine: object) -> None:
    grammar = machine.grammar
    length = 5
    sentences = grammar.sentences(length)
    assert sentences
    labels = sorted(grammar.labels)
    for size in range(1, length + 1):
        for words in product(labels, repeat=size):
            complete = words[-1] == "end" and grammar.run(words)[1] is None
            assert complete == (words in sentences)


@pytest.mark.parametrize("surface", MACHINES)
def test_every_missing_key_of_a_grammar_has_one_owner(surface: str) -> None:
    rows = [row for r in catalogue().values() if surface in r.on for row in r.grammar]
    assert len(rows) == len(set(rows))
    wanted = {(m.name, *key) for m in MACHINES[surface] for key in m.grammar.missing()}
    owned = {tuple(row.split(" ")) for row in rows}
    starred = {row[:2] for row in owned if row[2] == "*"}
    never = {("tool", "absent", label) for label in ("again", "other", "end")}
    never |= {("tool", "open", "opens"), ("choice", "absent", "end")}
    never |= {("choice", state, "repeat") for state in ("absent", "open")}
    uncovered = {key for key in wanted if key not in owned and key[:2] not in starred} - never
    assert uncovered == set()
    assert {row for row in owned if row[2] != "*"} <= wanted
    Grammars(catalogue())


def test_pointers_of_requirements_resolve() -> None:
    contract = load()
    for requirement in catalogue().values():
        for source in requirement.sources:
            assert source.startswith(("https://", "RFC ")) or has(contract.judging.tree, source), (
                source
            )
        for row in requirement.shape:
            assert row == "/" or has(contract.judging.tree, row), row


def test_what_the_overlay_adds_to_answers_is_owned_by_a_requirement() -> None:
    contract = load()
    shapes = Shapes(contract.judging, catalogue())
    for operation in contract.operations:
        for (_, media), path in operation.answers.items():
            surface = operation.surface(streamed=media == "text/event-stream")
            if surface in SURFACES:
                for rule in _added(contract, path):
                    assert shapes.owner(rule, surface) not in (None, "http.schema"), rule


def _added(contract: object, path: str) -> list[str]:
    """Keywords of an answer's schema that the document does not have."""
    found, todo, seen = [], [path], set()
    while todo:
        place = todo.pop()
        node = contract.judging.at(place)
        raw = contract.judging.tree
        for token in place.split("/")[1:]:
            raw = raw[token.replace("~1", "/").replace("~0", "~")]
        if "$ref" in raw:
            place = raw["$ref"].removeprefix("#")
        if place in seen:
            continue
        seen.add(place)
        for keyword in ("required", "enum", "const", "minimum", "minLength", "minItems"):
            rule = f"{place}/{keyword}"
            if keyword in node and not contract.literal(rule):
                found.append(rule)
        todo += [place + pointer("properties", name) for name in node.get("properties", {})]
        todo += [f"{place}/items"] if "items" in node else []
    return found


def test_a_record_judged_again_gives_the_same(clean: Recording, tmp_path: Path) -> None:
    live = Judge(clean.head)
    for exchanges in clean.dialogues():
        live.dialogue(exchanges)
    copy = ledger.Ledger(tmp_path / "run.jsonl", clean.head)
    copy.write(*clean.exchanges)
    copy.close(clean.tail)
    again = ledger.read(tmp_path / "run.jsonl")
    assert again == clean
    assert judge(again) == live.result(clean.tail)


def test_a_record_that_was_cut_is_read_to_its_last_whole_line(
    clean: Recording, tmp_path: Path
) -> None:
    path = tmp_path / "run.jsonl"
    record = ledger.Ledger(path, clean.head)
    record.write(*clean.exchanges[:5])
    path.write_bytes(path.read_bytes()[:-20])
    again = ledger.read(path)
    assert (len(again.exchanges), again.tail) == (4, None)
    assert judge(again).undecided[0].startswith("the run did not end as planned")


def test_labels_of_dialogues_mean_nothing(clean: Recording) -> None:
    """Law 5: what is judged is what was sent, never the name under which it was generated."""
    names = {x.dialogue: f"d{n}" for n, x in enumerate(clean.exchanges)}
    renamed = tuple(replace(x, dialogue=names[x.dialogue]) for x in clean.exchanges)
    assert judge(replace(clean, exchanges=renamed)) == judge(clean)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3) | st.just("assistant"),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


def _mangled(draw: object, value: object) -> object:
    """A value with parts of it dropped, repeated, or of any type."""
    choice = draw(st.integers(0, 14))
    if choice == 0:
        return draw(VALUES)
    if isinstance(value, dict):
        kept = {k: _mangled(draw, v) for k, v in value.items() if draw(st.integers(0, 14))}
        return kept | draw(
            st.dictionaries(st.sampled_from(["error", "usage", "x"]), VALUES, max_size=1)
        )
    if isinstance(value, list):
        return [
            _mangled(draw, v) for v in value for _ in range(draw(st.sampled_from([1, 1, 1, 0, 2])))
        ]
    return value


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_check_ever_raises(clean: Recording, data: st.DataObject) -> None:
    dialogue = data.draw(st.sampled_from(list(clean.dialogues())))
    judging = Judge(clean.head)
    judging.dialogue(tuple(_broken(data.draw, x) for x in dialogue))
    judging.result(None)
    assert judging.errors == []


def _broken(draw: object, x: Exchange) -> Exchange:
    body = x.reply.body
    try:
        blocks = [json.dumps(_mangled(draw, json.loads(body)))]
    except ValueError:
        blocks = body.decode().split("\n\n")
        blocks = [
            _block(draw, block)
            for block in blocks
            for _ in range(draw(st.sampled_from([1, 1, 0, 2])))
        ]
    changed = (
        draw(st.sampled_from(["\n\n", "\n\n", "\n\n", "\r\n\r\n", "\n"])).join(blocks).encode()
    )
    kept = changed[: draw(st.sampled_from([None, None, len(changed) // 2]))]
    status = draw(st.sampled_from([x.reply.status] * 5 + [200, 404, 500]))
    return replace(x, reply=replace(x.reply, status=status, pieces=(Piece(x.ended, kept),)))


def _block(draw: object, block: str) -> str:
    name, data, value = block.partition("data: ")
    try:
        return name + data + json.dumps(_mangled(draw, json.loads(value)))
    except ValueError:
        return block


NUMBER = re.compile(rb"(?<=[:\[,])-?[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?(?=[,}\]])")


@pytest.mark.parametrize("number", [b"1e999", b"-" + b"9" * 400])
def test_no_check_raises_on_numbers_that_no_double_can_hold(
    clean: Recording, number: bytes
) -> None:
    judging = Judge(clean.head)
    for dialogue in clean.dialogues():
        bodies = [NUMBER.sub(number, x.reply.body) for x in dialogue]
        pairs = zip(dialogue, bodies, strict=True)
        judging.dialogue(tuple(replace(x, reply=x.reply.with_body(body)) for x, body in pairs))
    judging.result(None)
    assert judging.errors == []


ENVELOPE = {"error": {"message": "x", "type": "invalid_request_error", "param": None, "code": None}}
USELESS = {
    "404 with an envelope": (404, "application/json", json.dumps(ENVELOPE).encode()),
    "400 to everything": (400, "application/json", json.dumps(ENVELOPE).encode()),
    "200 {}": (200, "application/json", b"{}"),
    "a web page": (200, "text/html", b"<!doctype html><title>hi</title>"),
    "an endless stream": (200, "text/event-stream", b": hello\n\n" * 50),
    "nothing": None,
}


@pytest.mark.parametrize("name", USELESS)
def test_useless_servers_never_pass(clean: Recording, name: str) -> None:
    judging = Judge(clean.head)
    for dialogue in clean.dialogues():
        judging.dialogue(tuple(_useless(x, USELESS[name]) for x in dialogue))
    judgement = judging.result(clean.tail)
    assert judgement.exit("ollama") is Exit.UNUSABLE
    assert all(Verdict.PASS not in row.verdicts.values() for row in judgement.rows)
    assert noticed(judgement) == frozenset()


def _useless(x: Exchange, answer: tuple[int, str, bytes] | None) -> Exchange:
    if answer is None:
        return replace(x, reply=None)
    status, kind, body = answer
    return replace(x, reply=Reply(status, (("content-type", kind),), (Piece(x.ended, body),)))


def test_a_refusal_counts_only_beside_an_acceptance(clean: Recording) -> None:
    def refuse(x: Exchange) -> Exchange:
        if x.request.method != "POST":
            return x
        body = json.dumps(ENVELOPE).encode()
        return replace(
            x, reply=Reply(400, (("content-type", "application/json"),), (Piece(0, body),))
        )

    judging = Judge(clean.head)
    for dialogue in clean.dialogues():
        judging.dialogue(tuple(refuse(x) for x in dialogue))
    refusals = [row for row in judging.result(clean.tail).rows if row.requirement.refuses]
    assert refusals
    assert all(Verdict.PASS not in row.verdicts.values() for row in refusals)


def test_an_answer_that_mirrors_an_invalid_request_is_one_finding(clean: Recording) -> None:
    """Seen on a server that echoed the name of a tool that was no string."""
    tool = {"type": "function", "function": {"name": 0}}
    sent = {"model": "m", "messages": [{"role": "user", "content": "x"}], "tools": [tool]}
    calls = [{"id": "c", "type": "function", "function": {"name": 0, "arguments": "{}"}}]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    first = next(x for x in clean.exchanges if x.dialogue.startswith("chat.valid"))
    pieces = (Piece(0, json.dumps(body).encode()),)
    mirrored = replace(
        first,
        request=replace(first.request, body=json.dumps(sent).encode()),
        reply=replace(first.reply, pieces=pieces),
        dialogue="mirrored",
    )
    judged = judge(replace(clean, exchanges=(*clean.exchanges, mirrored)))
    assert noticed(judged) == {"http.wrong-type-refused"}


def test_every_toml_entry_says_what_to_do_and_why() -> None:
    assert sorted(path.stem for path in (SPECS / "requirements").glob("*.toml")) == [
        "chat", "chat-stream", "completions", "completions-stream", "embeddings", "errors", "http",
        "images", "models", "responses", "responses-stream", "robustness", "semantics", "sse",
    ]  # fmt: skip
    for requirement in catalogue().values():
        assert requirement.advice
        assert requirement.sources
        assert any(word in requirement.text for word in ("MUST", "SHOULD", "MAY"))
