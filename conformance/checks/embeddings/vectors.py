"""How an answer to a request for embeddings is read; what is malformed gives nothing."""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from http import HTTPStatus
from typing import Any

from conformance.check import Place
from conformance.reading import JSON, Reading

BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
NO_VECTORS = "the answer has no vectors to compare"
Vector = list[float]


def answered(x: Reading) -> bool:
    """A request that is valid by the contract was answered with embeddings."""
    came = x.media_type == JSON and x.status == HTTPStatus.OK and x.answered
    asked = x.surface == "embeddings" and isinstance(x.sent, dict) and not x.standing.contract
    return asked and came


def inputs(x: Reading) -> list[Any]:
    """What is to be embedded, one entry for each vector."""
    given = x.sent.get("input") if isinstance(x.sent, dict) else None
    tokens = isinstance(given, list) and bool(given) and type(given[0]) is int
    return given if isinstance(given, list) and not tokens else [given]


def items(x: Reading) -> list[Any]:
    """The items of an answer; none where there is no list of them."""
    data = x.json.get("data") if isinstance(x.json, dict) else None
    return data if isinstance(data, list) else []


def embedding(item: Any) -> Any:
    """The embedding of an item in the form in which it came."""
    return item.get("embedding") if isinstance(item, dict) else None


def vector(item: Any) -> Vector | None:
    """The numbers of an item; None where there are none, or none that make sense."""
    found = embedding(item)
    if isinstance(found, str):
        return decoded(found)
    if not isinstance(found, list) or not found:
        return None
    if not all(type(each) in (int, float) for each in found):
        return None
    return [float(each) for each in found] if all(map(finite, found)) else None


def decoded(text: str) -> Vector | None:
    """The numbers in base64 of little-endian floats of 32 bits; None where they are not that."""
    if not BASE64.fullmatch(text):
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    if not data or len(data) % 4:
        return None
    found = [value for (value,) in struct.iter_unpack("<f", data)]
    return found if all(map(math.isfinite, found)) else None


def finite(value: float) -> bool:
    """Whether a number is one that a double can hold."""
    return -1e300 < value < 1e300


def index(item: Any) -> int | None:
    """The index of an item, if it is an integer."""
    found = item.get("index") if isinstance(item, dict) else None
    return found if type(found) is int else None


def vectors(x: Reading) -> list[Vector] | None:
    """The vectors in the order of their indexes; None unless each input has one."""
    found = {index(item): vector(item) for item in items(x)}
    wanted = [found.get(n) for n in range(len(inputs(x)))]
    whole = len(found) == len(items(x)) == len(wanted)
    return [v for v in wanted if v is not None] if whole and None not in wanted else None


def in_base64(x: Reading) -> bool:
    """Whether base64 was asked for."""
    return isinstance(x.sent, dict) and x.sent.get("encoding_format") == "base64"


def width(x: Reading) -> int | None:
    """The dimensions that were asked for."""
    found = x.sent.get("dimensions") if isinstance(x.sent, dict) else None
    return found if type(found) is int else None


def place(n: int, member: str) -> Place:
    """A member of one item."""
    return Place(pointer=f"/data/{n}/{member}")


def usage(x: Reading) -> dict[str, int] | None:
    """What was counted, if both numbers are there."""
    found = x.json.get("usage") if isinstance(x.json, dict) else None
    if not isinstance(found, dict):
        return None
    counted = ("prompt_tokens", "total_tokens")
    return found if all(type(found.get(name)) is int for name in counted) else None


def prompt_tokens(x: Reading) -> int | None:
    """The tokens of the inputs, if they were counted."""
    found = usage(x)
    return found["prompt_tokens"] if found else None
