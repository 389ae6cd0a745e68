"""What else may become of requests that are odd by more than their schema."""

from __future__ import annotations

from typing import Any

from conformance.wire.exchange import Reply
from reference_server.faults.replies import error
from reference_server.variants.variant import tolerated, variant

BOTH = "chat chat-stream"
POSTS = (
    "chat chat-stream completions completions-stream embeddings images responses responses-stream"
)


@variant(on=POSTS, norms={"HTTP-30"})
def media_types_are_400(reply: Reply) -> Reply | None:
    """Refuses a body that is not announced as JSON with 400."""
    return error(reply, 400, "this is not supported") if reply.status == 415 else None


@variant(on=BOTH, norms={"HTTP-17"}, rulings={"RUL-05"}, profiles="seed openai",
         warns={"http.unknown-member-ignored"})  # fmt: skip
def knows_every_member(sent: Any, reply: Reply) -> Reply | None:
    """Refuses members that it does not know, as the official API does."""
    unknown = isinstance(sent, dict) and any(name.startswith("conformance_") for name in sent)
    refused = unknown and reply.status == 200
    return error(reply, 400, "unrecognized request argument supplied") if refused else None


tolerated("odd.takes-any-media-type", norms={"HTTP-30"})
tolerated("odd.reads-the-first-text", norms={"HTTP-15"})
tolerated("odd.folds-case", norms={"HTTP-16"})
tolerated("odd.forbids-user", norms={"HTTP-19"})
tolerated("odd.refuses-null", norms={"HTTP-18"}, rulings={"RUL-06"}, profiles="seed")
tolerated("odd.refuses-whole-floats", norms={"HTTP-32"})
tolerated("odd.refuses-queries", norms={"HTTP-29"})
tolerated("odd.wants-its-key", norms={"HTTP-09", "HTTP-10"}, rulings={"RUL-46"}, traps={"FA-14"})
tolerated("odd.forbids-wrong-keys", norms={"HTTP-10"}, rulings={"RUL-46"})
