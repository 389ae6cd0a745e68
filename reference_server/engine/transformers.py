"""Any causal language model that transformers can load, on CUDA or the CPU.

Each sequence is run alone, with a cache of its own. A batch would be faster, but the last bits of
its sums depend on how many sequences it has and how they are padded; they reach 4e-5 in a score,
and tip a draw that falls near the bound between two tokens. So what a seed means is exact.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from transformers import DynamicCache

from reference_server.engine import Message, Scores, Vector

CONTEXT = 2048  # tokens, where the model says nothing
Profile = Callable[[Scores, int], Scores]


class Words(Protocol):
    """What an engine knows about its tokens; as in `Engine`."""

    @property
    def vocabulary(self) -> Sequence[bytes]: ...  # noqa: D102
    @property
    def special(self) -> frozenset[int]: ...  # noqa: D102
    @property
    def ends(self) -> frozenset[int]: ...  # noqa: D102
    def render(self, messages: Sequence[Message]) -> list[int]: ...  # noqa: D102
    def encode(self, text: str) -> list[int]: ...  # noqa: D102


@dataclass
class _State:
    """One sequence; its cache is None once it is closed."""

    cache: Any
    scores: Scores
    made: int = 0


class Transformers:
    """The engine of one model. `profile` shapes scores by the number of tokens made so far, which
    a model without training needs to come to an end.
    """

    pace = 0.0
    slow = True

    def __init__(
        self, name: str, model: Any, words: Words, device: str, profile: Profile | None = None
    ) -> None:
        self.name = name
        self.vocabulary, self.special, self.ends = words.vocabulary, words.special, words.ends
        self.render, self.encode = words.render, words.encode
        self.context = self.longest = int(getattr(model.config, "max_position_embeddings", CONTEXT))
        self.width = int(model.config.hidden_size)
        self.tokens = len(words.vocabulary)
        self._model = model.to(device).eval()
        # transformers 5.24 gives the argument another name
        named = inspect.signature(model.forward).parameters
        self._cached = "cache" if "cache" in named else "past_key_values"
        self._device = device
        self._profile = profile

    def words(self, text: str) -> list[int]:
        """Plain text as tokens."""
        return self.encode(text)

    def open(self, tokens: Sequence[int]) -> _State:
        """Run the prompt; an empty one is the end of something else."""
        cache = DynamicCache()
        return _State(cache, self._run(cache, list(tokens) or [min(self.ends)]))

    def scores(self, states: Sequence[_State]) -> Scores:
        """The scores that the last run of each sequence gave."""
        if self._profile is None:
            return np.stack([state.scores for state in states])
        return np.stack([self._profile(state.scores, state.made) for state in states])

    def push(self, states: Sequence[_State], tokens: Sequence[int]) -> None:
        """Run one token of each sequence."""
        for state, token in zip(states, tokens, strict=True):
            state.scores = self._run(state.cache, [token])
            state.made += 1

    def _run(self, cache: Any, tokens: list[int]) -> Scores:
        given = torch.tensor([tokens], device=self._device)
        with torch.inference_mode():
            out = self._model(given, use_cache=True, **{self._cached: cache})
        scores: Scores = out.logits[0, -1].double().cpu().numpy()
        return scores

    def close(self, state: _State) -> None:
        """Forget the cache of a sequence."""
        state.cache = None

    def embed(self, tokens: Sequence[int]) -> Vector:
        """The mean of the last hidden states."""
        given = torch.tensor([list(tokens) or [min(self.ends)]], device=self._device)
        with torch.inference_mode():
            hidden = self._model.base_model(given).last_hidden_state
        vector: Vector = hidden[0].mean(0).double().cpu().numpy()
        return vector
