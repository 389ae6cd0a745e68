"""The runner: holds dialogues, keeps the budget, records. It knows nothing of right and wrong.

Dialogues are begun in the order of the plan, by as many threads as the concurrency says; one that
asks to be alone waits for the others and they for it. A dialogue is handed on, whole, when it has
finished.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

from conformance.gate import TICK, Gate, busy, silent
from conformance.ledger import Tail
from conformance.probes.probe import Abandoned, Probe
from conformance.wire.client import Client
from conformance.wire.exchange import End, Exchange, Request

PATIENCE = 4  # times that a busy server is asked again
AT_ONCE = 3  # requests that one dialogue sends at the same time
PAUSES = (1.0, 5.0)  # seconds after which a target is asked whether it is alive again
LOST = 5  # dialogues without any reply, one after the other, after which the target is given up
Done = Callable[[tuple[Exchange, ...]], None]


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
    """Holds dialogues by a client. `stop` may be called from a signal handler; `pace` is what a
    token takes in seconds, as far as is known.
    """

    def __init__(
        self, client: Client, clock: Clock, budget: Budget, concurrency: int, first: int = 0
    ) -> None:
        self.client = client
        self.clock = clock
        self.budget = budget
        self.concurrency = concurrency
        self.sent = 0
        self.tokens = 0
        self.pace = 0.0
        self._numbers = itertools.count(first)
        self._stopped = threading.Event()
        self._gate = Gate(concurrency * AT_ONCE, self._stopped)
        self._lock = threading.Lock()
        self._active: dict[int, int] = {}
        self._silent = 0
        self._gone = False
        self._left_out = 0

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
        turn: Request | tuple[Request, ...] = ()
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
        if probe.canary and isinstance(turn, Request):
            self._await(turn, probe.name, exchanges)
        return tuple(exchanges)

    def _await(self, request: Request, name: str, exchanges: list[Exchange]) -> None:
        """Ask a target again that was silent though it had only to be alive, then give it up."""
        for pause in PAUSES:
            if not _is_silent(exchanges[-1]) or self._stopped.wait(pause) or self._over():
                return
            exchanges.append(self._send(request, name, len(exchanges)))
        self._gone = self._gone or _is_silent(exchanges[-1])

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
        """Send a request; a server that says it is busy is asked again when it wants to be, one
        that was silent while others were under way is asked again alone.
        """
        for _ in range(PATIENCE + 1):
            exchange = self._send(request, name, len(exchanges))
            exchanges.append(exchange)
            crowded = silent(exchange) and exchange.neighbours > 0
            if not (busy(exchange.reply) or crowded) or self.stopped:
                break
        return exchange

    def _send(self, request: Request, name: str, step: int) -> Exchange:
        self._gate.enter()
        with self._lock:
            number = next(self._numbers)
            self.sent += 1
            for other in self._active:
                self._active[other] += 1
            self._active[number] = len(self._active)
        exchange = None
        try:
            cut = request.events if isinstance(request, Abandoned) else None
            exchange = self.client.send(
                request, number=number, dialogue=name, step=step, cut_after=cut
            )
        finally:
            with self._lock:
                neighbours = self._active.pop(number)
            exchange = exchange and replace(exchange, neighbours=neighbours)
            self._gate.leave(exchange)
        return exchange

    def affords(self, probe: Probe) -> bool:
        """Whether the budget has room for a dialogue more; its tokens are booked if so."""
        return not self._too_long(probe) and not self._ended(probe)

    def run(self, probes: tuple[Probe, ...], done: Done) -> Tail:
        """Hold every dialogue that the budget allows; says why it ended."""
        began = self.clock()
        running: set[Future[tuple[Exchange, ...]]] = set()
        reason = ""
        with ThreadPoolExecutor(self.concurrency) as pool:
            for probe in probes:
                self._settle(running, 0 if probe.alone else self.concurrency - 1, done)
                if reason := self._ended(probe):
                    break
                if self._too_long(probe):
                    continue
                running.add(pool.submit(self.hold, probe))
                if probe.alone:
                    self._settle(running, 0, done)
            self._settle(running, 0, done)
        words = self._over() or reason or ("seconds" if self._left_out else "complete")
        detail = GONE if self._gone and words == "lost" else _DETAILS.get(words, "")
        return Tail(words, detail, round(self.clock() - began, 3))

    def _settle(self, running: set[Future[tuple[Exchange, ...]]], most: int, done: Done) -> None:
        """Wait until no more than so many dialogues are under way."""
        while len(running) > most:
            self._over()
            finished, left = wait(running, TICK, FIRST_COMPLETED)
            running.intersection_update(left)
            for future in finished:
                self._finish(future.result(), done)

    def _too_long(self, probe: Probe) -> bool:
        """Whether a dialogue would take longer than the time that is left: it is left out, so that
        shorter ones still fit.
        """
        long = probe.tokens * self.pace > self.budget.seconds - self.clock()
        self._left_out += long
        return long

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
        if self._silent >= LOST or self._gone:
            return "lost"
        if self.clock() >= self.budget.seconds:
            self.client.abort()
            return "seconds"
        return ""

    def _finish(self, exchanges: tuple[Exchange, ...], done: Done) -> None:
        if not exchanges:
            return
        silent = all(x.reply is None and x.end is End.BROKEN for x in exchanges)
        self._silent = self._silent + 1 if silent else 0
        done(exchanges)


def _is_silent(exchange: Exchange) -> bool:
    """Whether nothing came, though we waited."""
    return exchange.reply is None and exchange.end in (End.BROKEN, End.LIMIT)


GONE = f"the target was asked {len(PAUSES) + 1} times whether it is alive and gave no reply"
_DETAILS = {
    "requests": "the budget of requests ended before the plan did",
    "tokens": "the budget of generated tokens ended before the plan did",
    "seconds": "the time ended before the plan did",
    "interrupted": "the run was stopped",
    "lost": f"the target gave no reply to {LOST} dialogues in a row",
}
