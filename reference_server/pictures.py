"""Pictures in and out: data URIs are decoded and put into words, prompts are painted.

The models here read text. What a picture shows is told to them in one line, made from its pixels:
its kind, its size and the colours of its quarters. A picture asked for is painted by a small random
network over coordinates, whose weights come from the prompt.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import re

import numpy as np
from PIL import Image

LARGEST = 4 * 1024 * 1024  # bytes of a decoded data URI
PIXELS = 16_000_000  # of a picture that is read
KINDS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/jpg": "JPEG", "image/webp": "WEBP",
         "image/gif": "GIF"}  # fmt: skip
DATA = re.compile(r"data:(?P<kind>image/[a-z]+);base64,(?P<data>[A-Za-z0-9+/]*={0,2})")
SIDES = (1, 1024)  # pixels of a side that is painted, least and most
SIZE = (256, 256)  # where a request says nothing
WIDTH = 12  # of the network's layers
SHADES = 6  # of each colour, so that a picture takes few bytes


class Unreadable(Exception):
    """A picture that cannot be read, with the reason."""


def describe(url: str) -> str:
    """A picture in a data URI, in words; raises `Unreadable`. Nothing is ever fetched."""
    if not url.startswith("data:"):
        raise Unreadable("only data: URIs are read, nothing is fetched")
    match = DATA.fullmatch(url)
    if match is None or match["kind"] not in KINDS:
        raise Unreadable(f"not a data URI in base64 of {', '.join(KINDS)}")
    if len(match["data"]) * 3 // 4 > LARGEST:
        raise Unreadable(f"the picture is larger than {LARGEST} bytes")
    try:
        data = base64.b64decode(match["data"], validate=True)
    except binascii.Error as error:
        raise Unreadable(f"the base64 is damaged: {error}") from None
    return _words(data, KINDS[match["kind"]])


def _words(data: bytes, kind: str) -> str:
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as opened:
            _bounded(opened.width * opened.height)
            quarters = opened.convert("RGB").resize((2, 2), Image.Resampling.BOX)
            size = f"{opened.width}x{opened.height}"
    except Unreadable:
        raise
    except Exception as error:  # noqa: BLE001  decoders raise whatever damaged data makes them
        raise Unreadable(f"the picture does not decode: {type(error).__name__}") from None
    colours = " ".join(f"#{r:02x}{g:02x}{b:02x}" for r, g, b in np.asarray(quarters).reshape(4, 3))
    return f"[{kind} {size} {colours}]"


def _bounded(pixels: int) -> None:
    if pixels > PIXELS:
        raise Unreadable(f"the picture has more than {PIXELS} pixels")


def sides(size: str | None) -> tuple[int, int] | None:
    """Width and height of a `size` such as `1024x768`; None if it is no size that is painted."""
    if size in (None, "auto"):
        return SIZE
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", size or "")
    if match is None:
        return None
    width, height = int(match[1]), int(match[2])
    least, most = SIDES
    return (width, height) if least <= min(width, height) and max(width, height) <= most else None


def paint(prompt: str, width: int, height: int, number: int = 0) -> bytes:
    """A PNG of the prompt, the same one each time."""
    digest = hashlib.sha256(f"{number}\n{prompt}".encode("utf-8", "replace")).digest()
    random = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "big")))
    shapes = ((3, WIDTH), (WIDTH, WIDTH), (WIDTH, 3))
    layers = [(random.normal(0.0, 1.6, shape).astype(np.float32),
               random.uniform(-2, 2, shape[1]).astype(np.float32)) for shape in shapes]  # fmt: skip
    x, rows = np.linspace(-1, 1, width, dtype=np.float32), []
    for y in np.linspace(-1, 1, height, dtype=np.float32):
        values = np.stack([x, np.full_like(x, y), np.hypot(x, y)], axis=-1)
        for weights, shift in layers:
            values = np.sin(values @ weights + shift)
        rows.append(
            np.rint((values + 1) / 2 * (SHADES - 1)).astype(np.uint8) * (255 // (SHADES - 1))
        )
    image = Image.fromarray(np.stack(rows))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
