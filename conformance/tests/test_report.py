"""Reports: valid by their schemas, whole for any text, and never at odds with the judgement."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from answers import reply_json
from hypothesis import given
from hypothesis import strategies as st

from conformance import ledger, report
from conformance.judge import judge
from conformance.ledger import Recording
from conformance.prove import Proof
from conformance.report import evidence
from conformance.report.clean import clean as cleaned
from conformance.requirement import Profile
from conformance.verdict import Judgement, Verdict
from conformance.wire.exchange import End, Exchange, Request
from reference_server.faults import FAULTS

FOLDER = Path(report.__file__).parent


def schema(name: str) -> jsonschema.Draft202012Validator:
    value = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(value)
    return jsonschema.Draft202012Validator(value)


@pytest.fixture(scope="module")
def faulty(clean: Recording) -> tuple[Judgement, Recording]:
    """The clean run as a server would have answered it that commits several faults."""
    from conformance.prove import changed

    recording = clean
    for name in ("chat-stream.forgets-done", "http.refuses-with-422", "models.forgets-the-owner"):
        exchanges = tuple(changed(FAULTS[name], x) for x in recording.exchanges)
        recording = Recording(recording.head, exchanges, recording.tail)
    return judge(recording), recording


def test_the_code_for_the_official_client_sends_the_same_request(
    serve: Callable[..., str],
) -> None:
    sent: list[bytes] = []
    url = serve(lambda handler, body: (sent.append(body), reply_json(handler, 200, {})))
    body = {"model": "m", "messages": [{"role": "user", "content": "\u202e'\"🌍"}], "seed": None,
            "stop": ["a"], "temperature": 2.0, "made_up": {"a": True}}  # fmt: skip
    exchange = Exchange(
        0,
        "x",
        0,
        Request("POST", "/chat/completions", (), json.dumps(body).encode()),
        None,
        End.BROKEN,
    )
    code = evidence.python(exchange, f"{url}/v1").replace(") #", "").splitlines()
    exec("\n".join(code).replace('/v1")', "/v1\", api_key='x')"), {})
    assert json.loads(sent[-1]) == body


def test_every_line_of_a_record_is_valid_by_its_schema(clean: Recording, tmp_path: Path) -> None:
    record = ledger.Ledger(tmp_path / "run.jsonl", clean.head)
    record.write(*clean.exchanges)
    record.close(clean.tail)
    validator = schema("ledger.schema.json")
    for line in (tmp_path / "run.jsonl").read_text(encoding="utf-8").splitlines():
        validator.validate(json.loads(line))


def test_verdicts_are_valid_and_agree(faulty: tuple[Judgement, Recording], tmp_path: Path) -> None:
    judgement, recording = faulty
    report.write(tmp_path, judgement, recording)
    value = json.loads((tmp_path / "verdicts.json").read_text(encoding="utf-8"))
    schema("verdicts.schema.json").validate(value)
    broken = {row["id"] for row in value["requirements"] if row["findings"]}
    assert broken == {"chat-stream.done", "http.refusal-is-400", "models.model-members"}
    assert value["exit"]["code"] == 1


def test_junit_counts_what_the_judgement_counts(faulty: tuple[Judgement, Recording]) -> None:
    judgement, recording = faulty
    suite = ET.fromstring(report.junit.render(judgement, recording)).find("testsuite")
    counts = judgement.count(Profile.OLLAMA)
    assert int(suite.get("failures")) == counts[Verdict.FAIL] == len(suite.findall("*/failure"))
    assert int(suite.get("tests")) == sum(counts.values())


def test_the_page_quotes_the_standard_and_marks_the_place(
    faulty: tuple[Judgement, Recording],
) -> None:
    page = report.html.render(*faulty)
    assert "A stream MUST end with the event" in page
    assert "<mark>" in page
    assert "what stands there" in page
    assert "$OPENAI_API_KEY" not in page


@given(st.text(), st.text(alphabet=st.characters(categories=["Cs", "Cc", "Cf"])))
def test_clean_text_steers_no_reader(plain: str, odd: str) -> None:
    shown = cleaned(plain + odd)
    shown.encode("utf-8")
    assert not any(ord(c) < 0x20 and c not in "\n\t" for c in shown)
    assert not set("\x1b\u202e\u2066\x00") & set(shown)


BODIES = [
    b'{"a": "it\'s $HOME `x` \\\\ \\u00e9"}',
    '{"a": "ü 😀"}'.encode(),
    b"\xff\xfe\x00",
    b"",
    b"line\nline",
]


@pytest.mark.parametrize("body", BODIES)
def test_the_curl_of_a_request_sends_the_same_bytes(serve: Callable, body: bytes) -> None:
    received = []

    def respond(handler: object, data: bytes) -> None:
        received.append((handler.command, handler.path, data, handler.headers["authorization"]))
        handler.send_response(204)
        handler.end_headers()

    headers = (("Content-Type", "application/json"), ("Authorization", "Bearer ***"))
    request = Request("POST", "/chat/completions?x=1", headers, body)
    exchange = Exchange(0, "d", 0, request, None, End.BROKEN)
    command = evidence.curl(exchange, serve(respond))
    subprocess.run(
        ["bash", "-c", command],
        env={"OPENAI_API_KEY": "k", "PATH": "/usr/bin:/bin"},
        check=True,
        timeout=20,
        capture_output=True,
    )
    assert received == [("POST", "/v1/chat/completions?x=1", body, "Bearer k")]
    slow = evidence.curl(replace(exchange, request=replace(request, pace=1.0)), "http://localhost")
    assert f"--limit-rate {len(body) or 1}" in slow


def test_a_large_body_is_left_in_the_record() -> None:
    request = Request("POST", "/chat/completions", (), b"{" + b" " * 200_000 + b"}")
    exchange = Exchange(0, "d", 0, request, None, End.BROKEN)
    assert "200002 bytes, in run.jsonl" in evidence.curl(exchange, "http://localhost")
    assert evidence.body(exchange) == ""


def test_a_writer_that_fails_does_not_stop_the_others(
    clean: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise RuntimeError("no")

    monkeypatch.setattr(report, "WRITERS", {"a.html": fail, **report.WRITERS})
    with pytest.raises(report.Defect, match=r"a\.html"):
        report.write(tmp_path, judge(clean), clean)
    assert {path.name for path in tmp_path.iterdir()} == {
        "verdicts.json",
        "junit.xml",
        "report.html",
    }


def test_the_proof_goes_red_without_a_check(
    clean: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conformance import check

    fault = FAULTS["chat-stream.changes-id"]
    assert Proof(clean).reply_fault(fault).holds
    monkeypatch.delitem(check._CHECKS, "chat-stream.one-id")
    assert not Proof(clean).reply_fault(fault).holds
