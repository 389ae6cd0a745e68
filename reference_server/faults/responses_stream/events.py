"""Faults of the events of a stream: types, members, numbers, beginning and end."""

from __future__ import annotations

import json
from collections.abc import Iterator

from reference_server.faults.fault import fault
from reference_server.faults.responses_stream.editing import (
    DELTA,
    ENDS,
    ON,
    PART_DONE,
    SAID,
    Events,
    Json,
    counted,
    dropped,
    each,
    each_response,
    without,
)


@fault(breaks={"responses-stream.typed-events"}, on=ON)
def ends_without_a_type(chunks: Events) -> Iterator[Json]:
    """Leaves the type out of the last event."""
    yield from (*chunks[:-1], without(chunks[-1], "type"))


@fault(breaks={"responses-stream.typed-events"}, on=ON)
def pings_with_text(blocks: list[bytes]) -> Iterator[bytes]:
    """Sends a string for a heartbeat."""
    yield from (*blocks[:2], b'data: "ping"', *blocks[2:])


@fault(breaks={"responses-stream.event-name"}, on=ON)
def names_every_event_message(blocks: list[bytes]) -> Iterator[bytes]:
    """Gives every event the name `message`."""
    yield from (b"event: message\ndata: " + block.partition(b"data: ")[2] for block in blocks)


@fault(breaks={"responses-stream.event-members"}, on=ON)
def forgets_item_ids(chunks: Events) -> Iterator[Json]:
    """Leaves `item_id` out of the pieces of text."""
    yield from each(chunks, (DELTA,), lambda event: without(event, "item_id"))


@fault(breaks={"responses-stream.event-members"}, on=ON)
def counts_in_strings(chunks: Events) -> Iterator[Json]:
    """Sends `content_index` as a string when a part is done."""
    yield from each(
        chunks, (PART_DONE,), lambda event: event | {"content_index": str(event["content_index"])}
    )


@fault(
    breaks={"responses-stream.event-members", "responses-stream.sequence-rises"},
    on=ON,
    field="RS-16",
)
def keeps_alive_with_bare_events(chunks: Events) -> Iterator[Json]:
    """Sends response.in_progress without its members for a heartbeat."""
    yield from (*chunks[:3], {"type": "response.in_progress"}, *chunks[3:])


@fault(breaks={"responses-stream.known-types"}, on=ON)
def keeps_alive_by_events(chunks: Events) -> Iterator[Json]:
    """Sends an event of its own for a heartbeat."""
    yield from counted([*chunks[:2], {"type": "keepalive"}, *chunks[2:]])


@fault(breaks={"responses-stream.logprobs"}, on=ON)
def forgets_logprobs(chunks: Events) -> Iterator[Json]:
    """Leaves `logprobs` out of the events of text."""
    yield from each(chunks, (DELTA, SAID), lambda event: without(event, "logprobs"))


@fault(breaks={"responses-stream.sequence-rises"}, on=ON)
def counts_nothing(chunks: Events) -> Iterator[Json]:
    """Gives every event the number 0."""
    yield from (event | {"sequence_number": 0} for event in chunks)


@fault(breaks={"responses-stream.sequence-rises"}, on=ON)
def forgets_to_count(chunks: Events) -> Iterator[Json]:
    """Numbers the events of each item anew."""
    last = chunks[-1] | {"sequence_number": 1}
    yield from (*chunks[:-1], last)


@fault(breaks={"responses-stream.sequence-from-zero"}, on=ON)
def counts_from_one(chunks: Events) -> Iterator[Json]:
    """Begins to count with 1."""
    yield from (event | {"sequence_number": event["sequence_number"] + 1} for event in chunks)


@fault(breaks={"responses-stream.created-first"}, on=ON)
def begins_in_the_middle(chunks: Events) -> Iterator[Json]:
    """Leaves response.created out."""
    yield from dropped(chunks, "response.created")


@fault(
    breaks={"responses-stream.created-first", "responses-stream.known-types"}, on=ON, field="RS-16"
)
def begins_with_limits(chunks: Events) -> Iterator[Json]:
    """Tells its rate limits before response.created."""
    yield from counted([{"type": "codex.rate_limits"}, *chunks])


@fault(breaks={"responses-stream.in-progress-second"}, on=ON)
def is_never_in_progress(chunks: Events) -> Iterator[Json]:
    """Leaves response.in_progress out."""
    yield from dropped(chunks, "response.in_progress")


@fault(breaks={"responses-stream.in-progress-second"}, on=ON)
def is_completed_from_the_start(chunks: Events) -> Iterator[Json]:
    """Says completed in response.created."""
    yield from each(
        chunks,
        ("response.created",),
        lambda event: event | {"response": event["response"] | {"status": "completed"}},
    )


@fault(breaks={"responses-stream.one-response-id"}, on=ON)
def ends_as_another_response(chunks: Events) -> Iterator[Json]:
    """Makes a new id for the response at the end."""
    yield from each(
        chunks,
        ENDS,
        lambda event: (
            event | {"response": event["response"] | {"id": event["response"]["id"] + "f"}}
        ),
    )


@fault(breaks={"responses-stream.settings-stay"}, on=ON)
def reads_the_clock_again(chunks: Events) -> Iterator[Json]:
    """Stamps every response with a time of its own."""
    numbers = iter(range(-len(chunks), 0))
    yield from each_response(chunks, lambda r: r | {"created_at": r["created_at"] + next(numbers)})


@fault(breaks={"responses-stream.settings-stay"}, on=ON)
def changes_the_model(chunks: Events) -> Iterator[Json]:
    """Names the file of the model at the end."""
    yield from each(
        chunks,
        ENDS,
        lambda event: event | {"response": event["response"] | {"model": "weights.gguf"}},
    )


@fault(breaks={"responses-stream.terminal"}, on=ON, field="RS-24")
def ends_in_silence(chunks: Events) -> Iterator[Json]:
    """Ends without the event that says how."""
    yield from dropped(chunks, *ENDS)


@fault(breaks={"responses-stream.terminal"}, on=ON, field="RS-24")
def ends_with_done_alone(blocks: list[bytes]) -> Iterator[bytes]:
    """Ends with [DONE] in place of the event that says how."""
    yield from (*blocks[:-1], b"data: [DONE]")


@fault(breaks={"responses-stream.nothing-after-terminal"}, on=ON)
def ends_twice(chunks: Events) -> Iterator[Json]:
    """Sends the last event twice."""
    yield from counted([*chunks, chunks[-1]])


@fault(breaks={"errors.response-fails-aloud"}, on=ON)
def goes_on_after_an_error(chunks: Events) -> Iterator[Json]:
    """Reports an error in mid-stream and goes on as if nothing had happened."""
    error = {"type": "error", "code": "server_error", "message": "one step failed", "param": None}
    yield from counted([*chunks[:2], error, *chunks[2:]])


@fault(breaks={"responses-stream.terminal-fits"}, on=ON)
def completes_what_is_cut(chunks: Events) -> Iterator[Json]:
    """Ends with response.completed whatever the status of the response."""
    yield from each(chunks, ENDS, lambda event: event | {"type": "response.completed"})


@fault(breaks={"responses-stream.terminal-fits"}, on=ON)
def completes_without_usage(chunks: Events) -> Iterator[Json]:
    """Leaves usage null to the end."""
    yield from each(
        chunks,
        ("response.completed",),
        lambda event: event | {"response": event["response"] | {"usage": None}},
    )


@fault(breaks={"responses-stream.incomplete-item"}, on=ON)
def completes_the_cut_item(blocks: list[bytes]) -> Iterator[bytes]:
    """Calls the item completed that the limit cut."""
    marks = (b"event: response.output_item.done", b"event: response.incomplete")
    for block in blocks:
        name, data, text = block.partition(b"data: ")
        event = json.loads(text)
        if block.startswith(marks):
            items = event["response"]["output"] if "response" in event else [event["item"]]
            for item in items:
                item["status"] = "completed" if item["type"] == "message" else item["status"]
        yield name + data + json.dumps(event).encode()
