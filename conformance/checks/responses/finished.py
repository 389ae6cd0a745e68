"""A response when it is finished: the plain answer, or what the last event of a stream carries."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from conformance.contract.document import pointer
from conformance.contract.typed import is_id, row_of, wrong
from conformance.grammars.responses import terminal
from conformance.reading import JSON, Reading

Json = dict[str, Any]
PLACES = {True: "/response", False: ""}  # of the object, in an event of a stream and plain


def is_response(x: Reading) -> bool:
    """An exchange of the operation that creates responses, answered."""
    known = x.surface in ("responses", "responses-stream") and isinstance(x.sent, dict)
    return known and x.answered and x.status == HTTPStatus.OK


def response_of(x: Reading) -> Json | None:
    """The finished response of an exchange; None where there is none."""
    if x.asks_stream:
        last = terminal(x)
        found: Any = last.value.get("response") if last is not None else None
    else:
        found = x.json if x.media_type == JSON else None
    return found if isinstance(found, dict) else None


def is_finished(x: Reading) -> bool:
    """Whether the exchange brought a finished response."""
    return is_response(x) and response_of(x) is not None


def event_of(x: Reading) -> int | None:
    """The event that carries the finished response, in a stream."""
    last = terminal(x) if x.asks_stream else None
    return last.event if last is not None else None


def place(x: Reading, *tokens: str | int) -> str:
    """The pointer of something in the finished response."""
    return PLACES[x.asks_stream] + pointer(*tokens)


def items_of(response: Json | None) -> list[Json]:
    """The output items that are objects with a type."""
    output = response.get("output") if response is not None else None
    items = output if isinstance(output, list) else []
    return [item for item in items if isinstance(item, dict) and is_id(item.get("type"))]


def parts_of(item: Json) -> Iterator[Json]:
    """The parts of an item, of its content and of its summary."""
    for member in ("content", "summary"):
        parts = item.get(member)
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict):
                yield part


def well_formed(item: Json) -> bool:
    """Whether an item and its parts have what goes with their types."""
    if any(wrong(row_of("items", item), item)):
        return False
    return not any(fault for part in parts_of(item) for fault in wrong(row_of("parts", part), part))


def tokens(response: Json | None, name: str) -> int | None:
    """A number of the usage of a response; None where it is not told."""
    usage = response.get("usage") if response is not None else None
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text_of(response: Json | None) -> str:
    """All text of the messages of a response."""
    parts = [p for i in items_of(response) if i["type"] == "message" for p in parts_of(i)]
    texts = [part.get("text") for part in parts if part.get("type") == "output_text"]
    return "".join(text for text in texts if isinstance(text, str))
