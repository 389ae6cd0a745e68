"""Bytes as tokens: a vocabulary that needs no file, and conversations in it."""

from __future__ import annotations

from collections.abc import Sequence

from reference_server.engine import Message

END, USER, OTHER = 256, 257, 258
SIZE = 259
VOCABULARY: Sequence[bytes] = (*(bytes([n]) for n in range(256)), b"<end>", b"<user>", b"<other>")
SPECIAL = frozenset({END, USER, OTHER})
ENDS = frozenset({END})
LETTERS = b"etaoinshrdlu "


class Octets:
    """What an engine over bytes has in common with others of its kind."""

    vocabulary = VOCABULARY
    special = SPECIAL
    ends = ENDS

    def render(self, messages: Sequence[Message]) -> list[int]:
        """Each message as a mark of its role, its bytes and an end."""
        tokens: list[int] = []
        for message in messages:
            mark = USER if message["role"] == "user" else OTHER
            tokens += [mark, *self.encode(str(message["content"])), END]
        return tokens

    def encode(self, text: str) -> list[int]:
        """The bytes of the text."""
        return list(text.encode("utf-8", "replace"))
