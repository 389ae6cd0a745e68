"""Other ways to use HTTP, and to leave operations out."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from hashlib import sha256
from typing import Any

from conformance.wire.exchange import Headers, Piece, Reply, Request
from reference_server.change import HEAD, is_stream
from reference_server.faults.replies import at, completion, error
from reference_server.variants.variant import tolerated, variant


def _without(reply: Reply, *names: str) -> Headers:
    return tuple(pair for pair in reply.headers if pair[0].lower() not in names)


@variant(on="*", norms={"HTTP-24"})
def request_id(reply: Reply) -> Reply:
    """Gives every reply an id and other headers of its own."""
    more = (
        ("x-request-id", "req_0123456789abcdef"),
        ("openai-processing-ms", "12"),
        ("x-ratelimit-remaining-requests", "59"),
        ("set-cookie", "a=b; Path=/"),
        ("content-encoding", "identity"),
        ("link", '</docs>; rel="help"'),
    )
    return replace(reply, headers=(*reply.headers, *more))


@variant(on="*", norms={"HTTP-03", "ERR-12"})
def media_type(reply: Reply) -> Reply | None:
    """Writes the media type of JSON in another case, with parameters."""
    if reply.header("content-type") != "application/json":
        return None
    kind = ("Content-Type", 'Application/JSON; charset="utf-8"; profile=x')
    return replace(reply, headers=(*_without(reply, "content-type"), kind))


@variant(on="*", norms={"HTTP-03", "SSE-17"})
def chunked(reply: Reply) -> Reply | None:
    """Sends bodies in chunks, without their length."""
    if reply.header("content-length") is None:
        return None
    kept = _without(reply, "content-length")
    return replace(reply, headers=(*kept, ("transfer-encoding", "chunked")))


@variant(on="chat-stream completions-stream responses-stream", norms={"SSE-17"})
def counted(reply: Reply) -> Reply | None:
    """Announces the length of a stream, as a server that knows it may."""
    if not is_stream(reply):
        return None
    kept = _without(reply, "transfer-encoding")
    return replace(reply, headers=(*kept, ("content-length", str(len(reply.body)))))


@variant(on="*", norms={"HTTP-21"})
def closes(reply: Reply) -> Reply:
    """Closes the connection after every reply."""
    return replace(reply, headers=(*_without(reply, "connection"), ("connection", "close")))


@variant(on="*", norms={"HTTP-06"})
def indented(reply: Reply) -> Reply | None:
    """Writes JSON over several lines, and ends it with a line end."""
    if reply.header("content-type") != "application/json":
        return None
    text = json.dumps(json.loads(reply.body), indent=2) + "\r\n"
    length = ("content-length", str(len(text)))
    pieces = (Piece(at(reply), text[:9].encode()), Piece(at(reply), text[9:].encode()))
    return replace(reply, headers=(*_without(reply, "content-length"), length), pieces=pieces)


@variant(on="chat-stream completions-stream responses-stream", norms={"HTTP-25"})
def not_stored(reply: Reply) -> Reply | None:
    """Forbids caches to keep streams, in words of its own."""
    if not is_stream(reply):
        return None
    told = ("Cache-Control", "private, No-Store, max-age=0")
    return replace(reply, headers=(*_without(reply, "cache-control"), told))


def _now_and_then(request: Request, share: int) -> bool:
    """One in so many requests, always the same ones."""
    return sha256(request.body or b"").digest()[0] % share == 0


def _busy(reply: Reply, status: int, after: str) -> Reply:
    refused = error(reply, status, "try again later", "rate_limit_error", "rate_limit_exceeded")
    return replace(refused, headers=(*refused.headers, ("Retry-After", after)))


@variant(on="chat", norms={"HTTP-07", "HTTP-24", "HTTP-27"}, rulings={"RUL-02"}, wire=True)
def too_many(request: Request, reply: Reply) -> Reply | None:
    """Says now and then that there were too many requests, and when to come back, in seconds."""
    return _busy(reply, 429, "0") if _now_and_then(request, 60) else None


@variant(on="chat", norms={"HTTP-07", "HTTP-24", "HTTP-27"}, rulings={"RUL-02"}, wire=True)
def unavailable(request: Request, reply: Reply) -> Reply | None:
    """Says now and then that it is busy, and when to come back, as a date."""
    due = "Sun, 06 Nov 1994 08:49:37 GMT"
    return _busy(reply, 503, due) if _now_and_then(request, 60) else None


MIB = 1024 * 1024


def _unrouted(reply: Reply, status: int = 404) -> Reply:
    return Reply(status, (("content-type", "text/plain"),), (Piece(at(reply), b"not found\n"),))


@variant(on="images", rulings={"RUL-34"}, norms={"HTTP-01", "IMG-01"})
def no_images(reply: Reply) -> Reply:
    """Has no route for pictures, and says so in plain text."""
    return _unrouted(reply)


@variant(on="images", rulings={"RUL-34"}, norms={"HTTP-07", "IMG-01"})
def images_not_implemented(reply: Reply) -> Reply:
    """Has a route for pictures that is not implemented."""
    return error(reply, 501, "pictures are not implemented", "server_error")


@variant(
    on="completions completions-stream embeddings responses responses-stream",
    norms={"HTTP-01"},
    warns={"http.offered"},
    profiles="ollama openai",
)
def chat_only(reply: Reply) -> Reply:
    """Offers models and chat and nothing else."""
    return _unrouted(reply)


@variant(on="responses responses-stream", norms={"HTTP-01"}, warns={"http.offered"},
         profiles="ollama openai")  # fmt: skip
def wrong_method_for_responses(reply: Reply) -> Reply:
    """Knows the path of responses from another method only."""
    return replace(_unrouted(reply, 405), headers=(("allow", "GET"),))


@variant(on=HEAD, norms={"HTTP-11"})
def no_head(reply: Reply) -> Reply:
    """Has no HEAD, and says so."""
    return replace(reply, status=405, headers=(*reply.headers, ("allow", "GET")))


@variant(on="chat", norms={"HTTP-28"})
def refuses_large_bodies(request: Request, reply: Reply) -> Reply | None:
    """Reads no body of a MiB."""
    large = len(request.body or b"") > MIB
    return error(reply, 413, "the body is too large") if large else None


@variant(on="chat chat-stream responses", norms={"SEM-12", "CRQ-38"})
def refuses_hard_schemas(request: Request, reply: Reply) -> Reply | None:
    """Refuses a schema with a costly pattern, which others follow."""
    hard = b"(a+)+" in (request.body or b"")
    return error(reply, 400, "the pattern cannot be used") if hard else None


@variant(on="chat chat-stream", norms={"SEM-12", "CRQ-38"})
def answers_hard_schemas(sent: Any, reply: Reply) -> Reply | None:
    """Answers where no value fits a schema, by what it can follow of it."""
    hard = reply.status == 400 and isinstance(sent, dict) and '"allOf"' in json.dumps(sent)
    return completion(reply, sent) if hard else None


TIME = re.compile(rb'"(created|created_at)":(\d+)')


@variant(on="*", rulings={"RUL-47"}, norms={"CRS-06", "MDL-06", "CST-07"})
def whole_floats(data: bytes) -> bytes:
    """Writes times as numbers with a fraction of zero, which are integers to JSON Schema."""
    return TIME.sub(rb'"\1":\2.0', data)


tolerated("http.refuses-with-422", rulings={"RUL-49"}, norms={"HTTP-13", "HTTP-31"},
          profiles="seed ollama")  # fmt: skip
tolerated("http.lets-caches-keep-streams", norms={"HTTP-25"})
tolerated("http.hides-paths-from-wrong-methods", norms={"HTTP-11"})
tolerated("http.forgets-allow", norms={"HTTP-11"})
tolerated("http.takes-any-temperature", rulings={"RUL-07"}, norms={"CRQ-21", "CRQ-22", "CRQ-23"},
          traps={"FA-14"}, profiles="seed ollama")  # fmt: skip
tolerated("http.takes-any-role", rulings={"RUL-11"}, norms={"CRQ-04"})
tolerated("http.drops-odd-stops", norms={"CRQ-30"})
tolerated("http.takes-empty-tools", norms={"CRQ-37"}, profiles="seed ollama")
tolerated("http.hides-the-stream", norms={"HTTP-01"}, profiles="ollama openai")
