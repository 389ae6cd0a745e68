"""How faults change the events of a stream: what is left out leaves no gap in the count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

ON = "responses-stream"
Json = dict[str, Any]
Events = list[Json]
ADDED, DONE = "response.output_item.added", "response.output_item.done"
PART_ADDED, PART_DONE = "response.content_part.added", "response.content_part.done"
DELTA, SAID = "response.output_text.delta", "response.output_text.done"
ENDS = ("response.completed", "response.incomplete", "response.failed")


def counted(events: Iterable[Json]) -> Iterator[Json]:
    """The events, numbered anew."""
    yield from (event | {"sequence_number": n} for n, event in enumerate(events))


def without(value: Json, *names: str) -> Json:
    """An object without some members."""
    return {name: each for name, each in value.items() if name not in names}


def dropped(events: Events, *types: str) -> Iterator[Json]:
    """The events without those of some types."""
    yield from counted(event for event in events if event["type"] not in types)


def each(events: Events, types: tuple[str, ...], change: Callable[[Json], Json]) -> Iterator[Json]:
    """The events, with those of some types changed."""
    yield from (change(event) if event["type"] in types else event for event in events)


def each_response(events: Events, change: Callable[[Json], Json]) -> Iterator[Json]:
    """The events, with each response changed."""
    for event in events:
        changed = {"response": change(event["response"])} if "response" in event else {}
        yield event | changed


def first(events: Events, type_: str) -> int | None:
    """The number of the first event of a type."""
    return next((n for n, event in enumerate(events) if event["type"] == type_), None)


def after_next(events: Events, one: str, other: str) -> Iterator[Json]:
    """The first event of one type moved behind the next one of another."""
    start = first(events, one)
    stop = None if start is None else first(events[start:], other)
    if start is None or stop is None:
        yield from events
        return
    end = start + stop + 1
    yield from counted([*events[:start], *events[start + 1 : end], events[start], *events[end:]])


def lost(events: Events, type_: str) -> Iterator[Json]:
    """The events without the second one of a type, where there are two."""
    found = [n for n, event in enumerate(events) if event["type"] == type_]
    yield from counted(e for n, e in enumerate(events) if len(found) < 2 or n != found[1])
