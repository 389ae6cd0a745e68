"""A random model, built in code: small enough to start at once, real enough to run all of torch.

Double precision gives the same texts on every device, or nearly. Random weights have no manners,
so its scores are shaped: printable characters, common letters first, and an end that
becomes likely with length.
"""

from __future__ import annotations

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from reference_server.engine import Scores
from reference_server.engine.octets import END, LETTERS, SIZE, Octets
from reference_server.engine.transformers import Transformers

LENGTH = 40  # bytes after which an answer becomes likely to end
IMPOSSIBLE = -1e9


def tiny(device: str) -> Transformers:
    """The engine of the random model."""
    torch.set_num_threads(1)  # more of them only wait for each other
    torch.manual_seed(20240229)
    config = LlamaConfig(
        vocab_size=SIZE,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=8192,
        initializer_range=0.3,
        bos_token_id=None,
        eos_token_id=END,
    )
    return Transformers("tiny", LlamaForCausalLM(config).double(), Octets(), device, _shaped)


def _taste() -> Scores:
    taste = np.full(SIZE, IMPOSSIBLE)
    taste[32:127] = 0.0
    taste[list(LETTERS)] = 2.5
    taste[END] = -4.0
    return taste


TASTE = _taste()


def _shaped(scores: Scores, made: int) -> Scores:
    spread = float(scores.std()) or 1.0
    shaped: Scores = scores / spread + TASTE
    shaped[END] += 0.25 * max(0, made - LENGTH)
    return shaped
