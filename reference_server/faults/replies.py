"""Whole replies that faults answer with."""

from __future__ import annotations

import time
import zlib
from typing import Any

from conformance.wire.exchange import Piece, Reply
from reference_server.faults.fault import compact

JSON = (("content-type", "application/json"),)
EVENTS = (("content-type", "text/event-stream"), ("cache-control", "no-cache"))


def at(reply: Reply) -> float:
    """The time of a reply's last piece."""
    return reply.pieces[-1].at if reply.pieces else 0.0


def error(
    reply: Reply,
    status: int,
    message: str,
    type_: str = "invalid_request_error",
    code: str | None = None,
) -> Reply:
    """An error in place of a reply, in the envelope that clients know."""
    body = {"error": {"message": message, "type": type_, "param": None, "code": code}}
    return Reply(status, JSON, (Piece(at(reply), compact(body)),))


def completion(reply: Reply, sent: Any) -> Reply:
    """A short chat answer, plain or streamed as the request asks, in place of a reply."""
    model = sent.get("model") if isinstance(sent, dict) else None
    id_ = f"chatcmpl-{zlib.crc32(f'{sent} {at(reply)}'.encode('utf-8', 'replace')):08x}"
    # the time of day, since on the wire the head tells it too
    base: dict[str, Any] = {"id": id_, "created": int(time.time())}
    base |= {"model": model if isinstance(model, str) and model else "model"}
    if isinstance(sent, dict) and sent.get("stream") is True:
        return _streamed(reply, base, sent)
    message = {"role": "assistant", "content": "Yes."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    body = base | {"object": "chat.completion", "choices": [choice], "usage": usage}
    return Reply(200, JSON, (Piece(at(reply), compact(body)),))


def _streamed(reply: Reply, base: dict[str, Any], sent: dict[str, Any]) -> Reply:
    deltas = [
        ({"role": "assistant", "content": ""}, None),
        ({"content": "Yes."}, None),
        ({}, "stop"),
    ]
    chunks = [
        base
        | {"object": "chat.completion.chunk"}
        | {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        for delta, reason in deltas
    ]
    options = sent.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage") is True:
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        chunks.append(base | {"object": "chat.completion.chunk", "choices": [], "usage": usage})
    blocks = [b"data: " + compact(chunk) for chunk in chunks] + [b"data: [DONE]"]
    when = at(reply)
    pieces = tuple(Piece(when, block + b"\n\n") for block in blocks)
    return Reply(200, EVENTS, pieces)
