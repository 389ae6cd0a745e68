"""`pytest --target-url` as a vendor runs it: in an empty folder, in a process of its own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.contract.contract import load
from conformance.target import embedded

QUICK = ("--target-intensity", "quick")
FILES = {"run.jsonl", "verdicts.json", "report.html", "junit.xml"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with embedded() as base:
        yield base


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "OPENAI_"))}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def target(url: str, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return run("--target-url", url, "--target-out", "out", *words, folder=folder)


def test_a_conforming_target_is_green_with_all_files(tmp_path: Path, url: str) -> None:
    done = target(url, "-v", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "chat-stream::sse.utf-8 PASSED" in done.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    assert json.loads((tmp_path / "out/verdicts.json").read_text())["exit"]["code"] == 0
    sent = re.search(r"of the document: (\d+) of (\d+) kinds of value sent", done.stdout)
    assert sent is not None
    assert sent[1] == sent[2]  # whatever is not sent has a reason, in each part


def test_only_the_chosen_items_are_sent_and_reported(tmp_path: Path, url: str) -> None:
    done = target(url, "-k", "models.", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    value = json.loads((tmp_path / "out/verdicts.json").read_text())
    assert {row["surface"] for row in value["requirements"]} == {"models"}
    assert value["exchanges"] < 30


def test_a_broken_must_fails_and_a_broken_should_warns(tmp_path: Path, url: str) -> None:
    base = url.replace("/v1", "/fault/{}/v1")
    must = target(
        base.format("chat-stream.forgets-done"), *QUICK, "-k", "chat-stream.done", folder=tmp_path
    )
    assert must.returncode == 1
    assert "A stream MUST end with the event" in must.stdout
    should = target(
        base.format("chat-stream.finishes-with-text"), *QUICK, "-k", "empty-last", folder=tmp_path
    )
    assert should.returncode == 0
    assert "ConformanceWarning" in should.stdout


def test_two_workers_write_one_report(tmp_path: Path, url: str) -> None:
    done = target(url, "-n", "2", *QUICK, folder=tmp_path)
    assert done.returncode == 0, done.stdout
    value = json.loads((tmp_path / "out/verdicts.json").read_text())
    assert {row["surface"] for row in value["requirements"]} == {
        surface for operation in load().operations for surface in operation.surfaces.values()
    }
    assert done.stdout.count("report: ") == 1


def test_an_unusable_target_is_return_code_3(tmp_path: Path) -> None:
    done = target("http://127.0.0.1:9", folder=tmp_path)
    assert (done.returncode, "connection refused" in done.stdout) == (3, True)


def test_a_mistake_is_a_usage_error(tmp_path: Path) -> None:
    done = target("http://127.0.0.1:9", "--target-only", "chat-steam", folder=tmp_path)
    assert (done.returncode, "did you mean chat-stream" in done.stderr) == (4, True)


def test_pytest_and_the_command_agree(tmp_path: Path, url: str) -> None:
    base = url.replace("/v1", "/fault/http.refuses-with-422/v1")
    target(base, *QUICK, folder=tmp_path)
    command = [sys.executable, "-m", "conformance", "run", base, "--out", "command"]
    command += ["--intensity", "quick", "--no-cache"]  # what the first run left would be sent
    subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    one, other = (
        {
            (row["id"], row["surface"]): row["verdicts"]
            for row in json.loads((tmp_path / name / "verdicts.json").read_text())["requirements"]
        }
        for name in ("out", "command")
    )
    assert all(other[key] == verdicts for key, verdicts in one.items())


def test_without_a_target_nothing_heavy_is_imported(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(
        "import sys\n"
        "def test_x():\n"
        "    heavy = {'httpx', 'hypothesis', 'schemathesis', 'jsonschema_rs', 'conformance.session'}\n"
        "    assert 'conformance.plugin' in sys.modules\n"
        "    assert not heavy & {n for n in sys.modules if n in heavy}\n"
    )
    words = ("-W", "error", "-p", "no:hypothesispytest", "-p", "no:schemathesis", "-p", "no:anyio")
    done = run(*words, folder=tmp_path)
    assert "1 passed" in done.stdout, done.stdout
