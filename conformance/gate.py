"""The gate: how many requests are under way, and when a busy target may be asked again.

A target that says it is busy (429, 503) is obeyed by all: nobody asks before the time it gave, and
only half as many at once from then on. So a target with one slot is soon asked by one. One that is
slow to begin its answers while others are under way is asked by half as many too, since all that
it may be is one after the other; one that is silent, by one.
"""

from __future__ import annotations

import threading
import time
from http import HTTPStatus

from conformance.wire.exchange import End, Exchange, Reply

LONGEST = 30.0  # seconds that are waited, whatever Retry-After says
SHORTEST = 1.0  # seconds, where it says nothing that can be read
SLOW = 5.0  # seconds to the first byte from which on fewer are sent at once
TICK = 0.2  # seconds between two looks at whether the run was stopped
BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


def busy(reply: Reply | None) -> bool:
    """Whether a reply says that the target is busy."""
    return reply is not None and reply.status in BUSY


def silent(exchange: Exchange) -> bool:
    """Whether no byte came in the time that there was."""
    return exchange.reply is None and exchange.end is End.LIMIT


def slow(exchange: Exchange) -> bool:
    """Whether the first byte of an answer kept us waiting."""
    pieces = exchange.reply.pieces if exchange.reply else ()
    return (pieces[0].at if pieces else exchange.ended) - exchange.started > SLOW


def retry_after(reply: Reply) -> float:
    """Seconds after which it wants to be asked again (RFC 9110 section 10.2.3); dates are not
    read.
    """
    value = reply.header("retry-after") or ""
    return min(float(value), LONGEST) if value.isascii() and value.isdigit() else SHORTEST


class Gate:
    """Lets `slots` through at once, fewer when the target was busy."""

    def __init__(self, slots: int, stopped: threading.Event) -> None:
        self.slots = slots
        self._stopped = stopped
        self._inside = 0
        self._opens = 0.0
        self._changed = threading.Condition()

    def enter(self) -> None:
        """Wait for a slot, and for the time that the target gave."""
        with self._changed:
            while not self._stopped.is_set() and self._closed():
                self._changed.wait(TICK)
            self._inside += 1

    def _closed(self) -> bool:
        return self._inside >= self.slots or time.monotonic() < self._opens

    def leave(self, exchange: Exchange | None) -> None:
        """Give the slot back, and heed what the exchange showed."""
        with self._changed:
            self._inside -= 1
            if exchange is not None:
                self._heed(exchange)
            self._changed.notify_all()

    def _heed(self, exchange: Exchange) -> None:
        reply, fewer = exchange.reply, max(1, min(self.slots, self._inside + 1) // 2)
        if reply is not None and busy(reply):
            self.slots = fewer
            self._opens = max(self._opens, time.monotonic() + retry_after(reply))
        elif exchange.neighbours and silent(exchange):
            self.slots = 1
        elif exchange.neighbours and slow(exchange):
            self.slots = fewer
