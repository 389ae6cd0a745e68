"""One proof held by several processes: each has the record, and takes shares of what is to be done.

What is done is a function of a proof, a folder and a list; its results come in any order. A list
that is short is done here.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from conformance import ledger
from conformance.prove import Proof

SHARES = 6  # for each process, so that none waits long for another at the end
FEW = 20  # are done here: a process takes seconds to begin
MOST = 8  # processes, unless more are asked for

Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[Proof, Path, Sequence[Item]], Iterable[Result]]


def processors() -> int:
    """How many processes are worth while here: on the wire each waits for half of its time."""
    return min(MOST, 2 * (os.cpu_count() or 1))


class Crew(AbstractContextManager["Crew"]):
    """Processes that share the work on one record; they end with the block or with us."""

    def __init__(self, record: Path, folder: Path, processes: int) -> None:
        self.proof = Proof(ledger.read(record))
        self._folder = folder
        self._processes = processes
        self._pool = ProcessPoolExecutor(
            processes, multiprocessing.get_context("spawn"), _begin, (record, folder)
        )

    def each(self, work: Work[Item, Result], items: Sequence[Item]) -> Iterator[Result]:
        """What some work has to say of every item; the work has to be a function of a module."""
        if self._processes == 1 or len(items) < FEW:
            yield from work(self.proof, self._folder, items)
            return
        count = SHARES * self._processes
        shares = [self._pool.submit(_share, work, items[n::count]) for n in range(count)]
        for done in as_completed(shares):
            yield from done.result()

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)


_HELD: list[tuple[Proof, Path]] = []  # what a process of the crew has


def _begin(record: Path, folder: Path) -> None:
    signal.signal(signal.SIGINT, lambda *_: os._exit(1))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _HELD.append((Proof(ledger.read(record)), folder))


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _share(work: Work[Item, Result], items: Sequence[Item]) -> list[Result]:
    proof, folder = _HELD[0]
    return list(work(proof, folder, items))
