"""The terminal as a listener: a line that moves where there is a terminal, else a line at times."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from conformance.check import Finding
from conformance.probes.plan import Plan
from conformance.requirement import Profile
from conformance.text import finding, plain

EVERY = 10.0  # seconds between two lines of progress without a terminal


class Console:
    """Writes what a run does to a stream."""

    def __init__(self, profile: Profile, stream: TextIO | None = None) -> None:
        self.profile = profile
        self.stream = stream or sys.stderr
        self._moving = self.stream.isatty()
        self._told: set[tuple[str, str]] = set()
        self._last = time.monotonic()

    def say(self, line: str) -> None:
        """One line of its own."""
        clear = "\r\x1b[K" if self._moving else ""
        encoding = self.stream.encoding or "utf-8"
        safe = line.encode(encoding, "backslashreplace").decode(encoding)
        self.stream.write(f"{clear}{safe}\n")
        self.stream.flush()

    def looked(self, base: str, model: str, chosen: str) -> None:
        """Say what is tested."""
        self.say(f"target {plain(base)}, model {plain(model)} ({chosen})")

    def planned(self, plan: Plan, seconds: float | None) -> None:
        """Say what it costs."""
        cost = f"at most {plan.requests} requests and {plan.tokens} generated tokens"
        time_needed = f", about {seconds:.0f} s" if seconds is not None else ""
        self.say(f"plan: {cost}{time_needed}")

    def progress(self, done: int, of: int, findings: list[Finding]) -> None:
        """Say what is new."""
        for found in findings:
            key = (found.requirement, found.surface)
            line = finding(found, self.profile)
            if line and key not in self._told:
                self._told.add(key)
                self.say(line)
        if self._moving:
            self.stream.write(f"\r\x1b[K{done} of {of} dialogues, {len(self._told)} findings")
            self.stream.write("\n" if done == of else "")
            self.stream.flush()
        elif time.monotonic() - self._last > EVERY:
            self._last = time.monotonic()
            self.say(f"{done} of {of} dialogues")

    def shrinking(self, failed: int, requests: int) -> None:
        """Say what the second pass is for."""
        some = "finding" if failed == 1 else "findings"
        self.say(f"seeking the smallest request of {failed} {some}: at most {requests} requests")
