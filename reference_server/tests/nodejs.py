"""The project that uses the official client for Node.js: how it is installed and run."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent / "node"
OLDEST = 20  # of Node.js, on which all this passes; the client itself asks for 22
PATIENCE = 180  # seconds for an installation, and for one file of tests on a slow model


def install(folder: Path) -> Path:
    """A copy of the project with the client installed exactly as locked; skips without Node.js."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("Node.js and npm are not installed: the official client for it is not tested")
    version = subprocess.check_output([node, "--version"], text=True).strip()
    if int(version.lstrip("v").partition(".")[0]) < OLDEST:
        pytest.skip(f"Node.js {version} is older than {OLDEST}: the official client is not tested")
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("node_modules"))
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, f"npm ci failed:\n{done.stderr}"
    return folder


def run(folder: Path, *command: str, **names: str) -> subprocess.CompletedProcess[str]:
    """Node.js with these arguments; `names` are added to its environment."""
    return subprocess.run(
        ["node", *command],
        cwd=folder,
        env=os.environ | names,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
