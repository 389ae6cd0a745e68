"""Other ways to respond."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.wire.exchange import Reply
from reference_server.change import DONE
from reference_server.faults.replies import error
from reference_server.variants.variant import variant

BOTH = "responses responses-stream"
Json = dict[str, Any]


@variant(on="responses", rulings={"RUL-01"}, norms={"ROB-01"})
def extra_members(body: Json) -> Json:
    """Adds members of its own to the response and to its items."""
    more: Json = {"x_note": {"a": [None]}, "phase": None}
    return body | more | {"output": [item | more for item in body["output"]], "next_id": None}


@variant(on="responses-stream", rulings={"RUL-01", "RUL-38"}, norms={"RST-30"})
def extra_members_streamed(chunks: list[Json]) -> Iterator[Json]:
    """Adds members of its own to every event."""
    yield from (chunk | {"x_note": {"a": [None]}, "obfuscation": "aB3"} for chunk in chunks)


@variant(on="responses", norms={"ROB-11"}, rulings={"RUL-37"}, traps={"FA-01"})
def writes_no_cache(body: Json) -> Json:
    """Tells of no tokens that were written to a cache."""
    details = {"cached_tokens": 0}
    return body | {"usage": body["usage"] | {"input_tokens_details": details}}


@variant(on="responses-stream", rulings={"RUL-39"}, norms={"RST-03", "RST-31"})
def says_done(blocks: list[bytes]) -> Iterator[bytes]:
    """Says [DONE] after the last event."""
    yield from blocks
    yield DONE


@variant(on=BOTH, rulings={"RUL-35"}, norms={"RRQ-16"})
def remembers_nothing(sent: Any, reply: Reply) -> Reply | None:
    """Keeps no responses, and refuses to go on from one."""
    asked = isinstance(sent, dict) and sent.get("previous_response_id")
    return error(reply, 404, "no such response") if asked and reply.status == 200 else None
