"""Other ways to stream a response."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from reference_server.change import DONE
from reference_server.faults.responses_stream.editing import (
    DELTA,
    ENDS,
    SAID,
    Events,
    counted,
    each,
    first,
    without,
)
from reference_server.variants.variant import tolerated, variant

ON = "responses-stream"
LAX = "seed ollama"  # profiles that do without what openai asks for
Json = dict[str, Any]


def _instructed(sent: Any) -> bool:
    """Some of the streams of plain text: those that were asked for with instructions."""
    return "instructions" in sent and not {"tools", "text", "reasoning"} & sent.keys()


@variant(on=ON, norms={"RST-31", "RST-03"}, rulings={"RUL-39"})
def done_mark(blocks: list[bytes]) -> Iterator[bytes]:
    """Says [DONE] at the end."""
    yield from (*blocks, DONE)


@variant(on=ON, norms={"RST-30"}, rulings={"RUL-01", "RUL-38"}, traps={"FA-06"})
def extra_members(chunks: Events) -> Iterator[Json]:
    """Adds members of its own to every event, obfuscation too."""
    yield from (event | {"obfuscation": "aB3dE", "x_note": None} for event in chunks)


@variant(on=ON, norms={"RST-30"}, traps={"FA-06"})
def nameless_arguments(chunks: Events) -> Iterator[Json]:
    """Leaves the name out of finished arguments."""
    done = ("response.function_call_arguments.done",)
    yield from each(chunks, done, lambda event: without(event, "name"))


@variant(on=ON, norms={"RST-06"})
def queues(chunks: Events) -> Iterator[Json]:
    """Queues a response before it is in progress."""
    queued = {"type": "response.queued", "response": chunks[0]["response"] | {"status": "queued"}}
    created = chunks[0] | {"response": queued["response"]}
    yield from counted([created, queued, *chunks[1:]])


@variant(on=ON, norms={"RST-25"})
def nulls(chunks: Events) -> Iterator[Json]:
    """Writes null for what an item does not have, in the last event alone."""
    for event in chunks:
        if event["type"] in ENDS:
            output = [{"phase": None} | item for item in event["response"]["output"]]
            yield event | {"response": event["response"] | {"output": output}}
        else:
            yield event


@variant(on=ON, norms={"RST-15"})
def one_piece(chunks: Events) -> Iterator[Json]:
    """Sends each text in one piece."""
    said = {e["item_id"]: e for e in chunks if e["type"] == SAID}
    sent: set[str] = set()
    kept: list[Json] = []
    for event in chunks:
        if event["type"] == DELTA:
            whole = said[event["item_id"]]
            if event["item_id"] not in sent:
                kept.append(event | {"delta": whole["text"], "logprobs": whole["logprobs"]})
            sent.add(event["item_id"])
        else:
            kept.append(event)
    yield from counted(kept)


def _broken_off(sent: Any, chunks: Events, *, aloud: bool) -> Iterator[Json]:
    """A stream whose model fails after its first piece of text."""
    at = first(chunks, DELTA)
    if at is None or not _instructed(sent):
        yield from chunks
        return
    error = {"code": "server_error", "message": "out of memory"}
    failed = chunks[0]["response"] | {"status": "failed", "error": error}
    told = [{"type": "error", **error, "param": None}] if aloud else []
    last = {"type": "response.failed", "response": failed}
    yield from counted([*chunks[: at + 1], *told, last])


@variant(on=ON, norms={"RST-03", "RST-26", "RST-32"}, rulings={"RUL-42"})
def fails_aloud(sent: Any, chunks: Events) -> Iterator[Json]:
    """Reports an error in mid-stream and then the response that failed."""
    yield from _broken_off(sent, chunks, aloud=True)


@variant(on=ON, norms={"RST-03", "RST-26"}, rulings={"RUL-42"})
def fails(sent: Any, chunks: Events) -> Iterator[Json]:
    """Ends in mid-stream with the response that failed."""
    yield from _broken_off(sent, chunks, aloud=False)


def _retold(value: Any, change: Callable[[Json], Json]) -> Any:
    """A value with every object in it changed."""
    if isinstance(value, dict):
        return change({name: _retold(each_, change) for name, each_ in value.items()})
    return [_retold(each_, change) for each_ in value] if isinstance(value, list) else value


@variant(on=ON, norms={"RST-16"})
def refusals(sent: Any, chunks: Events) -> Iterator[Json]:
    """Refuses to answer, in parts and events of their own kind."""

    def change(value: Json) -> Json:
        type_ = value.get("type")
        if type_ == "output_text":
            return {"type": "refusal", "refusal": value["text"]}
        if type_ in (DELTA, SAID):
            renamed = value | {"type": type_.replace("output_text", "refusal")}
            told = {"refusal": value["text"]} if type_ == SAID else {}
            return without(renamed, "text", "logprobs") | told
        return value

    if _instructed(sent):
        yield from (_retold(event, change) for event in chunks)
    else:
        yield from chunks


@variant(on=ON, norms={"RST-22"}, hides={
    "responses.same-items", "responses.call-ids-unique", "responses.arguments-json",
    "responses.tool-choice-honoured", "semantics.responses-arguments"})  # fmt: skip
def custom_calls(chunks: Events) -> Iterator[Json]:
    """Calls custom tools, whose input is no JSON."""
    old, new = "function_call_arguments", "custom_tool_call_input"

    def change(value: Json) -> Json:
        type_ = str(value.get("type"))
        if old in type_:
            told = {"input": value["arguments"]} if "arguments" in value else {}
            return without(value, "arguments", "name") | {"type": type_.replace(old, new)} | told
        if type_ == "function_call":
            called = {"type": "custom_tool_call", "input": value["arguments"]}
            return without(value, "arguments") | called
        return value

    yield from (_retold(event, change) for event in chunks)


@variant(on=ON, norms={"RST-33"})
def annotated(chunks: Events) -> Iterator[Json]:
    """Tells an annotation of each text, and has it wherever the part stands."""
    note = {"type": "file_path", "file_id": "file_1", "index": 0}
    found: list[Json] = []
    for event in chunks:
        if event["type"] == SAID:
            names = ("item_id", "output_index", "content_index")
            where = {name: event[name] for name in names}
            found.append(
                {"type": "response.output_text.annotation.added", "annotation_index": 0}
                | {"annotation": note}
                | where
            )
        added = event["type"] == "response.content_part.added"
        found.append(event if added else _retold(event, lambda v: _noted(v, note)))
    yield from counted(found)


def _noted(value: Json, note: Json) -> Json:
    return value | {"annotations": [note]} if value.get("type") == "output_text" else value


tolerated("responses-stream.ends-in-silence", norms={"RST-03"}, rulings={"RUL-42"}, profiles=LAX)
tolerated(
    "responses-stream.frames-no-summaries", norms={"RST-19"}, rulings={"RUL-41"}, profiles=LAX
)
tolerated(
    "responses-stream.completes-the-cut-item", norms={"RST-27"}, rulings={"RUL-36"}, profiles=LAX
)
tolerated("responses-stream.reads-the-clock-again", norms={"RST-08"})
tolerated("responses-stream.counts-from-one", norms={"RST-05"}, traps={"FA-11"})
tolerated("responses-stream.forgets-logprobs", norms={"RST-28"}, traps={"FA-04"})
tolerated("responses-stream.keeps-alive-by-events", norms={"RST-29"})
tolerated("responses-stream.closes-items-late", norms={"RST-35"})
tolerated("responses-stream.is-never-in-progress", norms={"RST-06"})
tolerated(
    "responses-stream.counts-items-from-one", norms={"RST-09"}, rulings={"RUL-40"}, profiles="seed"
)
