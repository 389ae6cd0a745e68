"""Other ways to embed."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

from conformance.wire.exchange import Reply
from reference_server.change import compact
from reference_server.faults.embeddings import ON, vectors
from reference_server.faults.replies import error
from reference_server.variants.variant import tolerated, variant

LONG = 8000  # characters


def _each(body: Any, **members: Any) -> Any:
    return body | {"data": [item | members for item in body["data"]]}


@variant(on=ON, norms={"EMS-01"}, rulings={"RUL-01"})
def extra_members(body: Any) -> Any:
    """Adds members of its own everywhere, an id too."""
    more = {"prompt_tokens_details": None}
    changed = _each(body, x_note={"a": [None]}, truncated=False)
    return changed | {"id": "embd-7", "created": 1, "usage": body["usage"] | more}


@variant(on=ON, norms={"EMS-08"})
def no_completion(body: Any) -> Any:
    """Says that there are no tokens of a completion."""
    return body | {"usage": body["usage"] | {"completion_tokens": 0}}


@variant(on=ON, norms={"EMS-08"}, hides={"robustness.marks-read"})
def counts_nothing(body: Any) -> Any:
    """Counts no tokens."""
    return body | {"usage": {"prompt_tokens": 0, "total_tokens": 0}}


@variant(on=ON, norms={"EMS-09", "CRS-07"})
def full_name(body: Any) -> Any:
    """Names the snapshot of the model that answers."""
    return body | {"model": f"{body['model']}:latest"}


@variant(on=ON, norms={"SEM-18"}, hides={"embeddings.base64-same"})
def unsteady(reply: Reply) -> Reply | None:
    """Gives vectors that differ a little from one request to the next."""
    body = json.loads(reply.body) if reply.status == 200 else {}
    found = [item["embedding"] for item in body.get("data", ())]
    if not found or isinstance(found[0], str):
        return None
    noise = 1e-5 * math.sin(1e6 * reply.pieces[-1].at)
    for item, values in zip(body["data"], found, strict=True):
        item["embedding"] = [value + noise for value in values]
    return reply.with_body(compact(body))


def _refusal(reply: Reply, *, bad: bool) -> Reply | None:
    return error(reply, 400, "this is not supported") if bad and reply.status == 200 else None


@variant(on=ON, norms={"EMQ-05"}, rulings={"RUL-30"})
def wants_a_text(sent: Any, reply: Reply) -> Reply | None:
    """Refuses an empty text, as the official API does."""
    return _refusal(reply, bad=isinstance(sent, dict) and sent.get("input") == "")


@variant(on=ON, norms={"SEM-40"}, rulings={"RUL-31"})
def reads_the_beginning(sent: Any, reply: Reply) -> Reply | None:
    """Embeds the beginning of a text that is longer than what its model reads."""
    given = sent.get("input") if isinstance(sent, dict) else None
    if not isinstance(given, str) or len(given) < LONG or reply.status != 400:
        return None
    kept = tuple(pair for pair in reply.headers if pair[0].lower() != "content-length")
    piece = replace(reply.pieces[-1], data=compact(vectors(sent, 1, 256)))
    return replace(reply, status=200, headers=kept, pieces=(piece,))


tolerated("embeddings.refuses-tokens", norms={"EMQ-07"}, rulings={"RUL-30"})
tolerated("embeddings.never-encodes", norms={"EMS-05"}, rulings={"RUL-04"}, traps={"FA-09"})
tolerated("embeddings.answers-backwards", norms={"EMS-06"})
tolerated("embeddings.forgets-to-normalise", norms={"EMS-10"})
tolerated("embeddings.blurs-in-company", norms={"SEM-19"})
tolerated("embeddings.clamps-dimensions", norms={"EMQ-11"})
tolerated("embeddings.takes-no-dimensions-for-all", norms={"EMQ-10"})
tolerated("embeddings.ignores-dimensions", norms={"SEM-21"})
tolerated("embeddings.refuses-dimensions", norms={"EMQ-11", "SEM-21"})
tolerated("embeddings.names-its-file", norms={"EMS-09"})
tolerated("embeddings.forgets-usage", norms={"EMS-01"}, profiles="seed")
tolerated("embeddings.embeds-nothing", norms={"EMQ-04"}, profiles="seed")
