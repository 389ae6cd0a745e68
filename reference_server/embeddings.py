"""Embeddings: a vector for each input, cut to the dimensions asked for, as numbers or base64."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from reference_server.engine import Embedder, Vector
from reference_server.refusal import Refused


def answer(sent: dict[str, Any], embedder: Embedder) -> dict[str, Any]:
    """The answer to a valid request; raises `Refused` for what the model cannot do.

    Inputs are embedded one by one, so that a vector does not depend on its neighbours.
    """
    width = int(sent.get("dimensions", embedder.width))
    if width > embedder.width:
        said = f"dimensions: the vectors of this model have {embedder.width}"
        raise Refused(said, "dimensions")
    inputs = [_tokens(each, embedder) for each in _inputs(sent["input"])]
    form = _base64 if sent.get("encoding_format") == "base64" else _numbers
    data = [
        {"object": "embedding", "index": n, "embedding": form(_cut(embedder.embed(tokens), width))}
        for n, tokens in enumerate(inputs)
    ]
    used = sum(len(tokens) for tokens in inputs)
    usage = {"prompt_tokens": used, "total_tokens": used}
    return {"object": "list", "data": data, "model": sent["model"], "usage": usage}


def _inputs(given: Any) -> list[Any]:
    if isinstance(given, str) or isinstance(given[0], int | float):
        return [given]
    return list(given)


def _tokens(given: Any, embedder: Embedder) -> Sequence[int]:
    tokens = embedder.words(given) if isinstance(given, str) else [int(each) for each in given]
    if tokens and max(tokens) >= embedder.tokens:
        raise Refused(f"input: {max(tokens)} is no token of this model", "input")
    if len(tokens) > embedder.longest:
        said = f"{len(tokens)} tokens are more than the {embedder.longest} that this model reads"
        raise Refused(said, "input", "context_length_exceeded")
    return tokens


def _cut(vector: Vector, width: int) -> npt.NDArray[np.float32]:
    """The first components, of unit length again, in single precision."""
    kept = vector[:width].astype(np.float64)
    length = float(np.linalg.norm(kept))
    if not length:  # what was cut off was all there was
        kept, length = np.eye(1, width)[0], 1.0
    return (kept / length).astype("<f4")


def _numbers(vector: npt.NDArray[np.float32]) -> list[float]:
    return [float(each) for each in vector]


def _base64(vector: npt.NDArray[np.float32]) -> str:
    return base64.b64encode(vector.tobytes()).decode("ascii")
