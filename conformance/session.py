"""A pytest session against a target: runs surface by surface, verdicts for items, one report."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from conformance import again, ledger, parts, report
from conformance.config import CACHE, SHRINK, Options, check_only, vendor_file
from conformance.contract.contract import load
from conformance.judge import judge
from conformance.probes.plan import INTENSITIES
from conformance.requirement import Level, Profile, catalogue, selected
from conformance.run import Run, Silent, default_out
from conformance.signals import stopping
from conformance.target import bases
from conformance.text import summary
from conformance.verdict import Judgement, Row, Verdict

Pair = tuple[str, str]  # surface, requirement id


class Session:
    """The target of a pytest session, in one process or in a worker of pytest-xdist.

    `shared` is the folder in which workers leave their parts; the controller makes it.
    """

    def __init__(
        self, url: str, given: Mapping[str, str | None], worker: str, shared: Path | None
    ) -> None:
        self.url = url
        self.options = _options(url, given)
        self.worker = worker
        self.pairs = _pairs(self.options)
        self.unusable = ""
        self.judgement: Judgement | None = None
        self.workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
        self._folder = None if shared else tempfile.TemporaryDirectory(prefix="conformance-")
        self.shared = shared or Path(self._folder.name if self._folder else "")
        self._chosen: list[Pair] = []
        self._rows: dict[str, dict[Pair, Row]] = {}

    def choose(self, pairs: Sequence[Pair]) -> None:
        """Which items are going to be run."""
        self._chosen = list(pairs)

    def row(self, surface: str, requirement: str) -> Row:
        """The verdicts of an item; the first one of a surface holds its part of the plan."""
        if surface not in self._rows:
            self._rows[surface] = self._run(surface)
        return self._rows[surface][surface, requirement]

    def _run(self, surface: str) -> dict[Pair, Row]:
        only = tuple(f"{s}::{id_}" for s, id_ in self._chosen if s == surface)
        share = self.options.max_requests and max(1, self.options.max_requests // self.workers)
        options = replace(self.options, only=only, max_requests=share)
        name = f"{self.worker or 'main'}-{surface}"
        run = Run(self.url, options, self.shared / name, Silent())
        with stopping(run.stop) as signals:
            result = run.execute()
        if signals:
            raise KeyboardInterrupt
        self.unusable = result.judgement.unusable
        return {(row.surface, row.requirement.id): row for row in result.judgement.rows}

    def outcome(self, row: Row) -> tuple[str, str]:
        """What a row means for its item: `pass`, `warn`, `fail`, `error`, `skip` or `xfail`."""
        verdict = row.verdicts[self.options.profile]
        if row.waived:
            return "xfail", row.waived
        said = "\n".join(report.junit.lines(row)) if row.findings else row.reason
        outcomes = {
            Verdict.ERROR: "error",
            Verdict.FAIL: "fail",
            Verdict.WARN: "warn",
            Verdict.INCONCLUSIVE: "fail" if row.counts else "skip",
            Verdict.NOT_CLAIMED: "skip",
        }
        return outcomes.get(verdict, "pass"), said

    def finish(self) -> None:
        """Join the parts and write the reports; workers leave that to the controller."""
        found = sorted(self.shared.glob("*/run.jsonl"))
        if self.worker or not found:
            return
        out = self.options.out or default_out(bases(self.url)[0])
        out.mkdir(parents=True, exist_ok=True)
        recordings = [ledger.read(path) for path in found]
        chosen = tuple(dict.fromkeys(word for part in recordings for word in part.head.only))
        everything = {f"{surface}::{id_}" for surface, id_ in self.pairs} == set(chosen)
        only = self.options.only if everything else chosen
        recording = parts.join(recordings, only, out / "run.jsonl")
        self.judgement = judge(recording)
        stopped = recording.tail is not None and recording.tail.reason == "interrupted"
        self.unusable = "" if stopped else self.judgement.unusable
        if self.options.cache is not None:
            again.keep(self.options.cache, self.judgement, recording, load())
        report.write(out, self.judgement, recording)
        self.options = replace(self.options, out=out)
        if self._folder is not None:
            self._folder.cleanup()

    def summary(self) -> Iterator[str]:
        """The judgement in words, and where the report is."""
        if self.judgement is not None:
            yield from summary(self.judgement)
            yield f"report: {self.options.out}/report.html"


def _options(url: str, given: Mapping[str, str | None]) -> Options:
    """The options of the command, from those of pytest; raises `Misconfigured` or `ValueError`."""
    bases(url)
    capabilities, waivers = vendor_file(Path.cwd())
    only = tuple(word for word in (given["only"] or "").split(",") if word)
    check_only(only, catalogue())
    intensity = given["intensity"] or "standard"
    if intensity not in INTENSITIES:
        raise ValueError(f"--target-intensity is one of {', '.join(INTENSITIES)}")
    out = given["out"]
    return Options(
        url=url,
        model=given["model"],
        embedding_model=given["embedding-model"],
        api_key=given["api-key"] or os.environ.get("OPENAI_API_KEY"),
        profile=Profile(given["profile"] or "ollama"),
        intensity=intensity,
        concurrency=int(given["concurrency"] or 4),
        max_requests=_number(given["max-requests"]),
        max_seconds=float(given["max-seconds"]) if given["max-seconds"] else None,
        max_generated_tokens=_number(given["max-generated-tokens"]),
        only=only,
        out=Path(out).absolute() if out else None,
        seed=int(given["seed"] or 0),
        shrink=int(given["shrink"] or SHRINK),
        cache=None if given["cache"] == "none" else Path(given["cache"] or CACHE).absolute(),
        capabilities=capabilities,
        waivers=waivers,
    )


def _number(text: str | None) -> int | None:
    return int(text) if text else None


def _pairs(options: Options) -> list[Pair]:
    """Every item of the profile in force, surface by surface."""
    chosen = [
        (surface, requirement.id)
        for requirement, surface in selected(options.only, catalogue())
        if requirement.levels[options.profile] is not Level.OFF
    ]
    surfaces = list(dict.fromkeys(surface for surface, _ in chosen))
    return sorted(chosen, key=lambda pair: surfaces.index(pair[0]))
