"""Other ways to paint."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image

from conformance.wire.exchange import Reply
from reference_server.faults.images import ON
from reference_server.faults.replies import error
from reference_server.variants.variant import tolerated, variant


def _as(body: Any, kind: str) -> Any:
    """Every picture in another format."""

    def change(text: str) -> str:
        out = io.BytesIO()
        with Image.open(io.BytesIO(base64.b64decode(text))) as opened:
            opened.convert("RGB").save(out, kind)
        return base64.b64encode(out.getvalue()).decode("ascii")

    return body | {"data": [item | {"b64_json": change(item["b64_json"])} for item in body["data"]]}


@variant(on=ON, norms={"IMG-04"})
def jpeg(body: Any) -> Any:
    """Sends JPEG."""
    return _as(body, "JPEG")


@variant(on=ON, norms={"IMG-04"})
def webp(body: Any) -> Any:
    """Sends WebP."""
    return _as(body, "WEBP")


@variant(on=ON, norms={"IMG-03"}, rulings={"RUL-01"})
def extra_members(body: Any) -> Any:
    """Adds what the official API has, and members of its own."""
    more = {"url": None, "revised_prompt": "A red square, painted on white paper."}
    data = [item | more for item in body["data"]]
    return body | {"data": data, "usage": {"total_tokens": 7}, "x_note": None}


@variant(on=ON, norms={"IMG-03"}, rulings={"RUL-17"})
def one_by_one(sent: Any, reply: Reply) -> Reply | None:
    """Refuses to paint several at once."""
    several = isinstance(sent, dict) and sent.get("n") == 2
    return error(reply, 400, "n must be 1") if several and reply.status == 200 else None


tolerated("images.always-paints-one-size", norms={"IMG-05"})
tolerated("images.ignores-formats", norms={"IMG-06"})
tolerated("images.ignores-bad-sizes", norms={"IMG-07"}, profiles="seed ollama")
tolerated("images.has-a-default-model", norms={"IMG-02"}, profiles="ollama openai")
tolerated("images.paints-one", norms={"IMG-03"}, rulings={"RUL-17"}, profiles="seed ollama")
