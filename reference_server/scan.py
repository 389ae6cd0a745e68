"""Text on its way out: stop strings are held back, and tokens go with the text they are."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reference_server.job import Token


@dataclass
class StopScanner:
    """Lets text through up to a stop string, holding back what may become one."""

    stops: Sequence[str]
    _held: str = ""
    stopped: bool = False

    def feed(self, text: str) -> str:
        """The text that is safe to send."""
        self._held += text
        found = [at for stop in self.stops if (at := self._held.find(stop)) >= 0]
        if found:
            self.stopped = True
            self._held, out = "", self._held[: min(found)]
            return out
        keep = max((self._overlap(stop) for stop in self.stops), default=0)
        cut = len(self._held) - keep
        out, self._held = self._held[:cut], self._held[cut:]
        return out

    def _overlap(self, stop: str) -> int:
        sizes = range(min(len(stop) - 1, len(self._held)), 0, -1)
        return next((n for n in sizes if self._held.endswith(stop[:n])), 0)

    def rest(self) -> str:
        """What was held back, when nothing more comes."""
        out, self._held = self._held, ""
        return out


@dataclass
class Alignment:
    """Finds the tokens behind text that is let through: a token goes out with its last byte."""

    _waiting: deque[Token] = field(default_factory=deque)
    _through: int = 0  # bytes let through of the first token that waits

    def push(self, token: Token) -> None:
        """A token was made."""
        self._waiting.append(token)

    def take(self, text: str) -> tuple[Token, ...]:
        """The tokens that end in this text."""
        self._through += len(text.encode())
        done = []
        while self._waiting and len(self._waiting[0].data) <= self._through:
            token = self._waiting.popleft()
            self._through -= len(token.data)
            done.append(token)
        return tuple(done)

    def cut(self) -> tuple[Token, ...]:
        """The part that was let through of a token which a stop string has cut."""
        if not self._through or not self._waiting:
            return ()
        first = self._waiting[0]
        return (replace(first, data=first.data[: self._through]),)
