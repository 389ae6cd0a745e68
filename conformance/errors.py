"""Errors are values: a code for machines, what happened, and a hint on what to do.

ConformanceError
├── Misconfigured   options, files or environment of the person who runs the suite
├── Unusable        the target cannot be used as an API; nothing can be judged
└── Defect          the suite itself broke; never the target's fault
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class ConformanceError(Exception):
    """What happened, and what to do about it."""

    what: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.what}\n  hint: {self.hint}" if self.hint else self.what


class Misconfigured(ConformanceError):
    """An option, a file or the environment is wrong; nothing was sent."""


class Defect(ConformanceError):
    """The suite itself is wrong."""
