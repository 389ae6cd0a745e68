"""`report.html`: one file that needs nothing else, findings first."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import yaml
from markupsafe import Markup, escape

from conformance.contract.contract import load
from conformance.contract.document import has, resolve
from conformance.ledger import Recording
from conformance.report import coverage, evidence
from conformance.report.clean import clean
from conformance.requirement import Profile
from conformance.text import HEADLINES
from conformance.verdict import Judgement, Row, Verdict
from conformance.wire.exchange import Exchange

TEMPLATES = Path(__file__).parent / "templates"
SYMBOLS = {
    Verdict.ERROR: "‼",
    Verdict.FAIL: "✗",
    Verdict.INCONCLUSIVE: "?",
    Verdict.WARN: "△",
    Verdict.PASS: "✓",
    Verdict.NOTE: "·",
    Verdict.NOT_CLAIMED: "○",
}
QUOTED = 12  # lines of the document that are quoted
EXAMPLES = 3  # exchanges shown for each finding


@dataclass(frozen=True)
class Example:
    """One exchange that shows a finding; `python` is its request for the official client, `json`
    its body, where it has one.
    """

    exchange: Exchange
    findings: tuple[Any, ...]
    curl: str
    json: str
    python: str
    head: str
    body: evidence.Marked
    events: tuple[evidence.EventRow, ...]


def render(judgement: Judgement, recording: Recording) -> str:
    """The page."""
    profile = Profile(judgement.head.profile)
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    rows = [row for row in judgement.rows if profile in row.verdicts]
    broken = sorted((row for row in rows if row.findings), key=lambda r: r.verdicts[profile].rank)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            judgement=judgement,
            head=judgement.head,
            tail=judgement.tail,
            profile=profile,
            profiles=list(Profile),
            code=judgement.exit(profile),
            headline=HEADLINES[judgement.exit(profile)],
            counts={v: n for v, n in judgement.count(profile).items() if n},
            unclaimed=judgement.unclaimed,
            open_reasons=_reasons(rows, profile),
            broken=[(row, list(_examples(row, judgement, recording))) for row in broken],
            surfaces=_by_surface(judgement.rows),
            coverage=coverage.view(judgement.coverage),
            symbols=SYMBOLS,
            sources=sources,
            style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),  # noqa: S704  our own
            script=Markup(script),  # noqa: S704  our own
            digest=digest,
        )
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: clean(value) if type(value) is str else value,
    )
    environment.filters["prose"] = _prose
    environment.filters["slug"] = lambda text: str(text).replace(" ", "-")
    return environment


def _prose(text: str) -> Markup:
    """Text of the catalogue, with what stands in backticks as code."""
    words = text.split("`")
    shown = [
        Markup("<code>{}</code>").format(w) if n % 2 else escape(w) for n, w in enumerate(words)
    ]
    return Markup("").join(shown)


def _reasons(rows: list[Row], profile: Profile) -> dict[str, list[str]]:
    """Why rows are inconclusive, each reason with the rows that share it."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.verdicts[profile] is Verdict.INCONCLUSIVE:
            found.setdefault(row.reason, []).append(f"{row.surface}::{row.requirement.id}")
    return found


def _by_surface(rows: tuple[Row, ...]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row.verdicts:
            found.setdefault(row.surface, []).append(row)
    return found


def _examples(row: Row, judgement: Judgement, recording: Recording) -> Iterator[Example]:
    exchanges = {exchange.number: exchange for exchange in recording.exchanges}
    found = (row.smallest.finding, *row.findings) if row.smallest else row.findings
    for number in list(dict.fromkeys(each.exchange for each in found))[:EXAMPLES]:
        if number in exchanges:
            exchange = exchanges[number]
            findings = tuple(each for each in found if each.exchange == number)
            yield Example(
                exchange,
                findings,
                evidence.curl(exchange, judgement.head.target),
                evidence.body(exchange),
                evidence.python(exchange, judgement.head.target),
                evidence.head(exchange),
                evidence.marked(exchange, findings),
                tuple(evidence.events(exchange, findings)),
            )


@cache
def sources(source: str) -> tuple[str, str]:
    """A source and, where it points into the document or the contract, what stands there."""
    tree = load().judging.tree
    if not source.startswith("#") or not has(tree, source):
        return source, ""
    lines = yaml.safe_dump(resolve(tree, source), sort_keys=False, allow_unicode=True).splitlines()
    more = ["…"] if len(lines) > QUOTED else []
    return source, "\n".join([*lines[:QUOTED], *more])
