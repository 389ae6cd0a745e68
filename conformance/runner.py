"""The runner: holds dialogues, keeps the budget, records. It knows nothing of right and wrong.

Probes that ask to be alone go first, one at a time; the others are held by as many threads as the
concurrency says. A dialogue is handed on, whole, when it has finished.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from http import HTTPStatus

from conformance.ledger import Tail
from conformance.probes.probe import Probe
from conformance.wire.client import Client
from conformance.wire.exchange import End, Exchange, Request

PATIENCE = 3  # times that a busy server is asked again
LONGEST_WAIT = 30.0  # seconds, whatever Retry-After says
LOST = 5  # dialogues without any reply, one after the other, after which the target is given up
TICK = 0.2  # seconds between two looks at the clock


@dataclass(frozen=True)
class Budget:
    """Upper bounds of a run; None is no bound."""

    seconds: float
    requests: int | None = None
    tokens: int | None = None


class Clock:
    """Seconds since the run began, in whole microseconds, so that a record keeps them exactly."""

    def __init__(self) -> None:
        self._zero = time.monotonic()

    def __call__(self) -> float:
        """Seconds since the run began."""
        return round(time.monotonic() - self._zero, 6)


class Runner:
    """Holds dialogues by a client. `stop` may be called from a signal handler."""

    def __init__(
        self, client: Client, clock: Clock, budget: Budget, concurrency: int, first: int = 0
    ) -> None:
        self.client = client
        self.clock = clock
        self.budget = budget
        self.concurrency = concurrency
        self.sent = 0
        self.tokens = 0
        self._numbers = itertools.count(first)
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._active: dict[int, int] = {}
        self._silent = 0

    def stop(self) -> None:
        """End the run: nothing more is sent, what is under way is abandoned."""
        self._stopped.set()
        self.client.abort()

    @property
    def stopped(self) -> bool:
        """Whether the run was told to stop."""
        return self._stopped.is_set()

    def hold(self, probe: Probe) -> tuple[Exchange, ...]:
        """Hold one dialogue to its end."""
        turns = probe.turns()
        exchanges: list[Exchange] = []
        try:
            turn = next(turns)
            while not self.stopped:
                if isinstance(turn, Request):
                    exchange = self._ask(turn, probe.name, exchanges)
                else:
                    exchange = self._ask_at_once(turn, probe.name, exchanges)
                turn = turns.send(exchange)
        except StopIteration:
            pass
        return tuple(exchanges)

    def _ask_at_once(
        self, requests: tuple[Request, ...], name: str, exchanges: list[Exchange]
    ) -> Exchange:
        """Send several requests at the same time; they keep their order in the dialogue."""
        first = len(exchanges)
        with ThreadPoolExecutor(len(requests)) as pool:
            sent = [
                pool.submit(self._send, request, name, first + n)
                for n, request in enumerate(requests)
            ]
            exchanges += [future.result() for future in sent]
        return exchanges[-1]

    def _ask(self, request: Request, name: str, exchanges: list[Exchange]) -> Exchange:
        """Send a request; a server that says it is busy is asked again after a while."""
        for _ in range(PATIENCE + 1):
            exchange = self._send(request, name, len(exchanges))
            exchanges.append(exchange)
            if not _busy(exchange) or self._stopped.wait(_retry_after(exchange)):
                break
        return exchange

    def _send(self, request: Request, name: str, step: int) -> Exchange:
        with self._lock:
            number = next(self._numbers)
            self.sent += 1
            for other in self._active:
                self._active[other] += 1
            self._active[number] = len(self._active)
        try:
            exchange = self.client.send(request, number=number, dialogue=name, step=step)
        finally:
            with self._lock:
                neighbours = self._active.pop(number)
        return replace(exchange, neighbours=neighbours)

    def run(self, probes: tuple[Probe, ...], done: Callable[[tuple[Exchange, ...]], None]) -> Tail:
        """Hold every dialogue that the budget allows; says why it ended."""
        began = self.clock()
        reason = self._alone([p for p in probes if p.alone], done)
        if not reason:
            reason = self._together([p for p in probes if not p.alone], done)
        words = reason or "complete"
        return Tail(words, _DETAILS.get(words, ""), round(self.clock() - began, 3))

    def _alone(self, probes: list[Probe], done: Callable[[tuple[Exchange, ...]], None]) -> str:
        for probe in probes:
            if reason := self._ended(probe):
                return reason
            self._finish(self.hold(probe), done)
        return ""

    def _together(self, probes: list[Probe], done: Callable[[tuple[Exchange, ...]], None]) -> str:
        queue = iter(probes)
        running: set[Future[tuple[Exchange, ...]]] = set()
        reason = ""
        with ThreadPoolExecutor(self.concurrency) as pool:
            while True:
                reason = self._over() or reason or self._fill(queue, running, pool)
                if not running:
                    return reason if reason != "empty" else ""
                finished, running = wait(running, TICK, FIRST_COMPLETED)
                for future in finished:
                    self._finish(future.result(), done)

    def _fill(
        self,
        queue: Iterator[Probe],
        running: set[Future[tuple[Exchange, ...]]],
        pool: ThreadPoolExecutor,
    ) -> str:
        """Start dialogues until all hands are busy; why no more are started, or nothing."""
        while len(running) < self.concurrency:
            probe = next(queue, None)
            if probe is None:
                return "empty"
            if reason := self._ended(probe):
                return reason
            running.add(pool.submit(self.hold, probe))
        return ""

    def _ended(self, probe: Probe) -> str:
        """Why a probe is not begun, or nothing; its tokens are booked if it is."""
        budget = self.budget
        if reason := self._over():
            return reason
        if budget.requests is not None and self.sent + probe.requests > budget.requests:
            return "requests"
        if budget.tokens is not None and self.tokens + probe.tokens > budget.tokens:
            return "tokens"
        self.tokens += probe.tokens
        return ""

    def _over(self) -> str:
        if self.stopped:
            return "interrupted"
        if self._silent >= LOST:
            return "lost"
        if self.clock() >= self.budget.seconds:
            self.client.abort()
            return "seconds"
        return ""

    def _finish(
        self, exchanges: tuple[Exchange, ...], done: Callable[[tuple[Exchange, ...]], None]
    ) -> None:
        if not exchanges:
            return
        silent = all(x.reply is None and x.end is End.BROKEN for x in exchanges)
        self._silent = self._silent + 1 if silent else 0
        done(exchanges)


_DETAILS = {
    "requests": "the budget of requests ended before the plan did",
    "tokens": "the budget of generated tokens ended before the plan did",
    "seconds": "the time ended before the plan did",
    "interrupted": "the run was stopped",
    "lost": f"the target gave no reply to {LOST} dialogues in a row",
}


def _busy(exchange: Exchange) -> bool:
    reply = exchange.reply
    busy = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
    return reply is not None and reply.status in busy


def _retry_after(exchange: Exchange) -> float:
    value = (exchange.reply.header("retry-after") if exchange.reply else None) or "1"
    return min(float(value), LONGEST_WAIT) if value.isascii() and value.isdigit() else 1.0
