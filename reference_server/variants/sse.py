"""Other ways to write an event stream."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from conformance.wire.exchange import Piece, Reply
from reference_server.change import DONE, is_stream, value_of
from reference_server.variants.variant import tolerated, variant

STREAMS = "chat-stream completions-stream responses-stream"
CHUNKED = "chat-stream completions-stream"  # those whose blocks are a `data` line and no more
START = re.compile(rb"^(data|event): ", re.MULTILINE)


@variant(on=STREAMS, norms={"SSE-09"})
def comments(blocks: list[bytes]) -> Iterator[bytes]:
    """Sends comments as heartbeats: before, between and inside of events, and at the end."""
    yield b": hello"
    for block in blocks:
        yield b": ping\n" + block
        yield b":"


@variant(on=STREAMS, norms={"SSE-03", "SSE-05"})
def cr_lf(data: bytes) -> bytes:
    """Ends lines with CR LF."""
    return data.replace(b"\n", b"\r\n")


@variant(on=STREAMS, norms={"SSE-11", "SSE-13"})
def no_blank(data: bytes) -> bytes:
    """Leaves out the blank after `data:`, before `[DONE]` too."""
    return START.sub(rb"\1:", data)


@variant(on=STREAMS, norms={"SSE-03"})
def empty_lines(blocks: list[bytes]) -> Iterator[bytes]:
    """Separates events by several empty lines, and begins with one."""
    yield b""
    for block in blocks:
        yield block + b"\n"


@variant(on="chat-stream", norms={"SSE-01", "CST-33"})
def byte_by_byte(reply: Reply) -> Reply:
    """Delivers one byte at a time, so that events, lines and characters are cut anywhere."""
    if not is_stream(reply):
        return reply
    bytes_ = (Piece(p.at, bytes([byte])) for p in reply.pieces for byte in p.data)
    return replace(reply, pieces=tuple(bytes_))


@variant(on=STREAMS, norms={"SSE-01"})
def odd_packets(reply: Reply) -> Reply:
    """Delivers events in packets that end anywhere, as many as one and a half at a time."""
    if not is_stream(reply):
        return reply
    pieces, carried = [], b""
    for piece in reply.pieces:
        data, carried = carried + piece.data[:-7], piece.data[-7:]
        pieces.append(Piece(piece.at, data))
    last = reply.pieces[-1].at
    return replace(reply, pieces=(*pieces, Piece(last, carried)))


@variant(on=STREAMS, norms={"SSE-18"})
def retry(blocks: list[bytes]) -> Iterator[bytes]:
    """Says in its first event after how many milliseconds to come back."""
    yield b"retry: 3000\n" + blocks[0]
    yield from blocks[1:]


@variant(on=STREAMS, norms={"SSE-19", "HTTP-04"})
def media_type(reply: Reply) -> Reply | None:
    """Writes the media type in another case, with parameters."""
    if not is_stream(reply):
        return None
    kept = tuple(pair for pair in reply.headers if pair[0].lower() != "content-type")
    return replace(reply, headers=(*kept, ("Content-Type", "Text/Event-Stream; Charset=UTF-8")))


@variant(on=STREAMS, norms={"SSE-19"})
def no_charset(reply: Reply) -> Reply | None:
    """Names no charset: an event stream has only one."""
    if not is_stream(reply):
        return None
    kept = tuple(pair for pair in reply.headers if pair[0].lower() != "content-type")
    return replace(reply, headers=(*kept, ("content-type", "text/event-stream")))


@variant(on=CHUNKED, norms={"SSE-01", "CST-33"})
def escapes(blocks: list[bytes]) -> Iterator[bytes]:
    """Writes every character beyond ASCII as an escape, and blanks between the tokens of JSON."""
    for block in blocks:
        yield block if block == DONE else b"data: " + json.dumps(value_of(block)).encode()


@variant(on=CHUNKED, norms={"SSE-15"})
def raw_separators(blocks: list[bytes]) -> Iterator[bytes]:
    """Writes characters that other things than an event stream take for line ends as they are."""
    note = json.dumps({"note": "\u2028\u2029\x85"}, ensure_ascii=False)[:-1].encode()
    for block in blocks:
        yield block if block == DONE else block.replace(b"{", note + b",", 1)


tolerated("sse.leaves-done-open", norms={"SSE-04"})
tolerated("sse.begins-with-a-bom", norms={"SSE-02"}, profiles="seed")
tolerated("sse.ends-lines-with-cr", norms={"SSE-05"}, profiles="seed")
tolerated("sse.sends-nameless-pings", norms={"SSE-07"}, profiles="seed")
tolerated("sse.capitalises-data", norms={"SSE-11"}, profiles="seed")
tolerated("sse.numbers-its-events", norms={"SSE-08"}, profiles="seed")
tolerated("sse.ends-some-lines-with-cr-lf", norms={"SSE-06"})
tolerated("sse.writes-json-over-lines", norms={"SSE-10"})
tolerated("sse.leaves-events-nameless", norms={"SSE-14"})
tolerated("sse.pads-its-streams", norms={"SSE-16"})
