"""What requests of several operations have in common, on their way to a job."""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Mapping
from typing import Any

LIMIT = 256  # tokens of an answer when the request says nothing
EFFORTS = {"minimal": 16, "low": 24, "medium": 40, "high": 64, "xhigh": 96, "max": 128}
OBJECT: dict[str, Any] = {"type": "object"}


def new_id() -> str:
    """An id that no other answer has."""
    return uuid.uuid4().hex[:24]


def sampler(sent: Mapping[str, Any], choice: int, top: int | None = None) -> dict[str, Any]:
    """What `Sampler` takes; without a seed one is made from the request."""
    without = zlib.crc32(json.dumps(sent, sort_keys=True).encode())
    names = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
    return {name: float(sent[name]) for name in names if name in sent} | {
        "seed": int(sent.get("seed", without)) + choice,
        "bias": {int(key): float(each) for key, each in sent.get("logit_bias", {}).items()},
        "top": top,
    }


def stops(sent: Mapping[str, Any]) -> tuple[str, ...]:
    """The stop strings; an empty one stops nothing."""
    stop = sent.get("stop", ())
    return tuple(s for s in ((stop,) if isinstance(stop, str) else stop) if s)


def schema(wanted: Mapping[str, Any], given: Any) -> Any:
    """The JSON Schema of a response format; None for plain text."""
    if wanted.get("type") == "json_object":
        return OBJECT
    return given if wanted.get("type") == "json_schema" else None


def thinking(effort: Any) -> int:
    """How many characters of reasoning an effort is worth."""
    return EFFORTS.get(str(effort), 0)
