"""Our suite and schemathesis side by side: the same server, clean and with faults drawn by a seed,
each tester limited to the surface concerned.

Every run has a fresh server of its own. CPU of the tester is that of its process, from its start to
its end with all reports; that of the server is told by the server, and so are the requests. What is
told of the clean server too proves nothing, so a fault counts as found by what is new.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Event

from rivals.drawn import concerned, draw, theme
from rivals.server import Spent, serving, spent
from rivals.testers import Finding, Ours, Tester, Told, testers

from reference_server.faults import Fault

NOTHING = Told({}, 0)
EVERYTHING = ""  # no surface that a tester is limited to
POLL = 0.05  # seconds between two looks at a child
COSTS = (
    "requests | of them with success | judged | wall s | CPU s of the tester "
    "| CPU ms a judged request | CPU s of the server |"
)


@dataclass(frozen=True)
class Ran:
    """One run of one tester: what it told, what it cost, and what went wrong."""

    told: Told
    server: Spent
    wall: float
    cpu: float
    problem: str = ""


@dataclass
class Score:
    """What came of one tester: its runs on the clean server by surface, and on each fault."""

    clean: dict[str, Ran] = field(default_factory=dict)
    faulty: dict[str, Ran] = field(default_factory=dict)


@dataclass(frozen=True)
class Bench:
    """Where runs write, and how long one of them may take; `stop` ends them all."""

    work: Path
    limit: float
    stop: Event = field(default_factory=Event)

    def run(self, tester: Tester, surface: str, where: str = "") -> Ran:
        """A tester on one surface of a fresh server, below a path of it."""
        with tempfile.TemporaryDirectory(dir=self.work) as name, serving() as url:
            out, began, before = Path(name), time.monotonic(), spent(url)
            with (out / "said").open("wb") as said:
                child = subprocess.Popen(  # noqa: S603  our own command
                    tester.command(f"{url}{where}/v1", surface, out),
                    stdout=said,
                    stderr=subprocess.STDOUT,
                    cwd=out,
                    env={**os.environ, **tester.environment(surface)},
                    start_new_session=True,  # Ctrl-C is ours; the child is stopped by us
                )
            cpu, problem = self._ended(child)
            wall = time.monotonic() - began
            told, failed = _read(tester, out)
            try:
                server = spent(url).since(before)
            except OSError as error:
                server, failed = Spent(0, 0, 0.0), f"the server does not answer: {error}; {failed}"
            return Ran(told, server, wall, cpu, f"{problem} {failed}".strip())

    def _ended(self, child: subprocess.Popen[bytes]) -> tuple[float, str]:
        """The CPU of a child and of what it started, and whether it had to be stopped."""
        deadline, problem = time.monotonic() + self.limit, ""
        while not (ended := os.wait4(child.pid, os.WNOHANG))[0]:
            if self.stop.wait(POLL) or time.monotonic() > deadline:
                problem = "stopped"
                child.kill()
        child.returncode = os.waitstatus_to_exitcode(ended[1])
        return ended[2].ru_utime + ended[2].ru_stime, problem


def _read(tester: Tester, out: Path) -> tuple[Told, str]:
    """What a tester told, or why nothing can be read."""
    try:
        return tester.read(out), ""
    except (OSError, ValueError, KeyError) as error:
        end = (out / "said").read_text(encoding="utf-8", errors="replace")[-300:]
        return NOTHING, f"{type(error).__name__}: {error}; {end}"


def found(tester: Tester, fault: Fault, ran: Ran, clean: Ran) -> Mapping[Finding, str]:
    """What a run shows of a fault: what is not on the clean server, and with our own suite only
    what the fault says that it breaks.
    """
    new = {key: said for key, said in ran.told.findings.items() if key not in clean.told.findings}
    if isinstance(tester, Ours):
        new = {key: said for key, said in new.items() if key[0] in fault.breaks}
    return new


def compare(
    bench: Bench,
    every: Sequence[Tester],
    faults: Sequence[Fault],
    scores: Mapping[str, Score],
    at_once: int,
) -> None:
    """Fill the scores: the clean server first, then fault by fault."""
    began = time.monotonic()

    def job(place: str, tester: Tester, surface: str, fault: Fault | None = None) -> None:
        if bench.stop.is_set():
            return
        ran = bench.run(tester, surface, f"/fault/{fault.id}" if fault else "")
        if not bench.stop.is_set():
            score = scores[tester.name]
            (score.faulty if fault else score.clean)[fault.id if fault else surface] = ran
            _tell(began, f"{place} {fault.id if fault else surface}", tester, ran)

    surfaces = [EVERYTHING, *sorted({concerned(fault) for fault in faults})]
    with ThreadPoolExecutor(at_once) as pool:
        todo = [pool.submit(job, "clean", t, surface) for surface in surfaces for t in every]
        todo += [
            pool.submit(job, f"{n}/{len(faults)}", t, concerned(fault), fault)
            for n, fault in enumerate(faults, 1)
            for t in every
        ]
        try:
            for each in todo:
                each.result()
        except BaseException:
            bench.stop.set()
            raise


def _tell(began: float, what: str, tester: Tester, ran: Ran) -> None:
    sys.stderr.write(
        f"{time.monotonic() - began:6.0f} s  {what}  {tester.name}: "
        f"{len(ran.told.findings)} findings, "
        f"{ran.server.requests} requests, {ran.cpu:.1f} s CPU, {ran.wall:.1f} s {ran.problem}\n"
    )


def costs(runs: Sequence[Ran]) -> str:
    """What some runs of one tester cost, as cells."""
    judged, cpu = sum(ran.told.judged for ran in runs), sum(ran.cpu for ran in runs)
    return (
        f"{sum(ran.server.requests for ran in runs):,} "
        f"| {sum(ran.server.succeeded for ran in runs):,} | {judged:,} "
        f"| {sum(ran.wall for ran in runs):,.0f} | {cpu:,.1f} | {1000 * cpu / (judged or 1):.1f} "
        f"| {sum(ran.server.cpu for ran in runs):,.1f} |"
    )


def table(
    every: Sequence[Tester], faults: Sequence[Fault], scores: Mapping[str, Score]
) -> Iterator[str]:
    """One row a tester: what it found, and what its runs on the faults cost together."""
    done = [fault for fault in faults if all(fault.id in scores[t.name].faulty for t in every)]
    yield f"| tester | faults found of {len(done)} | alarms on the clean server | {COSTS}"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for tester in every:
        score = scores[tester.name]
        pairs = [(f, score.faulty[f.id], score.clean[concerned(f)]) for f in done]
        hits = sum(bool(found(tester, *pair)) for pair in pairs)
        alarms = sum(len(ran.told.findings) for name, ran in score.clean.items() if name)
        yield f"| {tester.name} | {hits} | {alarms} | {costs([ran for _, ran, _ in pairs])}"


def whole(every: Sequence[Tester], scores: Mapping[str, Score]) -> Iterator[str]:
    """One row a tester: one run on all of the clean server."""
    yield f"| tester | alarms on the clean server | {COSTS}"
    yield "|---|---|---|---|---|---|---|---|---|"
    for tester in every:
        if ran := scores[tester.name].clean.get(EVERYTHING):
            yield f"| {tester.name} | {len(ran.told.findings)} | {costs([ran])}"


def by_fault(
    every: Sequence[Tester], faults: Sequence[Fault], scores: Mapping[str, Score]
) -> Iterator[str]:
    """One row a fault: how many findings each tester has that the clean server does not show."""
    yield f"| fault | about | surface | {' | '.join(t.name for t in every)} |"
    yield "|---|---|---|" + "---|" * len(every)
    for fault in faults:
        surface = concerned(fault)
        ran = [(t, scores[t.name].faulty.get(fault.id)) for t in every]
        shown = [
            str(len(found(t, fault, r, scores[t.name].clean[surface])) or "-") if r else "?"
            for t, r in ran
        ]
        yield f"| {fault.id} | {theme(fault)} | {surface} | {' | '.join(shown)} |"


def details(
    every: Sequence[Tester], faults: Sequence[Fault], scores: Mapping[str, Score]
) -> dict[str, object]:
    """Everything that was found, to be read: alarms by surface, and what is new by fault."""
    surfaces = {fault.id: concerned(fault) for fault in faults}
    byid = {fault.id: fault for fault in faults}

    def said(findings: Mapping[Finding, str]) -> list[object]:
        return [{"finding": key, "example": example} for key, example in findings.items()]

    return {
        tester.name: {
            "clean": {s: said(r.told.findings) for s, r in scores[tester.name].clean.items()},
            "faults": {
                id_: {
                    "text": byid[id_].text,
                    "breaks": sorted(byid[id_].breaks),
                    "new": said(found(tester, byid[id_], r, clean)),
                    "all": said(r.told.findings),
                    "judged": r.told.judged,
                    "wall": r.wall,
                    "cpu": r.cpu,
                    "problem": r.problem,
                    **asdict(r.server),
                }
                for id_, r in scores[tester.name].faulty.items()
                if (clean := scores[tester.name].clean[surfaces[id_]])
            },
        }
        for tester in every
    }


def main() -> int:
    """Compare, and print what came, also when it was interrupted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--faults", type=int, default=40, metavar="N", help="how many are drawn")
    parser.add_argument("--seed", type=int, default=7, help="of the draw")
    parser.add_argument("--examples", type=int, default=100, help="of schemathesis' fuzzing phase")
    parser.add_argument("--at-once", type=int, default=1, metavar="N", help="runs at the same time")
    parser.add_argument("--limit", type=float, default=180.0, help="seconds that a run may take")
    parser.add_argument("--out", type=Path, help="folder for what was found, fault by fault")
    arguments = parser.parse_args()
    faults = draw(arguments.faults, arguments.seed)
    with tempfile.TemporaryDirectory() as name:
        every = testers(Path(name), arguments.examples)
        scores = {tester.name: Score() for tester in every}
        code = 0
        try:
            bench = Bench(Path(name), arguments.limit)
            compare(bench, every, faults, scores, arguments.at_once)
        except KeyboardInterrupt:
            code = 130
    for rows in (table(every, faults, scores), whole(every, scores)):
        sys.stdout.write("\n".join(rows) + "\n\n")
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        text = "\n".join(by_fault(every, faults, scores))
        (arguments.out / "faults.md").write_text(text + "\n", encoding="utf-8")
        text = json.dumps(details(every, faults, scores), indent=1, ensure_ascii=False)
        (arguments.out / "findings.json").write_text(
            text + "\n", encoding="utf-8", errors="backslashreplace"
        )
    return code


if __name__ == "__main__":
    raise SystemExit(main())
