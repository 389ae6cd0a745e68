"""Images: pictures that can be looked at, as many and as large as was asked for."""

from __future__ import annotations

import base64
import binascii
import io
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from PIL import Image

from conformance.check import Answer, Deviation, Place, Undecided, check, show
from conformance.checks import envelope
from conformance.reading import JSON, Reading

KINDS = ("PNG", "JPEG", "WEBP")
LARGEST = 50_000_000  # pixels that are looked at one by one; of a larger picture only the head
SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")


@dataclass(frozen=True)
class Picture:
    """A picture that could be decoded."""

    width: int
    height: int


@lru_cache(maxsize=64)
def picture(text: str) -> Picture | str:
    """The picture in a text in base64, or why there is none."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        return f"no base64: {error}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decoded(data)
    except Exception as error:  # noqa: BLE001  decoders raise whatever damaged data makes them
        return f"no {' or '.join(KINDS)}: {type(error).__name__}"


def _decoded(data: bytes) -> Picture:
    with Image.open(io.BytesIO(data), formats=KINDS) as opened:
        if opened.width * opened.height <= LARGEST:
            opened.load()
        return Picture(opened.width, opened.height)


def painted(x: Reading) -> bool:
    """A request that is valid by the contract was answered with pictures."""
    came = x.media_type == JSON and x.status == HTTPStatus.OK and x.answered
    return x.surface == "images" and came and isinstance(x.sent, dict) and not x.standing.contract


def items(x: Reading) -> list[Any]:
    """The items of an answer; none where there is no list of them."""
    data = x.json.get("data") if isinstance(x.json, dict) else None
    return data if isinstance(data, list) else []


def _pictures(x: Reading) -> list[tuple[int, Picture | str]]:
    """Every item that is an object, with its number and what it shows."""
    texts = [(n, item.get("b64_json")) for n, item in enumerate(items(x)) if isinstance(item, dict)]
    return [(n, picture(t) if isinstance(t, str) else "no b64_json") for n, t in texts]


def _links(x: Reading) -> list[int]:
    """The items that have a link in place of a picture, where no picture in them was asked for."""
    if x.sent.get("response_format") == "b64_json":
        return []
    found = [(n, item) for n, item in enumerate(items(x)) if isinstance(item, dict)]
    return [n for n, i in found if i.get("b64_json") is None and isinstance(i.get("url"), str)]


check("images.made-now", on=painted)(envelope.made_now)


@check("images.inline", on=lambda x: painted(x) and x.sent.get("response_format") != "b64_json")
def inline(x: Reading) -> Answer:
    """No item is a link."""
    if not items(x):
        yield Undecided("the answer has no items")
    for n in _links(x)[:1]:
        yield Deviation("b64_json", "a url in its place", Place(pointer=f"/data/{n}/url"))


@check("images.decodable", on=painted)
def decodable(x: Reading) -> Answer:
    """Every item that is no link is a picture."""
    links = _links(x)
    found = [pair for pair in _pictures(x) if pair[0] not in links]
    if not found:
        yield Undecided("the answer has no pictures")
    for n, each in found:
        if isinstance(each, str):
            place = Place(pointer=f"/data/{n}/b64_json")
            yield Deviation("a picture in base64", each, place)
            return


@check("images.size", on=lambda x: painted(x) and _sides(x) is not None)
def size(x: Reading) -> Answer:
    """Pictures are as large as was asked for."""
    found = [(n, each) for n, each in _pictures(x) if isinstance(each, Picture)]
    if not found:
        yield Undecided("the answer has no pictures")
    for n, each in found:
        if (each.width, each.height) != _sides(x):
            observed = f"{each.width}x{each.height}"
            yield Deviation(x.sent["size"], observed, Place(pointer=f"/data/{n}/b64_json"))
            return


def _sides(x: Reading) -> tuple[int, int] | None:
    """Width and height that were asked for."""
    asked = x.sent.get("size") if isinstance(x.sent, dict) else None
    match = SIZE.fullmatch(asked) if isinstance(asked, str) else None
    return (int(match[1]), int(match[2])) if match else None


def _wanted(x: Reading) -> int:
    asked = x.sent.get("n")
    return asked if type(asked) is int and asked > 0 else 1


@check("images.count", on=painted)
def count(x: Reading) -> Answer:
    """As many pictures as were asked for; that there is none has a rule of its own."""
    if not items(x):
        yield Undecided("the answer has no items")
    elif len(items(x)) != _wanted(x):
        yield Deviation(f"{_wanted(x)} pictures", f"{len(items(x))}", Place(pointer="/data"))


def _has_bad_size(x: Reading) -> bool:
    """The size is a text that is no size, and nothing else is wrong."""
    places = {error.place for error in x.standing.contract}
    return places == {"/size"} and not x.standing.document and not x.odd


@check(
    "images.size-refused",
    on=lambda x: x.surface == "images" and x.status > 0 and _has_bad_size(x),
    expects_error=True,
)
def size_refused(x: Reading) -> Answer:
    """What is no size is not painted."""
    if x.status < HTTPStatus.BAD_REQUEST and x.masked is None:
        yield Deviation("a 4xx status", f"{x.status} for size {show(x.sent['size'])}")
