"""Any causal language model that transformers can load, on CUDA or the CPU.

Each sequence has a cache of its own and is run alone, so that its scores do not depend on what runs
beside it. Weights are kept in float32: in half precision the last bits, and with them sampled
texts, would differ from machine to machine.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reference_server.engine import Message, Scores

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning threads slow their neighbours
os.environ.setdefault("HF_HUB_OFFLINE", "1")

CONTEXT = 2048  # tokens, where the model says nothing


@dataclass
class _State:
    cache: Any
    scores: Scores


class Transformers:
    """The engine of one model."""

    pace = 0.0

    def __init__(self, name: str, model: Any, tokenizer: Any, device: str) -> None:
        self.name = name
        self._model = model.to(device).eval()
        self._tokenizer = tokenizer
        self._device = device
        size = model.get_output_embeddings().weight.shape[0]
        self.vocabulary: Sequence[bytes] = _vocabulary(tokenizer, size)
        added = {i for i in tokenizer.all_special_ids if i is not None}
        self.special = frozenset(added | {n for n, text in enumerate(self.vocabulary) if not text})
        given = model.generation_config.eos_token_id
        ends = given if isinstance(given, list) else [given, tokenizer.eos_token_id]
        self.ends = frozenset(end for end in ends if end is not None)
        self.context = int(getattr(model.config, "max_position_embeddings", CONTEXT))

    @classmethod
    def load(cls, path: str | None, device: str) -> Transformers:
        """A model from a folder, or from a GGUF file; raises `SystemExit` with what is missing."""
        if path is None:
            raise SystemExit("reference-server: --engine transformers needs --model PATH")
        try:
            import torch  # noqa: PLC0415  an extra, and slow to import
            from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415
        except ImportError as error:
            hint = "pip install 'openai-conformance[transformers]'"
            raise SystemExit(f"reference-server: {error}; {hint}") from None
        where = Path(path)
        options: dict[str, Any] = {"gguf_file": where.name} if where.is_file() else {}
        folder = where.parent if where.is_file() else where
        tokenizer = AutoTokenizer.from_pretrained(folder, **options)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options)
        chosen = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
        return cls(where.stem, model, tokenizer, chosen)

    def render(self, messages: Sequence[Message]) -> list[int]:
        """The model's own template; text of messages is never read as special tokens."""
        marks = [f"\ue000{n}\ue001" for n in range(len(messages))]
        named = [
            {"role": m["role"], "content": mark} for m, mark in zip(messages, marks, strict=True)
        ]
        text = self._tokenizer.apply_chat_template(
            named, tokenize=False, add_generation_prompt=True
        )
        tokens: list[int] = []
        for mark, message in zip(marks, messages, strict=True):
            before, _, text = text.partition(mark)
            tokens += self._tokenizer.encode(before, add_special_tokens=False)
            tokens += self.encode(str(message["content"]))
        return tokens + list(self._tokenizer.encode(text, add_special_tokens=False))

    def encode(self, text: str) -> list[int]:
        """Plain text as tokens."""
        encoded = self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        return list(encoded)

    def open(self, tokens: Sequence[int]) -> _State:
        """Run the prompt."""
        return self._forward(list(tokens), None)

    def _forward(self, tokens: list[int], cache: Any) -> _State:
        import torch  # noqa: PLC0415

        with torch.inference_mode():
            given = torch.tensor([tokens], device=self._device)
            out = self._model(given, past_key_values=cache, use_cache=True)
        scores = out.logits[0, -1].double().cpu().numpy()
        return _State(out.past_key_values, scores)

    def scores(self, states: Sequence[_State]) -> Scores:
        """The scores that the last run of each sequence gave."""
        return np.stack([state.scores for state in states])

    def push(self, states: Sequence[_State], tokens: Sequence[int]) -> None:
        """Run one token of each sequence."""
        for state, token in zip(states, tokens, strict=True):
            after = self._forward([token], state.cache)
            state.cache, state.scores = after.cache, after.scores

    def close(self, state: _State) -> None:
        """Forget the cache."""
        state.cache = None


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
