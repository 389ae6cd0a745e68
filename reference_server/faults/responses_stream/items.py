"""Faults of the items of a stream: how they are counted, begin and end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reference_server.faults.fault import fault
from reference_server.faults.responses_stream.editing import (
    ADDED,
    DELTA,
    DONE,
    ENDS,
    ON,
    PART_DONE,
    Events,
    Json,
    after_next,
    counted,
    dropped,
    each,
)


@fault(breaks={"responses-stream.output-index-order"}, on=ON, field="RS-11")
def counts_items_from_one(chunks: Events) -> Iterator[Json]:
    """Gives the first item the index 1."""
    for event in chunks:
        index = event.get("output_index")
        yield event if index is None else event | {"output_index": index + 1}


@fault(breaks={"responses-stream.output-index-once"}, on=ON)
def adds_items_twice(chunks: Events) -> Iterator[Json]:
    """Adds every item twice."""
    yield from counted(
        copy for event in chunks for copy in [event] * (2 if event["type"] == ADDED else 1)
    )


@fault(breaks={"responses-stream.item-added-first"}, on=ON)
def adds_no_items(chunks: Events) -> Iterator[Json]:
    """Leaves response.output_item.added out."""
    yield from dropped(chunks, ADDED)


@fault(breaks={"responses-stream.item-done"}, on=ON)
def leaves_items_open(chunks: Events) -> Iterator[Json]:
    """Leaves response.output_item.done out."""
    yield from dropped(chunks, DONE)


@fault(breaks={"responses-stream.item-done"}, on=ON)
def finishes_items_twice(chunks: Events) -> Iterator[Json]:
    """Says twice that an item is done."""
    yield from counted(
        copy for event in chunks for copy in [event] * (2 if event["type"] == DONE else 1)
    )


@fault(breaks={"responses-stream.silent-after-done"}, on=ON)
def closes_parts_late(chunks: Events) -> Iterator[Json]:
    """Closes a part after its item."""
    yield from after_next(chunks, PART_DONE, DONE)


@fault(breaks={"responses-stream.not-interleaved"}, on=ON)
def closes_items_late(chunks: Events) -> Iterator[Json]:
    """Closes an item when the next one has begun."""
    yield from after_next(chunks, DONE, ADDED)


@fault(breaks={"responses-stream.item-id"}, on=ON)
def renames_items(chunks: Events) -> Iterator[Json]:
    """Makes a new item_id for every piece of text."""
    numbers = iter(range(len(chunks)))
    yield from each(chunks, (DELTA,), lambda event: event | {"item_id": f"msg_{next(numbers)}"})


@fault(breaks={"responses-stream.item-identity"}, on=ON)
def finishes_other_items(chunks: Events) -> Iterator[Json]:
    """Makes the id of an item anew when it is done."""

    def renamed(item: Json) -> Json:
        return item | {"id": f"{item['id']}_0"}

    for event in each(chunks, (DONE,), lambda event: event | {"item": renamed(event["item"])}):
        if event["type"] in ENDS:
            output = [renamed(item) for item in event["response"]["output"]]
            yield event | {"response": event["response"] | {"output": output}}
        else:
            yield event


@fault(breaks={"responses-stream.item-begins-empty"}, on=ON)
def adds_finished_items(chunks: Events) -> Iterator[Json]:
    """Calls an item completed when it is added."""
    yield from each(
        chunks, (ADDED,), lambda event: event | {"item": event["item"] | {"status": "completed"}}
    )


@fault(breaks={"responses-stream.item-begins-empty"}, on=ON)
def adds_calls_with_arguments(chunks: Events) -> Iterator[Json]:
    """Adds a call with empty arguments in place of none."""

    def change(event: Json) -> Json:
        called = {"arguments": "{}"} if event["item"]["type"] == "function_call" else {}
        return event | {"item": event["item"] | called}

    yield from each(chunks, (ADDED,), change)


@fault(breaks={"responses-stream.final-output"}, on=ON, field="RS-02")
def ends_with_other_items(chunks: Events) -> Iterator[Json]:
    """Makes the ids of items and calls anew for the last event."""

    def renamed(item: Json) -> Json:
        called = {"call_id": item["call_id"] + "_0"} if "call_id" in item else {}
        return item | {"id": f"{item['id']}_0"} | called

    yield from _last(chunks, lambda output: [renamed(item) for item in output])


@fault(breaks={"responses-stream.final-output", "responses.some-item"}, on=ON, field="RS-17")
def ends_with_nothing(chunks: Events) -> Iterator[Json]:
    """Leaves the output empty in the last event."""
    yield from _last(chunks, lambda _: [])


@fault(breaks={"responses-stream.final-output"}, on=ON)
def ends_in_another_order(chunks: Events) -> Iterator[Json]:
    """Lists the items in another order at the end, where all are done."""
    whole = chunks[-1]["type"] == "response.completed"
    yield from _last(chunks, lambda output: output[::-1]) if whole else chunks


def _last(chunks: Events, change: Callable[[list[Json]], list[Json]]) -> Iterator[Json]:
    """The events, with another output in the last one."""
    for event in chunks:
        if event["type"] in ENDS:
            output = change(event["response"]["output"])
            yield event | {"response": event["response"] | {"output": output}}
        else:
            yield event
