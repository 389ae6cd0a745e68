"""The report in headless Chromium: it opens under its policy, asks for nothing, runs nothing."""

import html
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from conformance import report
from conformance.judge import judge
from conformance.ledger import Recording
from conformance.wire.exchange import Piece

pytestmark = pytest.mark.browser
CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync")  # fmt: skip
EVIL = "</pre><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


@pytest.fixture
def page(clean: Recording, tmp_path: Path) -> Path:
    """A report of a run in which every chunk carries hostile text, and no stream ends."""

    def spoil(x: object) -> object:
        if x.reply is None or b"chat.completion" not in x.reply.body:
            return x
        body = x.reply.body.replace(b'"embedded"', json.dumps(EVIL).encode()).replace(
            b"[DONE]", b"{}"
        )
        return replace(x, reply=replace(x.reply, pieces=(Piece(x.ended, body),)))

    spoilt = replace(clean, exchanges=tuple(spoil(x) for x in clean.exchanges))
    report.write(tmp_path, judge(spoilt), spoilt)
    return tmp_path / "report.html"


def dump(page: Path, profile: Path) -> str:
    if CHROMIUM is None:
        pytest.skip("no Chromium: install the package chromium")
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "--dump-dom", f"file://{page}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_hostile_text_is_shown_and_does_not_run(page: Path, tmp_path: Path) -> None:
    shown = dump(page, tmp_path / "profile")
    title = shown.partition("<title>")[2].partition("</title>")[0]
    assert "does not conform" in title
    assert "owned" not in title
    assert html.escape("</pre><script>", quote=False) in shown
    assert "<img" not in shown


def test_the_script_runs_under_its_policy(page: Path, tmp_path: Path) -> None:
    shown = dump(page, tmp_path / "profile")
    assert " shown</span>" in shown


def test_findings_stand_in_the_page_without_the_script(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "chat-stream.json-events" in text.partition("<script>")[0]
    assert "http://" not in text.replace("http://127.0.0.1", "").replace("http://www.w3.org", "")
