"""The gate: how many requests are under way, and when a busy target may be asked again.

A target that says it is busy (429, 503) is obeyed by all: nobody asks before the time it gave, and
only half as many at once from then on. So a target with one slot is soon asked by one.
"""

from __future__ import annotations

import threading
import time
from http import HTTPStatus

from conformance.wire.exchange import Reply

LONGEST = 30.0  # seconds that are waited, whatever Retry-After says
SHORTEST = 1.0  # seconds, where it says nothing that can be read
TICK = 0.2  # seconds between two looks at whether the run was stopped
BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


def busy(reply: Reply | None) -> bool:
    """Whether a reply says that the target is busy."""
    return reply is not None and reply.status in BUSY


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

    def leave(self, reply: Reply | None) -> None:
        """Give the slot back, and heed what the target said."""
        with self._changed:
            self._inside -= 1
            if reply is not None and busy(reply):
                self.slots = max(1, min(self.slots, self._inside + 1) // 2)
                self._opens = max(self._opens, time.monotonic() + retry_after(reply))
            self._changed.notify_all()
