"""Directed requests for pictures; few of them, since pictures are dear."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.probes.probe import Probe, post, single

PATH = "/images/generations"
PROMPT = "A red square on white."


def probes(model: str) -> Iterator[Probe]:
    """Two pictures at once, and a size that is none."""
    good = {"model": model, "prompt": PROMPT, "size": "256x256"}
    yield single("images.two", "images", post(PATH, good | {"n": 2}))
    yield single("images.no-size", "images", post(PATH, good | {"size": "banana"}))
