"""The event-stream decoder against the standard, however the bytes are cut."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.wire.exchange import Piece
from conformance.wire.sse import Stream, decode

VECTORS = {
    "one event": (b"data: a\n\n", [("message", "a")]),
    "no blank after the colon": (b"data:a\n\n", [("message", "a")]),
    "only one blank is dropped": (b"data:  a\n\n", [("message", " a")]),
    "two lines": (b"data: a\ndata: b\n\n", [("message", "a\nb")]),
    "a name": (b"event: x\ndata: a\n\n", [("x", "a")]),
    "the name does not stay": (b"event: x\ndata: a\n\ndata: b\n\n", [("x", "a"), ("message", "b")]),
    "a name without data": (b"event: x\n\ndata: b\n\n", [("message", "b")]),
    "data without a colon": (b"data\n\n", [("message", "")]),
    "two lines without a colon": (b"data\ndata\n\n", [("message", "\n")]),
    "comments": (b": x\ndata: a\n:\n\n", [("message", "a")]),
    "CR LF": (b"data: a\r\n\r\n", [("message", "a")]),
    "CR": (b"data: a\r\r", [("message", "a")]),
    "mixed ends": (b"data: a\r\n\ndata: b\n\r\n", [("message", "a"), ("message", "b")]),
    "BOM": (b"\xef\xbb\xbfdata: a\n\n", [("message", "a")]),
    "second BOM": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
    "unterminated": (b"data: a\n\ndata: b\n", [("message", "a")]),
    "unknown field": (b"x: y\ndata: a\n\n", [("message", "a")]),
    "capital": (b"Data: a\n\n", []),
    "not UTF-8": (b"data: \xff\n\n", [("message", "\ufffd")]),
    "U+2028 is text": ("data: a\u2028b\n\n".encode(), [("message", "a\u2028b")]),
    "VT and NEL are text": ("data: a\x0b\x85b\n\n".encode(), [("message", "a\x0b\x85b")]),
    "empty": (b"", []),
}
FRAGMENTS = [b"data: a", b"data", b": c", b"event: x", b"id: 3", b"retry: 5", b"\n", b"\r", b"\r\n",
             b"\n\n", b"\xff", b"\xe2\x82\xac", b"\xef\xbb\xbf", b"\xe2", b" ", b":"]  # fmt: skip
BODIES = st.lists(st.sampled_from(FRAGMENTS), max_size=14).map(b"".join)


def untimed(stream: Stream) -> Stream:
    return replace(stream, events=tuple(replace(event, at=0) for event in stream.events))


def cut(body: bytes, at: list[int]) -> list[Piece]:
    edges = [0, *sorted(at), len(body)]
    return [Piece(n, body[a:b]) for n, (a, b) in enumerate(zip(edges, edges[1:], strict=False))]


@pytest.mark.parametrize("name", VECTORS)
def test_reads_as_the_standard_says(name: str) -> None:
    body, expected = VECTORS[name]
    stream = decode([Piece(0, body)])
    assert [(event.name, event.data) for event in stream.events] == expected


@given(BODIES, st.lists(st.integers(0, 60), max_size=6))
def test_cuts_do_not_matter(body: bytes, at: list[int]) -> None:
    whole = untimed(decode([Piece(0, body)]))
    assert untimed(decode(cut(body, [min(n, len(body)) for n in at]))) == whole
    assert untimed(decode(cut(body, list(range(len(body)))))) == whole


@given(BODIES)
def test_offsets_point_into_the_body(body: bytes) -> None:
    stream = decode([Piece(0, body)])
    assert body[stream.tail_start :] == stream.tail
    for block in stream.blocks:
        assert body[block.start : block.end].rstrip(b"\r\n")
        assert all(block.start <= field.start < block.end for field in block.fields)


def test_an_event_has_the_time_of_its_last_byte() -> None:
    pieces = [Piece(1, b"data: a\n"), Piece(2, b"\ndata: b\r"), Piece(3, b"\n"), Piece(4, b"\r\n")]
    assert [event.at for event in decode(pieces).events] == [2, 4]


def test_keeps_what_a_client_forgets() -> None:
    stream = decode([Piece(0, b"\xef\xbb\xbf: hi\nid: 7\nretry: 10\n\ndata: a\xff\r\r\n\ndata: b")])
    assert stream.bom
    assert [comment.value for comment in stream.comments] == ["hi"]
    assert (stream.last_event_id, stream.retry) == ("7", 10)
    assert stream.invalid_utf8 == (32,)
    assert stream.tail == b"data: b"
    assert stream.line_ends == {"\n": 5, "\r\n": 1, "\r": 1}


def test_time_is_linear_in_a_line_that_never_ends() -> None:
    def seconds(count: int) -> float:
        pieces = [Piece(0, b"x" * 100)] * count
        began = time.process_time()
        decode(pieces)
        return time.process_time() - began

    seconds(1000)
    assert seconds(80_000) < 12 * max(seconds(20_000), 0.005)
