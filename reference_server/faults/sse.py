"""Faults in the bytes of an event stream."""

from __future__ import annotations

from collections.abc import Iterator

from reference_server.faults.fault import DONE, fault

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
