"""Faults of pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PIL import Image

from conformance.wire.exchange import Reply
from reference_server.faults.fault import compact, fault
from reference_server.images import answer

ON = "images"
Json = dict[str, Any]


def _each(body: Json, change: Callable[[str], str]) -> Json:
    """Every picture changed, as the text that it is sent in."""
    return body | {"data": [item | {"b64_json": change(item["b64_json"])} for item in body["data"]]}


@fault(breaks={"images.members"}, on=ON)
def forgets_created(body: Any) -> Any:
    """Leaves `created` out."""
    return {"data": body["data"]}


@fault(breaks={"images.made-now"}, on=ON)
def counts_milliseconds(body: Any) -> Any:
    """Dates its pictures in milliseconds."""
    return body | {"created": body["created"] * 1000}


@fault(breaks={"images.members"}, on=ON)
def paints_nothing(body: Any) -> Any:
    """Answers with an empty list."""
    return body | {"data": []}


LINK = {"url": "http://localhost/1.png", "b64_json": None}


@fault(breaks={"images.inline"}, on=ON)
def prefers_links(sent: Any, body: Any) -> Any:
    """Sends a link in place of the picture, unless the picture was asked for."""
    asked = sent.get("response_format") == "b64_json"
    return None if asked else body | {"data": [LINK for _ in body["data"]]}


@fault(breaks={"images.decodable", "images.inline"}, on=ON)
def sends_links(body: Any) -> Any:
    """Sends a link in place of the picture, whatever was asked for."""
    return body | {"data": [LINK for _ in body["data"]]}


@fault(breaks={"images.decodable"}, on=ON)
def sends_data_uris(body: Any) -> Any:
    """Sends `data:` in front of the base64."""
    return _each(body, lambda text: f"data:image/png;base64,{text}")


@fault(breaks={"images.decodable"}, on=ON)
def cuts_pictures(body: Any) -> Any:
    """Loses the second half of every picture."""
    return _each(body, lambda text: text[: len(text) // 8 * 4])


@fault(breaks={"images.size"}, on=ON, field="IM-01")
def always_paints_one_size(sent: Any, body: Any) -> Any:
    """Paints 320x320, whatever is asked for."""

    def change(text: str) -> str:
        out = io.BytesIO()
        with Image.open(io.BytesIO(base64.b64decode(text))) as opened:
            opened.resize((320, 320)).save(out, "PNG")
        return base64.b64encode(out.getvalue()).decode("ascii")

    return _each(body, change)


@fault(breaks={"images.count"}, on=ON)
def paints_one(body: Any) -> Any:
    """Paints one picture, however many are asked for."""
    return body | {"data": body["data"][:1]}


def _painted(reply: Reply) -> Reply | None:
    """A refusal turned into an answer."""
    if reply.status != 400:
        return None
    body = compact(answer({"prompt": "A red square.", "size": "16x16"}) | {"created": 1700000000})
    kept = tuple(pair for pair in reply.headers if pair[0].lower() != "content-length")
    return replace(reply, status=200, headers=kept, pieces=(replace(reply.pieces[-1], data=body),))


def _has(sent: Any, name: str, *values: Any) -> bool:
    return isinstance(sent, dict) and "model" in sent and sent.get(name) in values


@fault(breaks={"images.size-refused"}, on=ON)
def ignores_bad_sizes(sent: Any, reply: Reply) -> Reply | None:
    """Paints at a size of its own where none can be read."""
    return _painted(reply) if _has(sent, "size", "banana") else None


@fault(breaks={"images.format-refused"}, on=ON)
def ignores_formats(sent: Any, reply: Reply) -> Reply | None:
    """Sends base64 whatever form is asked for."""
    return _painted(reply) if _has(sent, "response_format", "AAA") else None


@fault(breaks={"images.prompt-required"}, on=ON)
def paints_without_a_prompt(sent: Any, reply: Reply) -> Reply | None:
    """Paints without a prompt."""
    missing = isinstance(sent, dict) and sent.keys() == {"model"}
    return _painted(reply) if missing else None


@fault(breaks={"images.model-required"}, on=ON)
def has_a_default_model(sent: Any, reply: Reply) -> Reply | None:
    """Paints with a model of its own choice where none is named."""
    missing = isinstance(sent, dict) and sent.keys() == {"prompt"}
    return _painted(reply) if missing else None
