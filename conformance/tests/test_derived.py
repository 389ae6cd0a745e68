"""What is derived depends on the document, the libraries and the seed, and on nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.data import SPECS
from conformance.errors import Defect
from conformance.probes import derived as module
from conformance.probes.derived import KEPT, PACKAGE, Derived, derived

CONSTANTS = "WORDS = {!r}".format([f"word {n}" for n in range(500)])
PLAN = """
import sys
import hypothesis  # an own suite may use it
if "--noise" in sys.argv:
    import noise
from conformance.contract.contract import load
from conformance.probes.plan import plan
for probe in plan(load(), "m", "quick", 3, frozenset({"chat"})).probes:
    print(probe.name, next(probe.turns()))
"""
LEAN = """
import sys
import conformance.cli, conformance.session, conformance.plugin
from conformance.contract.contract import load
from conformance.probes.plan import plan
plan(load(), "m", "quick", 0, frozenset({"chat"}))
print(sorted({"hypothesis", "schemathesis"} & set(sys.modules)))
"""


def said(folder: Path, *words: str, path: Path = PACKAGE.parent) -> str:
    """What a Python says, in a folder and with a cache of its own."""
    paths = os.pathsep.join((str(folder), str(path)))
    environment = {**os.environ, "PYTHONPATH": paths, "XDG_CACHE_HOME": str(folder)}
    command = [sys.executable, *words]
    done = subprocess.run(
        command,
        check=False,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert not done.returncode, done.stderr
    return done.stdout


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    derived.cache_clear()
    yield tmp_path / "cache" / "openai-conformance" / "derived"
    derived.cache_clear()


def test_modules_and_configurations_near_by_change_no_plan(tmp_path: Path) -> None:
    for name in ("alone", "noisy"):
        (tmp_path / name).mkdir()
    (tmp_path / "noisy" / "noise.py").write_text(CONSTANTS, encoding="utf-8")
    text = 'hooks = "no_such_module"\n[generation]\nmode = "positive"\n'
    (tmp_path / "noisy" / "schemathesis.toml").write_text(text, encoding="utf-8")
    assert said(tmp_path / "alone", "-c", PLAN) == said(tmp_path / "noisy", "-c", PLAN, "--noise")
    assert not list(tmp_path.glob("*/.hypothesis"))


def test_a_checkout_derives_what_an_installed_package_does(tmp_path: Path) -> None:
    packages = tmp_path / "site-packages"
    skip = shutil.ignore_patterns("tests", "__pycache__")
    shutil.copytree(PACKAGE, packages / "conformance", ignore=skip)
    shutil.copytree(SPECS, packages / "specs", ignore=skip)
    checkout = tmp_path / "src"
    shutil.copytree(packages, checkout)
    words = ("-m", "conformance.probes.derive", "5")
    assert said(tmp_path, *words, path=packages) == said(tmp_path, *words, path=checkout)


def test_no_run_loads_what_only_derives(tmp_path: Path) -> None:
    assert said(tmp_path, "-c", LEAN).strip() == "[]"


def test_the_second_run_reads_what_the_first_derived(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = derived(0)
    assert len(list(fresh.iterdir())) == 1
    derived.cache_clear()
    monkeypatch.setattr(module, "_derive", pytest.fail)
    assert derived(0) == first


@pytest.mark.parametrize("text", ["", "{", "\ud800"])
def test_a_broken_cache_is_mended(fresh: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(module, "_derive", lambda seed: json.dumps(EMPTY))
    assert derived(0) == Derived({}, {})
    (path,) = fresh.iterdir()
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    derived.cache_clear()
    assert derived(0) == Derived({}, {})
    assert json.loads(path.read_text(encoding="utf-8")) == EMPTY


EMPTY = {"levels": {}, "invalid": {}}


def test_a_folder_that_cannot_be_written_is_passed_over(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_derive", lambda seed: json.dumps(EMPTY))
    fresh.parent.parent.mkdir()
    fresh.parent.write_text("a file, and no folder", encoding="utf-8")
    assert derived(0) == Derived({}, {})


def test_a_user_without_a_home_has_no_cache(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(module, "_derive", lambda seed: json.dumps(EMPTY))
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    assert derived(0) == Derived({}, {})
    assert not fresh.exists()


def test_the_cache_stays_small(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_derive", lambda seed: json.dumps(EMPTY))
    for seed in range(KEPT + 3):
        derived(seed)
    assert len(list(fresh.iterdir())) == KEPT


def test_why_nothing_could_be_derived_is_told(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no such library >&2; exit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(Defect, match="no such library"):
        derived(0)
    assert not fresh.exists()
