"""Reports: what a ledger means, for people and for machines. Nothing here judges."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from conformance.errors import Defect
from conformance.ledger import Recording
from conformance.report import html, junit, results
from conformance.verdict import Judgement

WRITERS: Mapping[str, Callable[[Judgement, Recording], str]] = MappingProxyType(
    {"verdicts.json": results.render, "junit.xml": junit.render, "report.html": html.render}
)


def write(out: Path, judgement: Judgement, recording: Recording) -> tuple[Path, ...]:
    """Write every report beside the ledger, each whole or not at all.

    One writer that fails does not stop the others; all failures are told at the end.
    """
    written, failed = [], []
    for name, render in WRITERS.items():
        try:
            written.append(_write(out / name, render(judgement, recording)))
        except Exception as error:  # noqa: BLE001  the other reports must still be written
            failed.append(f"{name}: {type(error).__name__}: {error}")
    if failed:
        raise Defect(f"a report could not be written: {'; '.join(failed)}", "run.jsonl has it all")
    return tuple(written)


def _write(path: Path, text: str) -> Path:
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return path
