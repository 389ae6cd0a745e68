"""What failed is tried first next time: failing requests, kept beside the project between runs.

The folder holds one file of JSON, `failing.json`: for each target the path and the body of every
request by which a rule was broken, the smallest where one was found. It is a convenience: a file
that cannot be read or written is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from conformance.contract.contract import Contract
from conformance.ledger import Recording
from conformance.probes.probe import Probe, bound, post, single
from conformance.reading import Reading
from conformance.requirement import Profile
from conformance.verdict import Judgement, Row, Verdict

FILE = "failing.json"
AGAIN = "again."  # how the names of these dialogues begin
MOST = 50  # requests kept for one target
LARGEST = 20_000  # characters of a body
TOKENS = 64  # that a request may cost whose own limit is higher, or missing
Entry = dict[str, Any]


def recall(
    folder: Path, base: str, model: str, contract: Contract, surfaces: frozenset[str]
) -> Iterator[Probe]:
    """A probe for each request that failed at this target, on the surfaces that are wanted."""
    for n, entry in enumerate(_read(folder).get(base, [])):
        body = entry["body"] | ({"model": model} if "model" in entry["body"] else {})
        operation = contract.judging.route("POST", entry["path"])
        surface = operation and operation.surface(streamed=body.get("stream") is True)
        if surface in surfaces:
            request = post(entry["path"], body)
            yield single(f"{AGAIN}{n}", surface, request, tokens=_cost(body))


def _cost(body: Entry) -> int:
    try:
        return min(bound(body), TOKENS)
    except (TypeError, ValueError, OverflowError):
        return TOKENS


def keep(folder: Path, judgement: Judgement, recording: Recording, contract: Contract) -> None:
    """Keep what fails now; of what was kept before only what this run did not try."""
    exchanges = {exchange.number: exchange for exchange in recording.exchanges}
    readings = (Reading(exchanges[n], contract) for n in _failing(judgement) if n in exchanges)
    found = [_entry(x) for x in readings if isinstance(x.sent, dict) and x.operation and not x.odd]
    tried = {x.request.body for x in recording.exchanges if x.dialogue.find(AGAIN) >= 0}
    base = judgement.head.target
    everything = _read(folder)
    before = [e for e in everything.get(base, []) if post(e["path"], e["body"]).body not in tried]
    small = [e for e in [*found, *before] if len(json.dumps(e)) <= LARGEST]
    unique = list({json.dumps(e, sort_keys=True): e for e in small}.values())
    _write(folder, everything | {base: unique[:MOST]})


def _failing(judgement: Judgement) -> Iterator[int]:
    """The exchanges by which rules of the profile were broken, one for each."""
    profile = Profile(judgement.head.profile)
    for row in judgement.rows:
        if row.verdicts.get(profile) in (Verdict.FAIL, Verdict.WARN) and row.findings:
            yield _shown(row)


def _shown(row: Row) -> int:
    return (row.smallest.finding if row.smallest else row.findings[0]).exchange


def _entry(x: Reading) -> Entry:
    return {"path": x.exchange.request.path, "body": x.sent}


def _read(folder: Path) -> dict[str, list[Entry]]:
    try:
        tree = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    tree = tree if isinstance(tree, dict) else {}
    return {base: [e for e in _list(entries) if _usable(e)] for base, entries in tree.items()}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _usable(entry: Any) -> bool:
    parts = (entry.get("path"), entry.get("body")) if isinstance(entry, dict) else (None, None)
    return isinstance(parts[0], str) and isinstance(parts[1], dict)


def _write(folder: Path, tree: dict[str, list[Entry]]) -> None:
    kept = {base: entries for base, entries in tree.items() if entries}
    if not kept and not (folder / FILE).exists():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        new = folder / f"{FILE}.new"
        new.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        new.replace(folder / FILE)
    except OSError:
        return
