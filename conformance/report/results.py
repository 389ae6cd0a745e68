"""`verdicts.json`: the judgement for machines, by the schema beside this module."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from conformance.check import Finding
from conformance.ledger import Recording
from conformance.report.clean import clean
from conformance.requirement import Profile
from conformance.verdict import Judgement, Row

FORMAT = 1


def render(judgement: Judgement, _: Recording) -> str:
    """The JSON text."""
    return json.dumps(document(judgement), indent=1, ensure_ascii=False) + "\n"


def document(judgement: Judgement) -> dict[str, Any]:
    """The judgement as JSON."""
    head, tail = judgement.head, judgement.tail
    code = judgement.exit(Profile(head.profile))
    return {
        "format": FORMAT,
        "target": clean(head.target),
        "model": clean(head.model),
        "suite": head.suite,
        "edition": head.edition,
        "document": head.document,
        "profile": head.profile,
        "intensity": head.intensity,
        "seed": head.seed,
        "started": head.started,
        "ended": {"reason": tail.reason, "detail": clean(tail.detail), "seconds": tail.seconds}
        if tail
        else None,
        "exit": {"code": int(code), "name": code.name.lower()},
        "exchanges": judgement.exchanges,
        "busy": judgement.busy,
        "smaller": judgement.smaller,
        "unusable": clean(judgement.unusable),
        "undecided": [clean(reason) for reason in judgement.undecided],
        "errors": [clean(error) for error in judgement.errors],
        "capabilities": [
            {"name": c.name, "claimed": c.claimed, "declared": c.declared, "why": c.why}
            for c in judgement.claims.values()
        ],
        "counts": {p: {v: n for v, n in judgement.count(p).items() if n} for p in Profile},
        "requirements": [_row(row) for row in judgement.rows],
        "coverage": [asdict(each) for each in judgement.coverage],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "id": row.requirement.id,
        "surface": row.surface,
        "levels": dict(row.requirement.levels),
        "verdicts": dict(row.verdicts),
        "judged": row.judged,
        "broken": row.broken,
        "findings": [_finding(found) for found in row.findings],
        "reason": clean(row.reason),
        "waived": clean(row.waived),
        "smallest": row.smallest
        and {
            "exchange": row.smallest.finding.exchange,
            "members": [clean(name) for name in row.smallest.members],
        },
    }


def _finding(found: Finding) -> dict[str, Any]:
    place = {"event": found.at.event, "pointer": clean(found.at.pointer), "offset": found.at.offset}
    return {
        "expected": clean(found.expected),
        "observed": clean(found.observed),
        "exchange": found.exchange,
        "place": place,
        "standing": found.standing,
    }
