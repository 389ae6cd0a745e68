"""Faults of the parts of a stream: their frames, and that they are said alike each time."""

from __future__ import annotations

from collections.abc import Iterator

from reference_server.faults.fault import fault
from reference_server.faults.responses_stream.editing import (
    DELTA,
    ON,
    PART_ADDED,
    PART_DONE,
    SAID,
    Events,
    Json,
    counted,
    dropped,
    each,
    first,
    lost,
)

ARGUMENTS = "response.function_call_arguments"
SUMMARY = "response.reasoning_summary"


@fault(breaks={"responses-stream.part-added-first"}, on=ON, field="RS-14")
def frames_no_parts(chunks: Events) -> Iterator[Json]:
    """Leaves the events around a part out."""
    yield from dropped(chunks, PART_ADDED, PART_DONE)


@fault(breaks={"responses-stream.part-added-first"}, on=ON, field="RS-15")
def counts_deltas_from_one(chunks: Events) -> Iterator[Json]:
    """Gives the pieces of a text another index than their part."""
    yield from each(
        chunks, (DELTA,), lambda event: event | {"content_index": event["content_index"] + 1}
    )


@fault(breaks={"responses-stream.part-said"}, on=ON)
def never_says_the_whole(chunks: Events) -> Iterator[Json]:
    """Leaves response.output_text.done out."""
    yield from dropped(chunks, SAID)


@fault(breaks={"responses-stream.part-done"}, on=ON)
def leaves_parts_open(chunks: Events) -> Iterator[Json]:
    """Leaves response.content_part.done out."""
    yield from dropped(chunks, PART_DONE)


@fault(breaks={"responses-stream.part-silent-after"}, on=ON)
def says_the_whole_twice(chunks: Events) -> Iterator[Json]:
    """Sends response.output_text.done twice."""
    yield from counted(
        copy for event in chunks for copy in [event] * (2 if event["type"] == SAID else 1)
    )


@fault(breaks={"responses-stream.part-silent-after"}, on=ON)
def flushes_late(chunks: Events) -> Iterator[Json]:
    """Sends an empty piece of text after the whole."""
    for_ = first(chunks, SAID)
    delta = first(chunks, DELTA)
    if for_ is None or delta is None:
        yield from chunks
        return
    late = chunks[delta] | {"delta": "", "logprobs": []}
    yield from counted([*chunks[: for_ + 1], late, *chunks[for_ + 1 :]])


@fault(breaks={"responses-stream.part-kind"}, on=ON)
def refuses_in_text(chunks: Events) -> Iterator[Json]:
    """Adds a refusal and fills it with text."""
    refusal = {"type": "refusal", "refusal": ""}
    yield from each(
        chunks,
        (PART_ADDED,),
        lambda e: e | {"part": refusal} if e["part"]["type"] == "output_text" else e,
    )


@fault(breaks={"responses-stream.part-begins-empty"}, on=ON)
def adds_parts_with_text(chunks: Events) -> Iterator[Json]:
    """Adds a part with a blank in it."""
    yield from each(
        chunks, (PART_ADDED,), lambda event: event | {"part": event["part"] | {"text": " "}}
    )


@fault(breaks={"responses-stream.indexes-count"}, on=ON)
def counts_parts_from_one(chunks: Events) -> Iterator[Json]:
    """Gives the first part of an item the index 1."""
    for event in chunks:
        index = event.get("content_index")
        yield event if index is None else event | {"content_index": index + 1}


@fault(breaks={"responses-stream.text-agrees"}, on=ON)
def loses_a_piece(chunks: Events) -> Iterator[Json]:
    """Loses a piece of the text on the way."""
    yield from lost(chunks, DELTA)


@fault(breaks={"responses-stream.text-agrees"}, on=ON)
def loses_annotations(chunks: Events) -> Iterator[Json]:
    """Tells an annotation that the part does not have in the end."""
    said = first(chunks, SAID)
    if said is None:
        yield from chunks
        return
    note = {name: chunks[said][name] for name in ("item_id", "output_index", "content_index")}
    note |= {"type": "response.output_text.annotation.added", "annotation_index": 0}
    note |= {"annotation": {"type": "file_path", "file_id": "file_1", "index": 0}}
    yield from counted([*chunks[:said], note, *chunks[said:]])


@fault(breaks={"responses-stream.reasoning-agrees"}, on=ON)
def loses_a_thought(chunks: Events) -> Iterator[Json]:
    """Loses a piece of the reasoning on the way."""
    yield from lost(list(lost(chunks, "response.reasoning_text.delta")), f"{SUMMARY}_text.delta")


@fault(breaks={"responses-stream.summary-framed"}, on=ON)
def frames_no_summaries(chunks: Events) -> Iterator[Json]:
    """Leaves the events around a part of a summary out."""
    yield from dropped(chunks, f"{SUMMARY}_part.added", f"{SUMMARY}_part.done")


@fault(breaks={"responses-stream.arguments-framed"}, on=ON, field="RS-03")
def never_says_the_arguments(chunks: Events) -> Iterator[Json]:
    """Leaves response.function_call_arguments.done out."""
    yield from dropped(chunks, f"{ARGUMENTS}.done")


@fault(breaks={"responses-stream.arguments-agree"}, on=ON)
def loses_an_argument(chunks: Events) -> Iterator[Json]:
    """Loses a piece of the arguments on the way."""
    yield from lost(chunks, f"{ARGUMENTS}.delta")


@fault(breaks={"responses-stream.arguments-agree"}, on=ON)
def serialises_arguments_twice(chunks: Events) -> Iterator[Json]:
    """Ends the arguments with another text than the pieces make."""
    yield from each(
        chunks, (f"{ARGUMENTS}.done",), lambda e: e | {"arguments": f'"{e["arguments"]}"'}
    )
