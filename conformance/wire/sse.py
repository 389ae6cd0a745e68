"""The event-stream decoder of the WHATWG standard, without I/O, keeping what a judge needs.

Bytes go in with the time at which they arrived; events come out when they are complete. Lines
end with CR LF, LF or CR and nothing else, so the search runs on bytes, before decoding. What the
standard tells a client to forget (comments, blocks without data, the unterminated rest) is kept.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from conformance.wire.exchange import Piece

BOM = b"\xef\xbb\xbf"
LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True)
class Field:
    """One line of a block: name, value and the byte offset at which it starts."""

    name: str
    value: str
    start: int


@dataclass(frozen=True)
class Event:
    """A dispatched event. `start` and `end` are byte offsets of its block in the body, the empty
    line included; `at` is when the last byte that it needed arrived.
    """

    data: str
    name: str
    at: float
    start: int
    end: int
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Block:
    """Lines ended by an empty line, dispatched as an event or not."""

    fields: tuple[Field, ...]
    start: int
    end: int
    dispatched: bool


@dataclass(frozen=True)
class Stream:
    """Everything that a body says as an event stream.

    `tail` holds the bytes after the last empty line, which no parser delivers; `line_ends` counts
    the line ends by kind; `invalid_utf8` has the byte offset of each place that does not decode.
    """

    events: tuple[Event, ...]
    blocks: tuple[Block, ...]
    comments: tuple[Field, ...]
    bom: bool
    tail: bytes
    tail_start: int
    line_ends: Mapping[str, int]
    invalid_utf8: tuple[int, ...]
    longest_line: int
    last_event_id: str = ""
    retry: int | None = None


@dataclass
class Decoder:
    """Feed it bytes, then `finish`."""

    _buffer: bytearray = field(default_factory=bytearray)
    _start: int = 0  # offset in the body of the first byte of the buffer
    _block_start: int = 0
    _fields: list[Field] = field(default_factory=list)
    _raw_tail: list[bytes] = field(default_factory=list)
    _events: list[Event] = field(default_factory=list)
    _blocks: list[Block] = field(default_factory=list)
    _comments: list[Field] = field(default_factory=list)
    _invalid: list[int] = field(default_factory=list)
    _ends: dict[str, int] = field(default_factory=lambda: {"\n": 0, "\r\n": 0, "\r": 0})
    _bom: bool = False
    _begun: bool = False
    _after_cr: bool = False
    _longest: int = 0
    _id: str = ""
    _retry: int | None = None

    def feed(self, data: bytes, at: float) -> list[Event]:
        """The events that these bytes complete. `at` is when they arrived, in seconds."""
        data = self._rest_of_crlf(data)
        fresh = not self._begun
        self._buffer += data
        if not self._begin():
            return []
        known = len(self._events)
        position = 0
        # a buffer without a line end is not searched twice, so that a long line costs linear time
        buffer = bytes(self._buffer) if fresh or LINE_END.search(data) else b""
        for match in LINE_END.finditer(buffer):
            end = match.end()
            self._end_of_line(match.group(), last=end == len(buffer))
            self._line(buffer[position : match.start()], self._start + position)
            self._raw_tail.append(buffer[position:end])
            if match.start() == position:
                self._dispatch(self._start + end, at)
            position = end
        del self._buffer[:position]
        self._start += position
        return self._events[known:]

    def _rest_of_crlf(self, data: bytes) -> bytes:
        """A CR at the end of a piece is acted on at once; a LF that follows belongs to it."""
        if self._after_cr and data:
            self._after_cr = False
            if data[:1] == b"\n":
                self._ends["\r"] -= 1
                self._ends["\r\n"] += 1
                self._start += 1
                self._extend_last()
                return data[1:]
        return data

    def _extend_last(self) -> None:
        """Count the late LF to what the CR ended: the block, or the line of the open one."""
        if self._raw_tail:
            self._raw_tail[-1] += b"\n"
            return
        self._block_start += 1
        if self._blocks and self._blocks[-1].end == self._start - 1:
            block = self._blocks[-1]
            self._blocks[-1] = Block(block.fields, block.start, self._start, block.dispatched)
            if block.dispatched:
                e = self._events[-1]
                self._events[-1] = Event(e.data, e.name, e.at, e.start, self._start, e.fields)

    def _begin(self) -> bool:
        """Drop one byte order mark; false while the first bytes may still become one."""
        if self._begun:
            return True
        if len(self._buffer) < len(BOM) and BOM.startswith(bytes(self._buffer)):
            return False
        self._begun = True
        if self._buffer.startswith(BOM):
            self._bom = True
            del self._buffer[: len(BOM)]
            self._start = self._block_start = len(BOM)
        return True

    def _end_of_line(self, end: bytes, *, last: bool) -> None:
        self._ends[end.decode("ascii")] += 1
        self._after_cr = last and end == b"\r"

    def _line(self, line: bytes, start: int) -> None:
        """One line without its end, by the table of the standard."""
        if not line:
            return
        self._longest = max(self._longest, len(line))
        text = self._decode(line, start)
        name, colon, value = text.partition(":")
        value = value.removeprefix(" ")
        if colon and not name:
            self._comments.append(Field("", value, start))
            return
        self._fields.append(Field(name, value, start))
        if name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self._retry = int(value) if len(value) < 20 else None

    def _decode(self, line: bytes, start: int) -> str:
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError as error:
            self._invalid.append(start + error.start)
            return line.decode("utf-8", "replace")

    def _dispatch(self, end: int, at: float) -> None:
        fields, start = tuple(self._fields), self._block_start
        self._fields.clear()
        self._raw_tail.clear()
        self._block_start = end
        if not fields:
            return
        data = [each.value for each in fields if each.name == "data"]
        if data:
            names = [each.value for each in fields if each.name == "event"]
            name = names[-1] if names and names[-1] else "message"
            self._events.append(Event("\n".join(data), name, at, start, end, fields))
        self._blocks.append(Block(fields, start, end, bool(data)))

    def finish(self) -> Stream:
        """The whole stream; what is not ended by an empty line stays in the tail."""
        tail = b"".join(self._raw_tail) + bytes(self._buffer)
        if self._buffer:
            self._decode(bytes(self._buffer), self._start)
        return Stream(
            events=tuple(self._events),
            blocks=tuple(self._blocks),
            comments=tuple(self._comments),
            bom=self._bom,
            tail=tail,
            tail_start=self._block_start,
            line_ends=dict(self._ends),
            invalid_utf8=tuple(self._invalid),
            longest_line=max(self._longest, len(self._buffer)),
            last_event_id=self._id,
            retry=self._retry,
        )


def decode(pieces: Iterable[Piece]) -> Stream:
    """A whole body, piece by piece."""
    decoder = Decoder()
    for piece in pieces:
        decoder.feed(piece.data, piece.at)
    return decoder.finish()
