"""The tokens of a pretrained model: its tokenizer, as an engine wants to see it."""

from __future__ import annotations

from collections.abc import Sequence
from threading import RLock
from typing import Any

from reference_server.engine import Message


class Pretrained:
    """The tokenizer of a model; `size` is the number of scores that the model gives."""

    def __init__(self, tokenizer: Any, ends: Any, size: int) -> None:
        self._tokenizer = tokenizer
        self._alone = RLock()  # encoding sets options of the tokenizer, and threads share it
        self.vocabulary: Sequence[bytes] = _vocabulary(tokenizer, size)
        added = {i for i in tokenizer.all_special_ids if i is not None}
        self.special = frozenset(added | {n for n, text in enumerate(self.vocabulary) if not text})
        given = ends if isinstance(ends, list) else [ends, tokenizer.eos_token_id]
        self.ends = frozenset(end for end in given if end is not None)

    def render(self, messages: Sequence[Message]) -> list[int]:
        """The model's own template; text of messages is never read as special tokens."""
        with self._alone:
            return self._rendered(messages)

    def _rendered(self, messages: Sequence[Message]) -> list[int]:
        marks = [f"\ue000{n}\ue001" for n in range(len(messages))]
        named = [
            {"role": m["role"], "content": mark} for m, mark in zip(messages, marks, strict=True)
        ]
        text = self._tokenizer.apply_chat_template(
            named or [{"role": "user", "content": ""}], tokenize=False, add_generation_prompt=True
        )
        tokens: list[int] = []
        for mark, message in zip(marks, messages, strict=True):
            before, _, text = text.partition(mark)
            tokens += self._tokenizer.encode(before, add_special_tokens=False)
            tokens += self.encode(str(message["content"]))
        return tokens + list(self._tokenizer.encode(text, add_special_tokens=False))

    def encode(self, text: str) -> list[int]:
        """Plain text as tokens."""
        with self._alone:
            return list(
                self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
            )


def _vocabulary(tokenizer: Any, size: int) -> list[bytes]:
    """The bytes of each token: byte-level alphabets are undone, else the text is taken."""
    back = {character: byte for byte, character in _alphabet().items()}
    words = tokenizer.convert_ids_to_tokens(list(range(min(size, len(tokenizer)))))
    found = [_bytes(word or "", back) for word in words]
    return found + [b""] * (size - len(found))


def _bytes(word: str, back: dict[str, int]) -> bytes:
    if all(character in back for character in word):
        return bytes(back[character] for character in word)
    return word.replace("\u2581", " ").encode()


def _alphabet() -> dict[int, str]:
    """The characters by which byte-level tokenizers write bytes (GPT-2's table)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {b: chr(256 + n) for n, b in enumerate(rest)}
