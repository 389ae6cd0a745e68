"""What the tester itself costs: CPU time for generating, for sending and for judging a request.

Records a standard run against the embedded reference server, then generates its plan, sends its
requests again without looking at the answers, and judges its record, several times in this process.
Prints medians; run it with an idle second core.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from conformance import ledger
from conformance.contract.contract import load
from conformance.judge import Judge
from conformance.ledger import Recording
from conformance.probes.plan import Plan, plan
from conformance.prove import record
from conformance.target import embedded
from conformance.wire.client import Client, Limits
from conformance.wire.exchange import Request

ROUNDS = 9
GENERATION, JUDGING = 1.0, 0.5  # milliseconds of CPU a request, at the most
LARGEST = 100_000  # bytes of a body: what hostile requests send is no measure of the others
START = "import conformance.cli, conformance.session, conformance.probes.plan"
Row = tuple[str, int, float | None, list[float]]


def cpu(work: Callable[[], object]) -> list[float]:
    """Milliseconds of CPU of each round, after one that warms up."""
    work()
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        found.append((time.process_time() - began) * 1000)
    return found


def child(*words: str) -> float:
    """Milliseconds of CPU of a Python of its own."""
    with tempfile.TemporaryDirectory() as empty:
        started = subprocess.Popen(  # noqa: S603  our own command
            [sys.executable, *words], stdout=subprocess.DEVNULL, cwd=empty
        )
        used = os.wait4(started.pid, 0)[2]
        started.returncode = 0
    return (used.ru_utime + used.ru_stime) * 1000


def judged(recording: Recording) -> None:
    """Judge a whole record from its exchanges."""
    judge = Judge(recording.head)
    for exchanges in recording.dialogues():
        judge.dialogue(exchanges)
    judge.result(recording.tail)


def planned(recording: Recording) -> Plan:
    """The plan of a record."""
    head = recording.head
    return plan(load(), head.model, head.intensity, head.seed, frozenset(head.planned))


def send(client: Client, requests: Sequence[Request]) -> None:
    """Send requests one by one, keeping what comes."""
    for number, request in enumerate(requests):
        client.send(request, number=number, dialogue="again", step=0)


def rows(recording: Recording) -> Iterator[Row]:
    """What is measured: how many requests, the bound, and the rounds."""
    gc.freeze()  # as the command does
    yield "generation", planned(recording).requests, GENERATION, cpu(lambda: planned(recording))
    yield "judging", len(recording.exchanges), JUDGING, cpu(lambda: judged(recording))
    every = [x.request for x in recording.exchanges if not x.request.pace]
    requests = [each for each in every if len(each.body or b"") < LARGEST]
    with embedded() as url:
        client = Client(url, key=None, limits=Limits(), clock=time.monotonic)
        yield "sending", len(requests), None, cpu(lambda: send(client, requests))
        client.close()


def main() -> int:
    """Print the table; 1 if a figure is over its bound."""
    with tempfile.TemporaryDirectory() as folder:
        recording = ledger.read(record(Path(folder)).ledger)
    write = sys.stdout.write
    write("| work | requests | CPU a request, median | least | most | bound |\n")
    write("|---|---|---|---|---|---|\n")
    over = False
    for name, requests, bound, times in rows(recording):
        each = [t / requests for t in times]
        median = statistics.median(each)
        over |= bound is not None and median > bound
        write(f"| {name} | {requests} | {median:.3f} ms | {min(each):.3f} ms | {max(each):.3f} ms ")
        write(f"| {f'{bound} ms' if bound else '-'} |\n")
    start = statistics.median(child("-c", START) for _ in range(ROUNDS))
    derive = statistics.median(child("-m", "conformance.probes.derive", "0") for _ in range(3))
    write(f"\nStarting, imports included: {start:.0f} ms of CPU. Deriving from the document, once ")
    write(f"for a version and a seed: {derive:.0f} ms.\n")
    return int(over)


if __name__ == "__main__":
    raise SystemExit(main())
