"""A model that embeds texts: mean pooling over its last hidden states (as MiniLM was trained)."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

import torch

from reference_server.engine import Vector


class Encoder:
    """The embedder of one model."""

    def __init__(self, name: str, model: Any, tokenizer: Any, device: str) -> None:
        self.name = name
        self.width = int(model.config.hidden_size)
        self.tokens = int(model.config.vocab_size)
        self.longest = int(model.config.max_position_embeddings)
        self._model = model.to(device).eval()
        self._tokenizer = tokenizer
        self._alone = Lock()  # encoding sets options of the tokenizer, and threads share it
        self._device = device

    def words(self, text: str) -> list[int]:
        """A text as tokens, with those that frame it."""
        with self._alone:
            return list(self._tokenizer(text, verbose=False)["input_ids"])

    def embed(self, tokens: Sequence[int]) -> Vector:
        """The mean of the last hidden states."""
        given = torch.tensor([list(tokens)], device=self._device)
        with torch.inference_mode():
            hidden = self._model(given).last_hidden_state
        vector: Vector = hidden[0].mean(0).double().cpu().numpy()
        return vector
