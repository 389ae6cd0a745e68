"""Directed requests for embeddings: the same text in several forms, alone and together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.probes.probe import Probe, Turns, answer, post, single
from conformance.wire.exchange import Request
from conformance.wire.marks import LONG, WIDE

PATH = "/embeddings"
NARROW = 64  # dimensions that most models have which can be cut at all
TEXT = "The food was delicious."
TEXTS = (
    TEXT,
    "A ship left the harbour at dawn, and nobody on the quay knew where she was bound.",
    "数学",
)
SINGLE: dict[str, Any] = {
    "empty-list": [],
    "empty-text": "",
    "tokens": [[1, 2, 3], [4, 5]],
    "mixed": [TEXT, 5],
    "long-text": "word " * (LONG // 5),
}


def probes(model: str) -> Iterator[Probe]:
    """The directed dialogues, the dearest last."""
    yield Probe("embeddings.forms", "embeddings", lambda: _forms(model), 6)
    yield Probe("embeddings.together", "embeddings", lambda: _together(model), 1 + len(TEXTS))
    yield single("embeddings.no-dimensions", "embeddings", _asked(model, TEXT, dimensions=0))
    for name, given in SINGLE.items():
        yield single(f"embeddings.{name}", "embeddings", _asked(model, given))


def _asked(model: str, given: Any, **members: Any) -> Request:
    return post(PATH, {"model": model, "input": given, **members})


def _forms(model: str) -> Turns:
    """One text as it comes, in other lengths, in the other encoding, and as it comes again."""
    width = _width(answer((yield _asked(model, TEXT))))
    yield _asked(model, TEXT, dimensions=NARROW)
    if width:
        yield _asked(model, TEXT, dimensions=width)
    yield _asked(model, TEXT, dimensions=WIDE)
    yield _asked(model, TEXT, encoding_format="base64")
    yield _asked(model, TEXT)


def _together(model: str) -> Turns:
    """Texts of different lengths in one request, one of them twice; then each alone."""
    yield _asked(model, [*TEXTS, TEXTS[0]])
    for text in TEXTS:
        yield _asked(model, text)


def _width(body: Any) -> int:
    """How many numbers the first vector of an answer has; 0 where there is none."""
    try:
        found = body["data"][0]["embedding"]
    except (KeyError, IndexError, TypeError):
        return 0
    return len(found) if isinstance(found, list) else 0
