"""The command as a person meets it: in a process of its own, from an empty folder."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jsonschema
import pytest
from answers import reply, reply_json

from conformance import report
from conformance.requirement import catalogue, selected
from conformance.target import embedded

FILES = {"run.jsonl", "verdicts.json", "report.html", "junit.xml"}
SCHEMA = Path(report.__file__).parent / "verdicts.schema.json"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with embedded() as base:
        yield base


def conformance(*words: str, folder: Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "conformance", *words]
    environment = {k: v for k, v in os.environ.items() if k != "OPENAI_API_KEY"}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def verdicts(folder: Path) -> dict:
    assert {path.name for path in folder.iterdir()} == FILES
    value = json.loads((folder / "verdicts.json").read_text(encoding="utf-8"))
    jsonschema.validate(value, json.loads(SCHEMA.read_text(encoding="utf-8")))
    return value


@pytest.mark.parametrize("intensity", ["quick", "standard"])
def test_the_embedded_server_conforms(tmp_path: Path, intensity: str) -> None:
    done = conformance("run", "--intensity", intensity, "--out", "out", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    value = verdicts(tmp_path / "out")
    assert value["exit"]["code"] == 0
    assert done.stderr.strip().endswith("report.html")


def test_a_fault_of_a_must_is_code_1_and_is_named(tmp_path: Path, url: str) -> None:
    base = url.replace("/v1", "/fault/chat-stream.forgets-done/v1")
    done = conformance("run", base, "--intensity", "quick", "--out", "out", folder=tmp_path)
    assert done.returncode == 1
    found = [row["id"] for row in verdicts(tmp_path / "out")["requirements"] if row["findings"]]
    assert found == ["chat-stream.done"]
    again = conformance("judge", "out/run.jsonl", folder=tmp_path)
    assert again.returncode == 1
    assert "chat-stream.done" in again.stdout
    assert (
        conformance("judge", "out/run.jsonl", "--profile", "seed", folder=tmp_path).returncode == 0
    )


def test_a_fault_of_a_should_is_code_0_and_is_named(tmp_path: Path, url: str) -> None:
    base = url.replace("/v1", "/fault/chat-stream.finishes-with-text/v1")
    done = conformance("run", base, "--intensity", "quick", "--out", "out", folder=tmp_path)
    assert (done.returncode, "WARN chat-stream::chat-stream.empty-last-delta" in done.stderr) == (
        0,
        True,
    )


UNUSABLE = {
    "web page": lambda h, b: reply(h, 200, "text/html", b"<!doctype html>"),
    "404": lambda h, b: reply_json(h, 404, {"error": {"message": "no"}}),
    "400": lambda h, b: reply_json(h, 400, {"error": {"message": "no"}}),
    "200 {}": lambda h, b: reply_json(h, 200, {}),
    "key wanted": lambda h, b: reply_json(h, 401, {"error": {"message": "key"}}),
    "silent": lambda h, b: time.sleep(30),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_useless_server_is_code_3_within_15_seconds(
    tmp_path: Path, serve: Callable, name: str
) -> None:
    began = time.monotonic()
    done = conformance("run", serve(UNUSABLE[name]), "--out", "out", folder=tmp_path)
    assert time.monotonic() - began < 15
    assert done.returncode == 3, done.stderr
    assert ";" in done.stderr
    assert verdicts(tmp_path / "out")["unusable"]


def test_an_endless_stream_is_code_3_within_15_seconds(tmp_path: Path, serve: Callable) -> None:
    def respond(handler: object, _: bytes) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        handler.end_headers()
        while True:
            handler.wfile.write(b": hello\n\n")
            time.sleep(0.05)

    began = time.monotonic()
    base = serve(respond).removesuffix("/v1")
    done = conformance("run", base, "--out", "out", folder=tmp_path)
    assert (done.returncode, time.monotonic() - began < 15) == (3, True), done.stderr


def test_a_target_without_models_needs_a_name(tmp_path: Path, serve: Callable) -> None:
    base = serve(lambda h, b: reply_json(h, 200, {"object": "list", "data": []}))
    done = conformance("run", base, "--out", "out", folder=tmp_path)
    assert (done.returncode, "--model" in done.stderr) == (2, True)


@pytest.mark.parametrize(("url_given", "words"), [
    ("http://127.0.0.1:9", "refused"),
    ("http://nonexistent.invalid/v1", "name"),
])  # fmt: skip
def test_no_server_is_code_3(tmp_path: Path, url_given: str, words: str) -> None:
    done = conformance("run", url_given, "--out", "out", folder=tmp_path)
    assert done.returncode == 3
    assert words in done.stderr


MISTAKES = {
    "option": (["run", "--intensty", "quick"], "--intensity"),
    "value": (["run", "--intensity", "fast"], "quick"),
    "only": (["run", "--only", "chat-steam"], "did you mean chat-stream"),
    "id": (["explain", "sse.utf8"], "sse.utf-8"),
    "url": (["run", "ftp://x"], "http://localhost"),
    "ledger": (["judge", "missing.jsonl"], "cannot be read"),
    "number": (["run", "--concurrency", "0"], "1 or more"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_code_2_with_a_hint(tmp_path: Path, name: str) -> None:
    words, hint = MISTAKES[name]
    done = conformance(*words, folder=tmp_path)
    assert done.returncode == 2
    assert hint in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_whole_reports(tmp_path: Path, number: int, code: int) -> None:
    with embedded("--pace", "0.05") as slow:
        command = [sys.executable, "-m", "conformance", "run", slow, "--out", "out"]
        child = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        for line in child.stderr:
            if line.startswith("plan:"):
                break
        time.sleep(1.5)
        child.send_signal(number)
        _, said = child.communicate(timeout=15)
    assert child.returncode == code, said
    value = verdicts(tmp_path / "out")
    assert value["ended"]["reason"] == "interrupted"
    assert value["exchanges"] > 2


def test_a_budget_that_ends_is_code_4(tmp_path: Path, url: str) -> None:
    done = conformance("run", url, "--max-requests", "20", "--out", "out", folder=tmp_path)
    assert done.returncode == 4
    assert "budget of requests" in done.stderr


def test_a_waiver_and_a_declaration_count(tmp_path: Path, url: str) -> None:
    (tmp_path / "conformance.toml").write_text(
        '[capabilities]\n"chat.tools" = false\n[[waiver]]\n'
        'requirement = "chat-stream.done"\nreason = "known"\n'
    )
    base = url.replace("/v1", "/fault/chat-stream.forgets-done/v1")
    done = conformance("run", base, "--intensity", "quick", "--out", "out", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "waived: known" in done.stderr
    assert "not claimed: chat.tools" in done.stderr


def test_the_key_reaches_no_file(tmp_path: Path, serve: Callable) -> None:
    key = "sk-very-secret-key-1234"
    base = serve(lambda h, b: reply(h, 401, "text/plain", str(h.headers).encode()))
    done = conformance("run", base, "--api-key", key, "--out", "out", folder=tmp_path)
    assert done.returncode == 3
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "out").iterdir()]
    assert all(key not in text for text in (*texts, done.stderr))


def test_a_hostile_body_does_not_break_the_report(tmp_path: Path, serve: Callable) -> None:
    evil = "</pre><script>document.title='owned'</script>\x1b[31m\u202e\x00"
    models = {"object": "list", "data": [{"id": evil, "object": 5, "created": 1, "owned_by": evil}]}
    done = conformance(
        "run", serve(lambda h, b: reply_json(h, 200, models)), "--out", "out", folder=tmp_path
    )
    assert done.returncode in (1, 3, 4)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<script>document.title" not in page
    assert not set("\x1b\u202e\x00") & set(page + done.stderr)


def test_lists_and_explains(tmp_path: Path) -> None:
    assert "### `sse.utf-8`" in conformance("list", "--format", "markdown", folder=tmp_path).stdout
    assert json.loads(
        conformance("list", "--only", "sse", "--format", "json", folder=tmp_path).stdout
    )
    assert "What to do" in conformance("explain", "sse.utf-8", folder=tmp_path).stdout


ONLY = {
    "chat": {"chat"},
    "chat-stream": {"chat-stream"},
    "chat.": {"chat", "chat-stream"},
    "chat::http.": {"chat"},
    "sse": {"chat-stream", "completions-stream", "responses-stream"},
}


@pytest.mark.parametrize("word", ONLY)
def test_a_word_that_is_a_surface_means_nothing_else(word: str) -> None:
    assert {surface for _, surface in selected((word,), catalogue())} == ONLY[word]


def test_a_first_model_that_answers_nothing_is_named_with_what_to_try(
    url: str, tmp_path: Path
) -> None:
    base = url.removesuffix("/v1") + "/fault/models.lists-files/v1"
    done = conformance("run", base, folder=tmp_path)
    assert done.returncode == 3
    assert "asked for /models/embedded.gguf, the first model listed" in done.stderr
    assert "--model" in done.stderr
    assert "--model" not in conformance("run", base, "--model", "none", folder=tmp_path).stderr
