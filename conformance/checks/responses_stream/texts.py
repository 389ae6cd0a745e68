"""What a stream says several times, it says alike: in pieces, in whole, in the item, at the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from conformance.check import Answer, Deviation, Place, Undecided, check, show
from conformance.checks.responses.finished import well_formed
from conformance.checks.responses_stream.events import readable
from conformance.checks.responses_stream.items import ADDED, DONE, TEXTS
from conformance.contract.document import pointer
from conformance.grammars.responses import ended, of_items, terminal
from conformance.reading import Reading

# By type of event: the type of what is told, and the member of the whole text where it is whole.
TOLD = {
    "response.output_text.delta": ("output_text", ""),
    "response.output_text.done": ("output_text", "text"),
    "response.refusal.delta": ("refusal", ""),
    "response.refusal.done": ("refusal", "refusal"),
    "response.reasoning_text.delta": ("reasoning_text", ""),
    "response.reasoning_text.done": ("reasoning_text", "text"),
    "response.reasoning_summary_text.delta": ("summary_text", ""),
    "response.reasoning_summary_text.done": ("summary_text", "text"),
    "response.function_call_arguments.delta": ("function_call", ""),
    "response.function_call_arguments.done": ("function_call", "arguments"),
    "response.custom_tool_call_input.delta": ("custom_tool_call", ""),
    "response.custom_tool_call_input.done": ("custom_tool_call", "input"),
}
WHOLE = {"function_call": "arguments", "custom_tool_call": "input"}  # of items that are one text
Key = tuple[int, str, int]  # output index, type of what is told, index of the part


@dataclass
class Told:
    """One text of a stream: whether it was framed, its pieces, and each place that has it whole,
    with its event.
    """

    framed: bool = False
    pieces: list[str] = field(default_factory=list)
    whole: list[tuple[str, str, int]] = field(default_factory=list)  # where, text, event


def _told(x: Reading) -> dict[Key, Told]:
    """The texts of a stream."""
    found: dict[Key, Told] = {}
    for index, chunk in of_items(x):
        value = chunk.value
        part = value.get("content_index", value.get("summary_index", 0))
        if value["type"] == ADDED or value["type"].endswith("_part.added"):
            opened = value["item"] if value["type"] == ADDED else value["part"]
            found[index, str(opened.get("type")), part] = Told(framed=True)
        type_, member = TOLD.get(value["type"], ("", ""))
        if type_:
            one = found.setdefault((index, type_, part), Told())
            if member:
                one.whole.append((value["type"], value[member], chunk.event))
            elif not one.whole:
                one.pieces.append(value["delta"])
        elif value["type"].endswith("_part.done"):
            _add(found, index, part, value["part"], value["type"], chunk.event)
        elif value["type"] == DONE:
            _of_item(found, index, value["item"], chunk.event)
    return found


def _add(found: dict[Key, Told], index: int, n: int, part: Any, where: str, event: int) -> None:
    """What a part says, if its text was told in pieces."""
    type_ = part.get("type") if isinstance(part, dict) else None
    member = TEXTS.get(type_, "") if isinstance(type_, str) else ""
    if (told := found.get((index, str(type_), n))) and isinstance(part.get(member), str):
        told.whole.append((where, part[member], event))


def _of_item(found: dict[Key, Told], index: int, item: dict[str, Any], event: int) -> None:
    type_ = item.get("type")
    member = WHOLE.get(type_, "") if isinstance(type_, str) else ""
    if (told := found.get((index, str(type_), 0))) and isinstance(item.get(member), str):
        told.whole.append((DONE, item[member], event))
    for name in ("content", "summary"):
        parts = item.get(name)
        for n, part in enumerate(parts if isinstance(parts, list) else ()):
            _add(found, index, n, part, DONE, event)


def _agree(x: Reading, *types: str) -> Answer:
    """The pieces of each text make the text that every later event has."""
    texts = [told for key, told in _told(x).items() if key[1] in types and told.whole]
    if not texts or not all(told.framed for told in _told(x).values()):
        yield Undecided(f"the stream tells no {' or '.join(types)} in its frame to its end")
        return
    for told in texts:
        said = "".join(told.pieces)
        for where, text, event in told.whole:
            if text != said:
                wanted = f"{show(said)} as the deltas say"
                yield Deviation(wanted, f"{show(text)} in {where}", Place(event))
                return


@check("responses-stream.text-agrees", on=readable)
def text_agrees(x: Reading) -> Answer:
    """Text and refusals, and the annotations that were told on the way."""
    yield from _agree(x, "output_text", "refusal")
    yield from _annotations(x)


def _annotations(x: Reading) -> Iterator[Deviation]:
    counts: dict[tuple[int, Any], int] = {}
    for index, chunk in of_items(x):
        value = chunk.value
        key = (index, value.get("content_index"))
        if value["type"] == "response.output_text.annotation.added":
            counts[key] = counts.get(key, 0) + 1
        elif value["type"] == "response.content_part.done" and key in counts:
            kept = value["part"].get("annotations")
            if isinstance(kept, list) and len(kept) < counts[key]:
                place = Place(chunk.event, "/part/annotations")
                yield Deviation(f"the {counts[key]} annotations that came", show(kept), place)


@check("responses-stream.reasoning-agrees", on=readable)
def reasoning_agrees(x: Reading) -> Answer:
    """Reasoning and its summary."""
    yield from _agree(x, "reasoning_text", "summary_text")


@check("responses-stream.arguments-agree", on=readable)
def arguments_agree(x: Reading) -> Answer:
    """The arguments of a call, and the input of a custom tool."""
    yield from _agree(x, "function_call", "custom_tool_call")


@check("responses-stream.final-output", on=lambda x: readable(x) and ended(x))
def final_output(x: Reading) -> Answer:
    """The response at the end has the items that were done, in order, each as it was done."""
    last = terminal(x)
    assert last is not None
    output = last.value["response"].get("output")
    done = {i: c.value["item"] for i, c in of_items(x) if c.value["type"] == DONE}
    added = {i for i, c in of_items(x) if c.value["type"] == ADDED}
    items = [done.get(n) for n in range(len(done))]
    shown = output if isinstance(output, list) else []
    objects = [item for item in (*items, *shown) if isinstance(item, dict)]
    mistyped = not isinstance(output, list) or len(objects) < len(items) + len(shown)
    if mistyped or added != done.keys() or not all(well_formed(item) for item in objects):
        yield Undecided("not every item was added, done and what it must be")
        return
    if len(items) != len(shown):
        place = Place(last.event, "/response/output")
        yield Deviation(f"{len(items)} items, as many as were done", f"{len(shown)}", place)
        return
    for n, (item, final) in enumerate(zip(items, shown, strict=True)):
        if _plain(item) != _plain(final):
            place = Place(last.event, "/response" + pointer("output", n))
            yield Deviation(f"{show(item)} as it was done", show(final), place)
            return


def _plain(value: Any) -> Any:
    """A value without members that are null."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if each is not None}
    return [_plain(each) for each in value] if isinstance(value, list) else value
