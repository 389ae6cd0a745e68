"""The items of the stream of a response: how they are counted, begin and end."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from conformance.check import Answer, Deviation, Place, Undecided, check, show
from conformance.checks.responses_stream.events import readable
from conformance.contract.typed import is_id
from conformance.grammars.responses import of_items
from conformance.reading import Chunk, Reading

EMPTY = {
    "message": ("content", []),
    "function_call": ("arguments", ""),
    "custom_tool_call": ("input", ""),
    "reasoning": ("summary", []),
}
TEXTS = {
    "output_text": "text",
    "refusal": "refusal",
    "summary_text": "text",
    "reasoning_text": "text",
}
INDEXES = {  # of events that bring something new, and what it is counted within
    "response.content_part.added": ("content_index", ("output_index",)),
    "response.reasoning_summary_part.added": ("summary_index", ("output_index",)),
    "response.output_text.annotation.added": (
        "annotation_index",
        ("output_index", "content_index"),
    ),
}
IDENTITY = ("type", "id", "call_id", "name")
ADDED, DONE = "response.output_item.added", "response.output_item.done"


def _added(x: Reading) -> list[tuple[int, Chunk]]:
    return [(index, c) for index, c in of_items(x) if c.value["type"] == ADDED]


@check("responses-stream.output-index-order", on=lambda x: readable(x) and bool(_added(x)))
def output_index_order(x: Reading) -> Answer:
    """Items are added in the order of their indexes, from 0; one added twice has its own rule."""
    seen: list[int] = []
    for index, chunk in _added(x):
        if index in seen:
            continue
        if index != len(seen):
            place = Place(chunk.event, "/output_index")
            yield Deviation(f"{len(seen)}", f"{index}", place)
            return
        seen.append(index)


@check("responses-stream.indexes-count", on=readable)
def indexes_count(x: Reading) -> Answer:
    """Parts of an item, of its summary, and annotations of a part are counted from 0."""
    counts: dict[tuple[Any, ...], int] = {}
    for _, chunk in of_items(x):
        value = chunk.value
        name, within = INDEXES.get(value["type"], ("", ()))
        if not name:
            continue
        key = (name, *(value[each] for each in within))
        wanted = counts.get(key, 0)
        if value[name] != wanted:
            yield Deviation(f"{wanted}", show(value[name]), Place(chunk.event, f"/{name}"))
            return
        counts[key] = wanted + 1
    if not counts:
        yield Undecided("no item has parts")


@check("responses-stream.not-interleaved", on=lambda x: readable(x) and bool(_added(x)))
def not_interleaved(x: Reading) -> Answer:
    """An item is done before the next one is added; one that is never done has its own rule."""
    added = _added(x)
    done = {index: c.event for index, c in of_items(x) if c.value["type"] == DONE}
    pairs = [(a, chunk) for (a, _), (b, chunk) in pairwise(added) if a != b and a in done]
    if not pairs:
        yield Undecided("no answer has two items")
    for index, chunk in pairs:
        if done[index] > chunk.event:
            observed = f"item {index} is done after it"
            yield Deviation(f"item {index} done", observed, Place(chunk.event))
            return


@check("responses-stream.item-begins-empty", on=lambda x: readable(x) and bool(_added(x)))
def item_begins_empty(x: Reading) -> Answer:
    """What is added is in progress, and has nothing yet."""
    judged = [c for _, c in _added(x) if c.value["item"].get("type") in [*EMPTY]]
    if not judged:
        yield Undecided("no item of a known type was added")
    for chunk in judged:
        item = chunk.value["item"]
        member, empty = EMPTY[item["type"]]
        status = item.get("status")
        if member in item and item[member] != empty:
            place = Place(chunk.event, f"/item/{member}")
            yield Deviation(f"{empty!r} for `{member}`", show(item[member]), place)
            return
        if isinstance(status, str) and status != "in_progress":
            yield Deviation("in_progress", show(status), Place(chunk.event, "/item/status"))
            return


@check("responses-stream.part-begins-empty", on=readable)
def part_begins_empty(x: Reading) -> Answer:
    """A part is added before its text."""
    added = [c for c in x.chunks if str(c.value["type"]).endswith("_part.added")]
    parts = [(c, c.value["part"]) for c in added if isinstance(c.value.get("part"), dict)]
    judged = [(c, part) for c, part in parts if part.get("type") in [*TEXTS]]
    if not judged:
        yield Undecided("no part of a known type was added")
    for chunk, part in judged:
        member = TEXTS[part["type"]]
        if isinstance(part.get(member), str) and part[member]:
            place = Place(chunk.event, f"/part/{member}")
            yield Deviation("an empty text", show(part[member]), place)
            return


@check("responses-stream.item-id", on=lambda x: readable(x) and bool(_added(x)))
def item_id(x: Reading) -> Answer:
    """Events inside an item name it by the id with which it was added."""
    ids: dict[int, Any] = {}
    judged = False
    for index, chunk in of_items(x):
        if chunk.value["type"] == ADDED:
            ids.setdefault(index, chunk.value["item"].get("id"))
        elif "item_id" in chunk.value and is_id(ids.get(index)):
            judged = True
            if chunk.value["item_id"] != ids[index]:
                place = Place(chunk.event, "/item_id")
                yield Deviation(show(ids[index]), show(chunk.value["item_id"]), place)
                return
    if not judged:
        yield Undecided("no event inside an item names it")


@check("responses-stream.item-identity", on=lambda x: readable(x) and bool(_added(x)))
def item_identity(x: Reading) -> Answer:
    """What is done is what was added."""
    items: dict[int, dict[str, Any]] = {}
    judged = False
    for index, chunk in of_items(x):
        if chunk.value["type"] == ADDED:
            items.setdefault(index, chunk.value["item"])
        elif chunk.value["type"] == DONE and index in items:
            judged = True
            for name in IDENTITY:
                old, new = items[index].get(name), chunk.value["item"].get(name)
                if is_id(old) and is_id(new) and old != new:
                    place = Place(chunk.event, f"/item/{name}")
                    yield Deviation(f"{show(old)} as it was added", show(new), place)
                    return
    if not judged:
        yield Undecided("no item was done")
