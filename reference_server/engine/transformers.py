"""Any causal language model that transformers can load, on CUDA or the CPU.

Each sequence is opened alone; then all that are under way are run together, a token each, with
their caches padded on the left to one length. Weights are kept in float32 at least: in half
precision the last bits, and with them sampled texts, would depend on what runs beside a sequence.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from transformers import DynamicCache

from reference_server.engine import Message, Scores, Vector

CONTEXT = 2048  # tokens, where the model says nothing
Layers = list[tuple[Any, Any]]  # keys and values of each layer, shape (1, heads, tokens, width)
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


@dataclass(eq=False)
class _State:
    """One sequence; `layers` is empty while the sequence is in the group."""

    length: int
    scores: Scores
    layers: Layers = field(default_factory=list)
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
        self._group: list[_State] = []
        self._cache: Any = None

    def words(self, text: str) -> list[int]:
        """Plain text as tokens."""
        return self.encode(text)

    @torch.inference_mode()
    def open(self, tokens: Sequence[int]) -> _State:
        """Run the prompt; an empty one is the end of something else."""
        given = torch.tensor([list(tokens) or [min(self.ends)]], device=self._device)
        cache = DynamicCache()
        out = self._model(given, use_cache=True, **{self._cached: cache})
        layers = _layers(cache)
        return _State(given.shape[1], out.logits[0, -1].double().cpu().numpy(), layers)

    def scores(self, states: Sequence[_State]) -> Scores:
        """The scores that the last run of each sequence gave."""
        if self._profile is None:
            return np.stack([state.scores for state in states])
        return np.stack([self._profile(state.scores, state.made) for state in states])

    @torch.inference_mode()
    def push(self, states: Sequence[_State], tokens: Sequence[int]) -> None:
        """Run one token of each sequence, all of them at once."""
        self._regroup(list(states))
        lengths = torch.tensor([state.length for state in states], device=self._device)
        longest = int(lengths.max()) + 1
        places = torch.arange(longest, device=self._device)
        mask = places >= (longest - 1 - lengths)[:, None]
        out = self._model(
            torch.tensor(tokens, device=self._device)[:, None],
            attention_mask=mask.long(),
            position_ids=lengths[:, None],
            use_cache=True,
            **{self._cached: self._cache},
        )
        scores = out.logits[:, -1].double().cpu().numpy()
        for state, row in zip(states, scores, strict=True):
            state.length, state.made, state.scores = state.length + 1, state.made + 1, row

    def _regroup(self, states: list[_State]) -> None:
        """Make these sequences the group whose caches are padded to one length."""
        if [id(state) for state in states] == [id(state) for state in self._group]:
            return
        for n, state in enumerate(self._group):
            state.layers = [
                (
                    layer.keys[n : n + 1, :, -state.length :],
                    layer.values[n : n + 1, :, -state.length :],
                )
                for layer in self._cache.layers
            ]
        longest = max(state.length for state in states)
        self._group, self._cache = states, DynamicCache()
        for number in range(len(states[0].layers)):
            pairs = [(state.layers[number], longest - state.length) for state in states]
            keys = torch.cat([_padded(keys, by) for (keys, _), by in pairs])
            values = torch.cat([_padded(values, by) for (_, values), by in pairs])
            self._cache.update(keys, values, number)
        for state in states:
            state.layers = []

    def close(self, state: _State) -> None:
        """Forget the cache of a sequence; in the group it stays until that changes."""
        state.layers = []
        if self._group == [state]:
            self._group, self._cache = [], None

    @torch.inference_mode()
    def embed(self, tokens: Sequence[int]) -> Vector:
        """The mean of the last hidden states."""
        given = torch.tensor([list(tokens) or [min(self.ends)]], device=self._device)
        hidden = self._model.base_model(given).last_hidden_state
        vector: Vector = hidden[0].mean(0).double().cpu().numpy()
        return vector


def _layers(cache: Any) -> Layers:
    return [(layer.keys, layer.values) for layer in cache.layers]


def _padded(tensor: Any, by: int) -> Any:
    return torch.nn.functional.pad(tensor, (0, 0, by, 0)) if by else tensor
