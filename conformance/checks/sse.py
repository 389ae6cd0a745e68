"""The event stream as bytes."""

from __future__ import annotations

from conformance.check import Answer, Deviation, Place, check, show
from conformance.reading import Reading, is_streamed

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
        names = {field.name for field in block.fields}
        data = any(field.name == "data" and field.value for field in block.fields)
        if names & set(FIELDS) and not data:
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
