"""Engines turn tokens into scores for the next token; everything else belongs to the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Message = Mapping[str, Any]
Scores = npt.NDArray[np.float64]
Vector = npt.NDArray[np.floating[Any]]


class Embedder(Protocol):
    """What the server asks of a model that embeds.

    `width` is the length of its vectors, `tokens` the size of its vocabulary, `longest` the tokens
    that it reads at most.
    """

    name: str
    width: int
    tokens: int
    longest: int

    def words(self, text: str) -> list[int]:
        """A text as tokens."""
        ...

    def embed(self, tokens: Sequence[int]) -> Vector:
        """The vector of these tokens, which may be none; it has a length and is not zero."""
        ...


class Engine(Embedder, Protocol):
    """What the server asks of a model that answers; it embeds as well.

    `vocabulary` holds the bytes of each token (of special tokens too: their names), `special` the
    tokens that are no text, `ends` those that end an answer; `context` is in tokens, `pace` the
    seconds that a token takes at least. A `slow` engine is called in a thread beside the server.
    """

    name: str
    vocabulary: Sequence[bytes]
    special: frozenset[int]
    ends: frozenset[int]
    context: int
    pace: float
    slow: bool

    def render(self, messages: Sequence[Message]) -> list[int]:
        """A conversation of messages with plain text, as the tokens that make the model answer."""
        ...

    def encode(self, text: str) -> list[int]:
        """Plain text as tokens; special tokens are never recognised inside it."""
        ...

    def open(self, tokens: Sequence[int]) -> Any:
        """Begin a sequence with these tokens; the state of it."""
        ...

    def scores(self, states: Sequence[Any]) -> Scores:
        """Scores for the next token of each sequence, shape (sequences, vocabulary)."""
        ...

    def push(self, states: Sequence[Any], tokens: Sequence[int]) -> None:
        """Append the token that was chosen for each sequence."""
        ...

    def close(self, state: Any) -> None:
        """Free what the engine holds for a sequence."""
        ...
