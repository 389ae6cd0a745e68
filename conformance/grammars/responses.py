"""The grammar of a Responses stream: of the response, of each item, of each part, of each call.

Events are labelled by their type. What a terminal event makes of the rest is a label too: a stream
that `ends` has everything closed, one that `stopped` (it failed, or has no terminal event, which is
a deviation of its own) may leave anything open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from conformance.contract.typed import is_id, is_index, row_of, wrong
from conformance.grammar import Grammar, Machine, Sentence
from conformance.reading import END_MARK, Chunk, Reading, is_streamed, once

# `item` is every event that names an item, `other` one that names none.
STREAM = Grammar(
    "response",
    {
        "start": {"created": "created"},
        "created": {
            "queued": "open",
            "in-progress": "open",
            "item": "open",
            "other": "open",
            "error": "failing",
            "ends": "closed",
            "failed": "closed",
        },
        "open": {
            "queued": "open",
            "in-progress": "open",
            "item": "open",
            "other": "open",
            "error": "failing",
            "ends": "closed",
            "failed": "closed",
        },
        "failing": {  # that nothing but a failure ends it is a rule of errors
            "queued": "failing",
            "in-progress": "failing",
            "item": "failing",
            "other": "failing",
            "error": "failing",
            "ends": "closed",
            "failed": "closed",
            "done": "marked",
            "end": "ended",
        },
        "closed": {"done": "marked", "end": "ended"},
        "marked": {"end": "ended"},
        "ended": {},
    },
)

# An event of an output index: it adds an item, is inside of it, or says that it is done.
ITEM = Grammar(
    "item",
    {
        "absent": {"added": "open"},
        "open": {"inner": "open", "done": "closed", "stopped": "ended"},
        "closed": {"end": "ended", "stopped": "ended"},
        "ended": {},
    },
)

_FRAMED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "absent": {"added": "open"},
        "open": {"delta": "open", "note": "open", "said": "said", "stopped": "ended"},
        "said": {"note": "said", "done": "closed", "stopped": "ended"},
        "closed": {"end": "ended", "stopped": "ended"},
        "ended": {},
    }
)
# A part of a message or of reasoning: `said` is the whole of what the deltas brought, `note` an
# annotation, `other` what belongs to parts of another type.
PART = Grammar("part", _FRAMED, beyond=frozenset({"other"}))
SUMMARY = Grammar("summary", _FRAMED)

# What an item of one member is called with: arguments, or the input of a custom tool.
CALL = Grammar(
    "call",
    {
        "open": {"delta": "open", "said": "said", "stopped": "ended"},
        "said": {"end": "ended", "stopped": "ended"},
        "ended": {},
    },
)

LIFE: Mapping[str, str] = MappingProxyType(
    {
        "response.created": "created",
        "response.queued": "queued",
        "response.in_progress": "in-progress",
        "response.completed": "ends",
        "response.incomplete": "ends",
        "response.failed": "failed",
        "error": "error",
    }
)
ITEMS: Mapping[str, str] = MappingProxyType(
    {"response.output_item.added": "added", "response.output_item.done": "done"}
)
PARTS: Mapping[str, tuple[str, str]] = MappingProxyType(  # label, type of the part
    {
        "response.content_part.added": ("added", ""),
        "response.content_part.done": ("done", ""),
        "response.output_text.delta": ("delta", "output_text"),
        "response.output_text.annotation.added": ("note", "output_text"),
        "response.output_text.done": ("said", "output_text"),
        "response.refusal.delta": ("delta", "refusal"),
        "response.refusal.done": ("said", "refusal"),
        "response.reasoning_text.delta": ("delta", "reasoning_text"),
        "response.reasoning_text.done": ("said", "reasoning_text"),
    }
)
SUMMARIES: Mapping[str, str] = MappingProxyType(
    {
        "response.reasoning_summary_part.added": "added",
        "response.reasoning_summary_text.delta": "delta",
        "response.reasoning_summary_text.done": "said",
        "response.reasoning_summary_part.done": "done",
    }
)
CALLS: Mapping[str, tuple[str, str]] = MappingProxyType(  # label, type of the item
    {
        "response.function_call_arguments.delta": ("delta", "function_call"),
        "response.function_call_arguments.done": ("said", "function_call"),
        "response.custom_tool_call_input.delta": ("delta", "custom_tool_call"),
        "response.custom_tool_call_input.done": ("said", "custom_tool_call"),
    }
)
TEXTS = frozenset({"output_text", "refusal", "reasoning_text"})  # types of parts that have a text
Labels = list[tuple[str, int | None]]


@once
def sound(x: Reading) -> bool:
    """Whether the stream can be labelled: bytes and events are what they must be."""
    left = x.stream.tail.strip() and not x.done_open
    if not is_streamed(x) or left or x.stream.invalid_utf8 or not x.events:
        return False
    return all(p is END_MARK or (isinstance(p, dict) and has_members(p)) for p in x.payloads)


def has_members(payload: Mapping[str, Any]) -> bool:
    """Whether an event says its type and has what goes with it; an error may also be nested."""
    if not is_id(payload.get("type")):
        return False
    nested = payload["type"] == "error" and isinstance(payload.get("error"), dict)
    return nested or not any(wrong(row_of("events", payload), payload))


def terminal(x: Reading) -> Chunk | None:
    """The first event that ends the response well or badly, with its response."""
    ends = ("response.completed", "response.incomplete", "response.failed")
    return next((c for c in x.chunks if c.value.get("type") in ends), None)


def ended(x: Reading) -> bool:
    """Whether the response came to its end, so that nothing may be open."""
    last = terminal(x)
    return last is not None and last.value["type"] != "response.failed"


def index_of(payload: Mapping[str, Any]) -> int | None:
    """The output index that an event names."""
    index = payload.get("output_index")
    return index if is_index(index) else None


def _sentence(x: Reading, key: str, labels: Labels) -> Sentence:
    """The labels of one key, and what became of it in the end; nothing if we cut the stream."""
    if x.complete:
        labels = [*labels, ("end" if ended(x) else "stopped", None)]
    return Sentence(key, tuple(label for label, _ in labels), tuple(event for _, event in labels))


def events(x: Reading) -> Iterator[Sentence]:
    """The sentence of the whole stream; one cut by a limit has no end."""
    if not sound(x):
        return
    labels = [(_label(payload), n) for n, payload in enumerate(x.payloads)]
    whole: Labels = [*labels, ("end", None)] if x.complete else [*labels]
    yield Sentence("", tuple(label for label, _ in whole), tuple(event for _, event in whole))


def _label(payload: Any) -> str:
    if payload is END_MARK:
        return "done"
    return LIFE.get(payload["type"]) or ("other" if index_of(payload) is None else "item")


def _grouped(x: Reading, pairs: Iterable[tuple[str, str, int]]) -> Iterator[Sentence]:
    found: dict[str, Labels] = {}
    for key, label, event in pairs:
        found.setdefault(key, []).append((label, event))
    for key, labels in found.items():
        yield _sentence(x, key, labels)


def of_items(x: Reading) -> Iterator[tuple[int, Chunk]]:
    """Every event that names an output index."""
    for chunk in x.chunks if sound(x) else ():
        if (index := index_of(chunk.value)) is not None and chunk.value["type"] not in LIFE:
            yield index, chunk


def each_item(x: Reading) -> Iterator[Sentence]:
    """One sentence for each output index."""
    yield from _grouped(
        x,
        (
            (f"item {index}", ITEMS.get(chunk.value["type"], "inner"), chunk.event)
            for index, chunk in of_items(x)
        ),
    )


def each_part(x: Reading) -> Iterator[Sentence]:
    """One sentence for each content index of each item, where the part has a text."""
    yield from _grouped(x, _parts(x))


def _parts(x: Reading) -> Iterator[tuple[str, str, int]]:
    types: dict[str, str] = {}
    for index, chunk in of_items(x):
        value = chunk.value
        label, type_ = PARTS.get(value["type"], ("", ""))
        if not label:
            continue
        key = f"item {index}, part {value['content_index']}"
        if not type_:
            type_ = str(value["part"].get("type"))
            if label == "added":
                types[key] = type_
        if types.get(key, type_) not in TEXTS:
            continue  # a part of a kind that has no text
        yield key, label if type_ == types.get(key, type_) else "other", chunk.event


def each_summary(x: Reading) -> Iterator[Sentence]:
    """One sentence for each summary index of each item."""
    yield from _grouped(
        x,
        (
            (
                f"item {index}, summary {chunk.value['summary_index']}",
                SUMMARIES[chunk.value["type"]],
                chunk.event,
            )
            for index, chunk in of_items(x)
            if chunk.value["type"] in SUMMARIES
        ),
    )


def each_call(x: Reading) -> Iterator[Sentence]:
    """One sentence for each item that is a call and was added as such."""
    found: dict[int, Labels] = {}
    types: dict[int, Any] = {}
    for index, chunk in of_items(x):
        value = chunk.value
        if value["type"] == "response.output_item.added" and index not in types:
            types[index] = value["item"].get("type")
            if types[index] in ("function_call", "custom_tool_call"):
                found[index] = []
        label, type_ = CALLS.get(value["type"], ("", ""))
        if label and index in found and types[index] == type_:
            found[index].append((label, chunk.event))
    for index, labels in found.items():
        yield _sentence(x, f"item {index}", labels)


MACHINES = (
    Machine(STREAM, events),
    Machine(ITEM, each_item),
    Machine(PART, each_part),
    Machine(SUMMARY, each_summary),
    Machine(CALL, each_call),
)
