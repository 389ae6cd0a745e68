"""Other ways to embed texts."""

from __future__ import annotations

from typing import Any

from conformance.wire.exchange import Reply
from reference_server.faults.replies import error
from reference_server.variants.variant import tolerated, variant

ON = "embeddings"
Json = dict[str, Any]


@variant(on=ON, rulings={"RUL-01"}, norms={"EMS-01"})
def extra_members(body: Json) -> Json:
    """Adds members of its own everywhere."""
    data = [item | {"x_note": None} for item in body["data"]]
    usage = body["usage"] | {"prompt_tokens_details": None}
    return body | {"data": data, "usage": usage, "id": "embd-1", "created": 1700000000}


@variant(on=ON, norms={"EMS-08"})
def counts_no_completion(body: Json) -> Json:
    """Says that it completed nothing."""
    return body | {"usage": body["usage"] | {"completion_tokens": 0}}


@variant(on=ON, norms={"SEM-21", "EMQ-11", "ERR-18"},
         warns={"embeddings.native-dimensions"})  # fmt: skip
def one_length(sent: Any, reply: Reply) -> Reply | None:
    """Has a model whose vectors have one length, and refuses `dimensions`."""
    asked = isinstance(sent, dict) and sent.get("dimensions") is not None
    return error(reply, 400, "no dimensions") if asked and reply.status == 200 else None


@variant(on=ON, rulings={"RUL-30"}, norms={"EMQ-05"})
def refuses_nothing_to_embed(sent: Any, reply: Reply) -> Reply | None:
    """Refuses an empty text."""
    given = sent.get("input") if isinstance(sent, dict) else None
    empty = given == "" or (isinstance(given, list) and "" in given)
    return error(reply, 400, "there is no text") if empty and reply.status == 200 else None


tolerated("embeddings.never-encodes", rulings={"RUL-04"}, norms={"EMS-05"}, traps={"FA-09"})
tolerated("embeddings.answers-backwards", norms={"EMS-06"})
tolerated("embeddings.forgets-to-normalise", norms={"EMS-10"})
tolerated("embeddings.blurs-in-company", norms={"SEM-19"})
tolerated("embeddings.refuses-tokens", rulings={"RUL-30"}, norms={"EMQ-07"})
tolerated("embeddings.takes-no-dimensions-for-all", norms={"EMQ-10"})
tolerated("embeddings.embeds-nothing", norms={"EMQ-04"}, profiles="seed")
