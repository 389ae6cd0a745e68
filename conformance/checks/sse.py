"""The event stream as bytes."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message

from conformance.check import Answer, Deviation, Place, Undecided, check, show
from conformance.reading import NotJson, Reading, is_streamed

MIB = 1 << 20
FIELDS = ("data", "event", "id", "retry")


def whole(x: Reading) -> bool:
    """A stream that the server ended itself."""
    return is_streamed(x) and x.complete


@check("sse.utf-8", on=is_streamed)
def utf_8(x: Reading) -> Answer:
    """Every byte belongs to a UTF-8 sequence."""
    for offset in x.stream.invalid_utf8[:1]:
        yield Deviation("UTF-8", f"a byte at {offset} that is not", Place(offset=offset))


@check("sse.no-bom", on=is_streamed)
def no_bom(x: Reading) -> Answer:
    """The first bytes are no byte order mark."""
    if x.stream.bom:
        yield Deviation("no byte order mark", "EF BB BF", Place(offset=0))


@check("sse.terminated", on=whole)
def terminated(x: Reading) -> Answer:
    """Nothing is left over when the body ends."""
    if x.stream.tail.strip() and not x.done_open:
        left = show(x.stream.tail.decode("utf-8", "replace"))
        yield Deviation("an empty line after the last event", left, _at_tail(x))


@check("sse.done-terminated", on=whole)
def done_terminated(x: Reading) -> Answer:
    """`[DONE]` is not left over either."""
    if x.done_open:
        yield Deviation("an empty line after [DONE]", "the end of the body", _at_tail(x))


def _at_tail(x: Reading) -> Place:
    return Place(offset=x.stream.tail_start)


@check("sse.no-lone-cr", on=is_streamed)
def no_lone_cr(x: Reading) -> Answer:
    """Every CR is followed by LF."""
    if count := x.stream.line_ends["\r"]:
        yield Deviation("lines ended by LF or CR LF", f"{count} ended by CR alone")


@check("sse.has-data", on=is_streamed)
def has_data(x: Reading) -> Answer:
    """Every block brings data; a block without any known field has a rule of its own."""
    for block in x.stream.blocks:
        if any(field.name == "data" and field.value for field in block.fields):
            continue
        names = {field.name for field in block.fields}
        if names & set(FIELDS):
            place = Place(offset=block.start)
            yield Deviation("a `data` line with a value", f"only {sorted(names)}", place)
            return


@check("sse.known-fields", on=is_streamed)
def known_fields(x: Reading) -> Answer:
    """Every line is a comment or a field of the standard."""
    for block in x.stream.blocks:
        for field in block.fields:
            if field.name not in FIELDS:
                place = Place(offset=field.start)
                yield Deviation(f"a comment or one of {', '.join(FIELDS)}", show(field.name), place)
                return


@check("sse.one-line-end", on=is_streamed)
def one_line_end(x: Reading) -> Answer:
    """LF or CR LF, not both; CR alone has a rule of its own."""
    ends = {end: count for end, count in x.stream.line_ends.items() if count and end != "\r"}
    if len(ends) > 1:
        yield Deviation("one kind of line end", show(ends))


def _fields(x: Reading, name: str) -> Iterator[tuple[str, Place]]:
    """The values of the fields of a name, each with its place."""
    found = (field for block in x.stream.blocks for field in block.fields if field.name == name)
    yield from ((field.value, Place(offset=field.start)) for field in found)


@check("sse.no-id", on=is_streamed)
def no_id(x: Reading) -> Answer:
    """No event has an id."""
    for value, place in _fields(x, "id"):
        yield Deviation("no `id` field", show(value), place)
        return


@check("sse.one-data-line", on=is_streamed)
def one_data_line(x: Reading) -> Answer:
    """One event, one line; data that is no JSON has a rule of its own."""
    for n, (event, payload) in enumerate(zip(x.events, x.payloads, strict=True)):
        lines = sum(field.name == "data" for field in event.fields)
        if lines > 1 and not isinstance(payload, NotJson):
            yield Deviation("one `data` line", f"{lines}", Place(n, "", event.start))
            return


@check("sse.event-is-type", on=is_streamed)
def event_is_type(x: Reading) -> Answer:
    """An event is named; that its name is the type of its payload has a rule of its own."""
    typed = [c for c in x.chunks if isinstance(c.value.get("type"), str) and c.value["type"]]
    if not typed:
        yield Undecided("no event of the stream has a type")
    for chunk in typed:
        event = x.events[chunk.event]
        if not any(field.name == "event" for field in event.fields):
            wanted = f"event: {chunk.value['type']}"
            place = Place(chunk.event, "", event.start)
            yield Deviation(wanted, "no `event` field", place)
            return


@check("sse.line-length", on=is_streamed)
def line_length(x: Reading) -> Answer:
    """No line is longer than line buffers are."""
    if (length := x.stream.longest_line) > MIB:
        yield Deviation("lines of at most 1 MiB", f"one of {length} bytes")


@check("sse.retry-digits", on=is_streamed)
def retry_digits(x: Reading) -> Answer:
    """`retry` is a number of milliseconds."""
    for value, place in _fields(x, "retry"):
        if not (value.isascii() and value.isdigit()):
            yield Deviation("ASCII digits", show(value), place)
            return


@check("sse.charset", on=is_streamed)
def charset(x: Reading) -> Answer:
    """The media type names no other encoding."""
    value = x.exchange.reply.header("content-type") if x.exchange.reply else None
    if not value or ";" not in value:
        return
    named = Message()
    named["content-type"] = value
    found = named.get_param("charset", "utf-8")
    if str(found).lower() not in ("utf-8", "utf8"):
        yield Deviation("utf-8", show(found))
