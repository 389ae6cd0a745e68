"""What is derived from the shipped document, by a process of its own, and kept for the next run.

It is kept in the user's cache under a digest of all that it depends on, so that it never has to be
thrown away; a cache that cannot be read or written is passed over.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from conformance.data import SPECS
from conformance.errors import Defect

LIMIT = 300.0  # seconds that the process may take; it takes two
DRAWN = 8  # values of each level, at the most
KEPT = 16  # files in the cache, the newest
PACKAGE = Path(__file__).resolve().parent.parent
LIBRARIES = ("hypothesis", "schemathesis", "jsonschema-rs")


@dataclass(frozen=True)
class Derived:
    """By operation: the values of each level of each member, and pairs of a member and a value
    that violates a constraint. Whoever takes a value must not change it.
    """

    levels: Mapping[str, Mapping[str, list[list[Any]]]]
    invalid: Mapping[str, Sequence[tuple[str, Any]]]


@cache
def derived(seed: int) -> Derived:
    """What is derived for a seed: the same on every machine, in every process."""
    where = folder()
    path = where and where / f"{_digest()}-{seed}.json"
    text = path and _read(path)
    if not text:
        text = _derive(seed)
        if path:
            _keep(path, text)
    tree = json.loads(text)
    return Derived(tree["levels"], tree["invalid"])


def folder() -> Path | None:
    """Where it is kept: below the cache of the user, if the user has a home at all."""
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:
        return None
    return Path(base) / "openai-conformance" / "derived"


@cache
def _digest() -> str:
    """A digest of all that what is derived depends on."""
    said = [platform.python_version(), *map(importlib.metadata.version, LIBRARIES)]
    digest = hashlib.sha256(" ".join(said).encode())
    for path in _sources():
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]


def _sources() -> Iterator[Path]:
    yield SPECS / "ollama-openai.yaml"
    for below in (SPECS / "overlays", PACKAGE / "contract", PACKAGE / "probes"):
        yield from sorted(p for p in below.iterdir() if p.suffix in (".py", ".yaml"))


def _derive(seed: int) -> str:
    """Ask the process, in an empty folder, where nothing is found that is not ours."""
    command = [sys.executable, "-m", "conformance.probes.derive", str(seed)]
    paths = (str(PACKAGE.parent), os.environ.get("PYTHONPATH", ""))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    with tempfile.TemporaryDirectory() as empty:
        try:
            done = subprocess.run(  # noqa: S603  our own module
                command,
                cwd=empty,
                env=environment,
                capture_output=True,
                text=True,
                timeout=LIMIT,
                check=True,
                start_new_session=True,  # Ctrl-C is for us to obey
            )
        except subprocess.CalledProcessError as error:
            raise Defect("no requests could be derived from the document", error.stderr) from None
        except subprocess.TimeoutExpired:
            raise Defect(f"deriving requests took more than {LIMIT:.0f} s") from None
    return done.stdout


def _read(path: Path) -> str | None:
    """What was kept, if it is whole."""
    with suppress(OSError, ValueError):
        text = path.read_text(encoding="utf-8")
        json.loads(text)
        return text
    return None


def _keep(path: Path, text: str) -> None:
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(f".{os.getpid()}.new")
        new.write_text(text, encoding="utf-8")
        new.replace(path)
        every = sorted(path.parent.glob("*.json"), key=lambda p: p.stat().st_mtime)
        for old in every[:-KEPT]:
            old.unlink(missing_ok=True)
