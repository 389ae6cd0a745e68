"""Other ways to write an event stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.wire.exchange import Piece, Reply
from reference_server.change import is_stream
from reference_server.variants.variant import variant

ON = "chat-stream completions-stream responses-stream"


@variant(on=ON, norms={"SSE-09"})
def comments(blocks: list[bytes]) -> Iterator[bytes]:
    """Sends heartbeats as comments, before the first event, between events and inside of one."""
    yield b": hello"
    for block in blocks:
        yield b": ping\n" + block
        yield b":"


@variant(on=ON, norms={"SSE-03", "SSE-05"})
def cr_lf(data: bytes) -> bytes:
    """Ends lines with CR LF."""
    return data.replace(b"\n", b"\r\n")


@variant(on="chat-stream", norms={"SSE-01", "CST-33"})
def byte_by_byte(reply: Reply) -> Reply:
    """Delivers one byte at a time, so that events and characters are cut anywhere."""
    if not is_stream(reply):
        return reply
    bytes_ = (Piece(p.at, bytes([byte])) for p in reply.pieces for byte in p.data)
    return replace(reply, pieces=tuple(bytes_))
