"""What the tester itself costs: CPU time for generating and for judging a request.

Records a standard run against the embedded reference server, then generates its plan and judges its
record several times in this process. Prints medians; run it with an idle second core.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from conformance import ledger
from conformance.contract.contract import load
from conformance.judge import Judge
from conformance.ledger import Recording
from conformance.probes.plan import plan
from conformance.prove import record

ROUNDS = 9
GENERATION, JUDGING = 1.0, 0.5  # milliseconds of CPU a request, at the most


def cpu(work: Callable[[], object]) -> list[float]:
    """Milliseconds of CPU of each round, after one that warms up."""
    work()
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        found.append((time.process_time() - began) * 1000)
    return found


def judged(recording: Recording) -> None:
    """Judge a whole record from its exchanges."""
    judge = Judge(recording.head)
    for exchanges in recording.dialogues():
        judge.dialogue(exchanges)
    judge.result(recording.tail)


def main() -> int:
    """Print the table; 1 if a figure is over its bound."""
    contract = load()
    began = time.process_time()
    plan(contract, "m", "standard", 0, frozenset({"chat"}))
    first = (time.process_time() - began) * 1000
    with tempfile.TemporaryDirectory() as folder:
        recording = ledger.read(record(Path(folder)).ledger)
    head = recording.head
    surfaces = frozenset(head.planned)
    planned = plan(contract, head.model, head.intensity, head.seed, surfaces)
    rows = [
        ("generation", planned.requests, GENERATION,
         cpu(lambda: plan(contract, head.model, head.intensity, head.seed, surfaces))),
        ("judging", len(recording.exchanges), JUDGING, cpu(lambda: judged(recording))),
    ]  # fmt: skip
    write = sys.stdout.write
    write("| work | requests | CPU a request, median | least | most | bound |\n")
    write("|---|---|---|---|---|---|\n")
    over = False
    for name, requests, bound, times in rows:
        each = [t / requests for t in times]
        median = statistics.median(each)
        over |= median > bound
        write(f"| {name} | {requests} | {median:.3f} ms | {min(each):.3f} ms | {max(each):.3f} ms ")
        write(f"| {bound} ms |\n")
    write(f"\nThe first plan of a process, imports included: {first:.0f} ms of CPU.\n")
    return int(over)


if __name__ == "__main__":
    raise SystemExit(main())
