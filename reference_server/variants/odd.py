"""What else may become of requests that are odd by more than their schema."""

from __future__ import annotations

from typing import Any

from conformance.wire.exchange import Reply, Request
from reference_server.faults.replies import completion, error
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


def _open(request: Request) -> bool:
    """Whether JSON leaves it to the reader what becomes of a body."""
    body = request.body or b""
    marks = (b"NaN", b"Infinity", b"1e400", b"9" * 400, b"\\ud800", b"[" * 99 + b"]", b'"model":5')
    return any(mark in body for mark in marks) or body.startswith((b"\xef\xbb\xbf", b"\xff\xfe"))


@variant(on=BOTH, norms={"CRQ-28", "CRQ-49"}, traps={"FA-12"}, rulings={"RUL-44"})
def reads_everything(request: Request, reply: Reply) -> Reply | None:
    """Takes what JSON leaves open: NaN, integers of any length, half characters, deep nesting."""
    return completion(reply, {}) if reply.status == 400 and _open(request) else None


@variant(on=POSTS, norms={"CRQ-28", "CRQ-49"}, traps={"FA-12"}, rulings={"RUL-44"})
def reads_strictly(request: Request, reply: Reply) -> Reply | None:
    """Refuses what JSON leaves open: long integers, repeated members, a byte order mark."""
    refused = reply.status == 200 and _open(request)
    return error(reply, 400, "the body cannot be read") if refused else None


@variant(on=BOTH, norms={"CRQ-34"}, warns={"http.unknown-value-refused"})
def takes_any_format(sent: Any, reply: Reply) -> Reply | None:
    """Takes a format of the response that it does not know for text."""
    wanted = sent.get("response_format") if isinstance(sent, dict) else None
    unknown = isinstance(wanted, dict) and wanted.get("type") == "AAA" and reply.status == 400
    return completion(reply, sent) if unknown else None


tolerated("odd.takes-any-media-type", norms={"HTTP-30"})
tolerated("odd.reads-the-first-text", norms={"HTTP-15"})
tolerated("odd.folds-case", norms={"HTTP-16"})
tolerated("odd.forbids-user", norms={"HTTP-19"})
tolerated("odd.refuses-null", norms={"HTTP-18"}, rulings={"RUL-06"}, profiles="seed")
tolerated("odd.refuses-whole-floats", norms={"HTTP-32"})
tolerated("odd.refuses-queries", norms={"HTTP-29"})
tolerated("odd.wants-its-key", norms={"HTTP-09", "HTTP-10"}, rulings={"RUL-46"}, traps={"FA-14"})
tolerated("odd.forbids-wrong-keys", norms={"HTTP-10"}, rulings={"RUL-46"})
