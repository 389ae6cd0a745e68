"""The official client for Node.js: the tests in `tests/node`, as `node --test` runs them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.node

PROJECT = Path(__file__).resolve().parents[1] / "node"
FILES = sorted(path.name for path in PROJECT.glob("*.test.mjs")) or ["no files"]
OLDEST = 20  # of Node.js, on which all this passes; the client itself asks for 22
PATIENCE = 180  # seconds for an installation, and for one file of tests on a slow model


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the client installed exactly as locked."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("Node.js and npm are not installed: the official client for it is not tested")
    version = subprocess.check_output([node, "--version"], text=True).strip()
    if int(version.lstrip("v").partition(".")[0]) < OLDEST:
        pytest.skip(f"Node.js {version} is older than {OLDEST}: the official client is not tested")
    folder = tmp_path_factory.mktemp("node") / "project"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("node_modules"))
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, f"npm ci failed:\n{done.stderr}"
    return folder


@pytest.mark.parametrize("name", FILES)
def test_the_client_works(target, project: Path, name: str) -> None:
    names = {"BASE_URL": target.url, "MODEL": target.model, "EMBEDDER": target.embedder}
    done = subprocess.run(
        ["node", "--test", "--test-reporter=tap", name],
        cwd=project,
        env=os.environ | names,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "\n# fail 0\n" in done.stdout
    assert "\n# skipped 0\n" in done.stdout


def test_the_lock_names_no_address() -> None:
    lock = (PROJECT / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in lock
    assert "://" not in lock
