"""What failed is tried first next time, until it does not fail any more."""

import json
from pathlib import Path
from typing import Any

import pytest

from conformance import again, ledger
from conformance.config import SHRINK, Options
from conformance.contract.contract import load
from conformance.run import Run, Silent
from conformance.target import embedded

SURFACES = frozenset({"embeddings", "chat"})
ONLY = ("embeddings::http.no-server-error",)


def run(url: str, folder: Path, fault: str = "") -> list[str]:
    """Run against a server, or one of its faults; the names of the dialogues, in order."""
    base = url.replace("/v1", f"/fault/{fault}/v1") if fault else url
    options = Options(only=ONLY, shrink=SHRINK, cache=folder / "cache")
    result = Run(base, options, folder, Silent()).execute()
    recording = ledger.read(result.ledger)
    again.keep(folder / "cache", result.judgement, recording, load())
    return [x.dialogue for x in sorted(recording.exchanges, key=lambda x: x.started)]


def kept(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "cache" / again.FILE).read_text())


def test_what_failed_is_tried_first_next_time(tmp_path: Path) -> None:
    with embedded() as url:
        first = run(url, tmp_path, "particular.fails-on-base64")
        ((base, entries),) = kept(tmp_path).items()
        assert base.endswith("/fault/particular.fails-on-base64/v1")
        assert [e["body"] for e in entries] == [
            {"model": "embedded", "input": ["a"], "encoding_format": "base64"}
        ]
        second = run(url, tmp_path, "particular.fails-on-base64")
        assert kept(tmp_path) == {base: entries}
    assert not any(name.startswith(again.AGAIN) for name in first)
    assert second[:3] == ["look", "warm-up", "again.0"]


def test_what_does_not_fail_any_more_is_forgotten(tmp_path: Path) -> None:
    with embedded() as url:
        body = {"model": "embedded", "input": ["a"], "encoding_format": "base64"}
        other = {"model": "embedded", "messages": [{"role": "user", "content": "a"}]}
        entries = [{"path": "/embeddings", "body": body}]
        entries += [{"path": "/chat/completions", "body": other}]
        (tmp_path / "cache").mkdir()
        (tmp_path / "cache" / again.FILE).write_text(json.dumps({url: entries}))
        assert run(url, tmp_path)[:3] == ["look", "warm-up", "again.0"]
        assert kept(tmp_path) == {url: entries[1:]}  # of a surface that was not tried


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"x": 5}', '{"x": [5, {}, {"path": 1, "body": {}}]}',
     '{"x": [{"path": "/nowhere", "body": {}}, {"path": "/embeddings", "body": {"input": 1}}]}'],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / again.FILE).write_text(text)
    probes = list(again.recall(tmp_path, "x", "model", load(), SURFACES))
    assert [p.surface for p in probes] == (["embeddings"] if "/embeddings" in text else [])
    assert list(again.recall(tmp_path / "nowhere", "x", "model", load(), SURFACES)) == []


def test_a_model_that_has_another_name_now_is_asked(tmp_path: Path) -> None:
    entry = {"path": "/embeddings", "body": {"model": "old", "input": "a"}}
    (tmp_path / again.FILE).write_text(json.dumps({"x": [entry]}))
    (probe,) = again.recall(tmp_path, "x", "new", load(), SURFACES)
    (request,) = probe.turns()
    assert json.loads(request.body or b"")["model"] == "new"
