"""A copying model over bytes, in numpy: instant, deterministic, and good at three things.

It repeats what the last message gave, it counts on, and it goes on with the sequence that a message
began. Which of them it does follows from the bytes before the next one alone: what followed them
earlier in the conversation is likely again, after a number the next number is, and the rest is
decided by a hash of the last bytes. It knows no prompt and holds no answer.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from reference_server.engine import Scores, Vector
from reference_server.engine.octets import END, LETTERS, OTHER, SIZE, USER, Octets

TABLE = 4096
WIDTH = 256  # of vectors
LOOK = 32  # bytes before the next one in which a count is seen
LENGTH = 40  # bytes after which an answer becomes likely to end
IMPOSSIBLE = -1e9


@dataclass
class _State:
    source: bytes  # the last message, from which is copied
    written: bytearray = field(default_factory=bytearray)


def _noise() -> Scores:
    """Scores by hash: common letters and blanks likely, other printable characters less so."""
    generator = np.random.Generator(np.random.PCG64(20240229))
    table = np.full((TABLE, SIZE), IMPOSSIBLE)
    table[:, 32:127] = generator.normal(0.0, 1.0, (TABLE, 95))
    for letter in LETTERS:
        table[:, letter] += 2.5
    table[:, END] = -4.0
    return table


class Embedded(Octets):
    """The engine that needs no model."""

    name = "embedded"
    context = 8192
    slow = False
    width = WIDTH
    tokens = SIZE
    longest = context

    def __init__(self, pace: float = 0.001) -> None:
        self.pace = pace
        self._noise = _noise()

    def open(self, tokens: Sequence[int]) -> _State:
        """A sequence that copies from its last message."""
        marks = [n for n, token in enumerate(tokens) if token in (USER, OTHER)]
        last = tokens[marks[-1] + 1 :] if marks else tokens
        return _State(bytes(token for token in last if token < END))

    def scores(self, states: Sequence[_State]) -> Scores:
        """Scores of each sequence."""
        return np.stack([self._one(state) for state in states])

    def _one(self, state: _State) -> Scores:
        written = bytes(state.written)
        context = (state.source[-3:] + written)[-3:]
        key = int.from_bytes(context, "big") * 2654435761 % 2**32 % TABLE
        scores: Scores = self._noise[key].copy()
        for byte, weight in self._likely(state.source, written):
            scores[byte] = max(scores[byte], 0.0) + weight
        scores[END] += 0.25 * max(0, len(written) - LENGTH)
        allowed = _continuations(written)
        if allowed is not None:
            kept = scores[list(allowed)]
            scores[:] = IMPOSSIBLE
            scores[list(allowed)] = np.maximum(kept, 0.0)
        return scores

    def _likely(self, source: bytes, written: bytes) -> list[tuple[int, float]]:
        """Bytes that copying and counting call for, with their weights."""
        found = []
        counted = _count_on(source, written)
        if counted:
            found.append((counted[0], 12.0))
        for length in (8, 4, 2):
            suffix = written[-length:]
            at = source.rfind(suffix) if len(suffix) == length else -1
            if 0 <= at < len(source) - length:
                found.append((source[at + length], 3.0 + length / 2))
                break
        if not written and (word := re.search(rb"[\w\x80-\xff]", source)):
            found.append((word.group()[0], 4.0))
        return found

    def push(self, states: Sequence[_State], tokens: Sequence[int]) -> None:
        """Append one token to each sequence."""
        for state, token in zip(states, tokens, strict=True):
            if token < END:
                state.written.append(token)

    def close(self, state: _State) -> None:
        """Nothing is held."""

    def words(self, text: str) -> list[int]:
        """The bytes of the text."""
        return self.encode(text)

    def embed(self, tokens: Sequence[int]) -> Vector:
        """Words and runs of three bytes, counted by hash, so that texts alike are near."""
        data = bytes(token for token in tokens if token < END).lower()
        features = [data[n : n + 3] for n in range(len(data) - 2)] + data.split()
        vector = np.zeros(WIDTH)
        vector[0] = 0.1  # a text without features has a vector too
        for feature in features:
            key = zlib.crc32(feature)
            vector[key % WIDTH] += 1.0 if key & 0x10000 else -1.0
        return vector if vector.any() else np.eye(1, WIDTH)[0]


def _count_on(source: bytes, written: bytes) -> bytes:
    """What goes on a count: the rest of the next number, or the blank after a number."""
    seen = written if re.search(rb"\d", written) else source + b" " + written
    match = re.search(rb"(\d{1,6})([ ,\n]{1,2})(\d*)$", seen[-LOOK:])
    if match is None:
        return b" " if re.search(rb"\d$", written) else b""
    following = str(int(match[1]) + 1).encode()
    if following == match[3]:
        return match[2]
    return following[len(match[3]) :] if following.startswith(match[3]) else b""


def _continuations(written: bytes) -> range | None:
    """The bytes that may follow in the middle of a character in UTF-8; None between characters."""
    for back in range(1, min(4, len(written) + 1)):
        byte = written[-back]
        if byte < 0x80:
            return None
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            if back >= length:
                return None
            return _second(byte) if back == 1 else range(0x80, 0xC0)
    return None


def _second(lead: int) -> range:
    """The second byte of a character, by its first (Unicode table 3-7)."""
    special = {
        0xE0: range(0xA0, 0xC0),
        0xED: range(0x80, 0xA0),
        0xF0: range(0x90, 0xC0),
        0xF4: range(0x80, 0x90),
    }
    return special.get(lead, range(0x80, 0xC0))
