"""Engines turn tokens into scores for the next token; everything else belongs to the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

Message = Mapping[str, object]


class Sequence_(Protocol):
    """One growing sequence of tokens inside an engine (the engine keeps its cache)."""

    def scores(self) -> npt.NDArray[np.float32]:
        """Scores (logits) for the next token, shape (vocabulary,)."""
        ...

    def push(self, token: int) -> None:
        """Append the token that was chosen."""
        ...

    def close(self) -> None:
        """Free whatever the engine holds for this sequence."""
        ...


class Engine(Protocol):
    """What the server asks of a model."""

    name: str
    vocabulary: Sequence[bytes]  # bytes of each token; empty for special tokens
    end_tokens: frozenset[int]
    context: int  # tokens

    def render(self, messages: Sequence[Message]) -> list[int]:
        """A conversation as the tokens that make the model answer it."""
        ...

    def encode(self, text: str) -> list[int]:
        """Plain text as tokens, special tokens never recognised inside it."""
        ...

    def open(self, tokens: Sequence[int]) -> Sequence_:
        """Begin a sequence with these tokens."""
        ...
