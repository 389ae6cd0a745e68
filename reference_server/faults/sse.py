"""Faults in the bytes of an event stream."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from conformance.wire.exchange import Reply
from reference_server.faults.fault import DONE, fault, is_stream

ON = "chat-stream"


@fault(breaks={"sse.utf-8"}, on=ON)
def writes_latin_1(blocks: list[bytes]) -> Iterator[bytes]:
    """Writes a heartbeat whose comment is not UTF-8."""
    yield from blocks[:1]
    yield b": caf\xe9"
    yield from blocks[1:]


@fault(breaks={"sse.no-bom"}, on=ON)
def begins_with_a_bom(data: bytes) -> bytes:
    """Begins the stream with a byte order mark."""
    return b"\xef\xbb\xbf" + data


@fault(breaks={"sse.terminated"}, on=ON)
def forgets_the_last_blank_line(data: bytes) -> bytes:
    """Ends after the last chunk, without its empty line and without [DONE]."""
    return data.removesuffix(DONE + b"\n\n").removesuffix(b"\n\n") + b"\n"


@fault(breaks={"sse.done-terminated"}, on=ON)
def leaves_done_open(data: bytes) -> bytes:
    """Ends right after [DONE], without its empty line."""
    return data.removesuffix(b"\n\n")


@fault(breaks={"sse.no-lone-cr"}, on=ON)
def ends_lines_with_cr(data: bytes) -> bytes:
    """Ends every line with CR alone."""
    return data.replace(b"\n", b"\r")


@fault(breaks={"sse.has-data"}, on=ON, field="SF-06")
def sends_empty_heartbeats(blocks: list[bytes]) -> Iterator[bytes]:
    """Sends heartbeats as events with empty data."""
    yield from blocks[:1]
    yield b"data: "
    yield from blocks[1:]


@fault(breaks={"sse.has-data"}, on=ON)
def sends_nameless_pings(blocks: list[bytes]) -> Iterator[bytes]:
    """Sends heartbeats as blocks with only a name."""
    yield b"event: ping"
    yield from blocks


@fault(breaks={"sse.known-fields"}, on=ON)
def writes_bare_json(blocks: list[bytes]) -> Iterator[bytes]:
    """Writes a line of bare JSON between two events."""
    yield from blocks[:1]
    yield b'{"status": "working"}'
    yield from blocks[1:]


@fault(breaks={"sse.known-fields"}, on=ON)
def capitalises_data(blocks: list[bytes]) -> Iterator[bytes]:
    """Writes one event with a capital D."""
    yield b"Data: {}"
    yield from blocks


@fault(breaks={"sse.one-line-end"}, on=ON)
def ends_some_lines_with_cr_lf(blocks: list[bytes]) -> Iterator[bytes]:
    """Ends every second line of data with CR LF."""
    for n, block in enumerate(blocks):
        yield block + b"\r" * (n % 2) if block != DONE else block


@fault(breaks={"sse.no-id"}, on=ON)
def numbers_its_events(blocks: list[bytes]) -> Iterator[bytes]:
    """Gives every event an id."""
    yield from (b"id: %d\n%b" % (n, block) for n, block in enumerate(blocks))


@fault(breaks={"sse.one-data-line"}, on=ON, field="SF-11")
def writes_json_over_lines(blocks: list[bytes]) -> Iterator[bytes]:
    """Writes the JSON text of an event over several `data` lines."""
    for block in blocks:
        yield block.replace(b'{"id"', b'{\ndata: "id"', 1).replace(b"data: {", b"data:{", 1)


@fault(breaks={"sse.event-is-type"}, on="responses-stream", field="RS-26")
def leaves_events_nameless(data: bytes) -> bytes:
    """Sends the events of a response without their names."""
    return re.sub(rb"(?m)^event: .*\n", b"", data)


@fault(breaks={"sse.line-length"}, on=ON)
def pads_its_streams(sent: Any, blocks: list[bytes]) -> Iterator[bytes]:
    """Begins streams with usage by a comment of more than 1 MiB."""
    if sent.get("stream_options"):
        yield b": " + b" " * (1 << 20)
    yield from blocks


@fault(breaks={"sse.retry-digits"}, on=ON)
def says_retry_in_words(blocks: list[bytes]) -> Iterator[bytes]:
    """Says in words when to connect again."""
    yield b"retry: 3s\n" + blocks[0]
    yield from blocks[1:]


@fault(breaks={"sse.charset"}, on=ON)
def announces_latin_1(reply: Reply) -> Reply | None:
    """Announces an encoding that an event stream cannot have."""
    if not is_stream(reply):
        return None
    kept = tuple(pair for pair in reply.headers if pair[0].lower() != "content-type")
    media_type = ("content-type", "text/event-stream; charset=iso-8859-1")
    return replace(reply, headers=(*kept, media_type))
