"""Tool calls: their pieces, put together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.check import Answer, Deviation, Place, Undecided, check, show
from conformance.checks.chat_stream.chunks import chat
from conformance.checks.sse import whole
from conformance.grammars.chat_stream import choices, in_order, pieces, sound
from conformance.reading import NotJson, Reading, strict_json

# a word that is none of these has a rule of its own
REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
Key = tuple[int, int]  # the index of a choice, and of a tool call in it


def _calls(x: Reading) -> dict[Key, str]:
    """The arguments of each tool call, put together, by choice and index."""
    found: dict[Key, str] = {}
    for _, entry in choices(x):
        for piece in pieces(entry):
            arguments = (piece.get("function") or {}).get("arguments") or ""
            key = (entry["index"], piece["index"])
            found[key] = found.get(key, "") + arguments
    return found


def _reasons(x: Reading) -> dict[int, tuple[str, int]]:
    """The reason with which each choice finished, if it is one, and the event that said so."""
    pairs = ((entry, chunk.event) for chunk, entry in choices(x))
    return {
        e["index"]: (e["finish_reason"], event)
        for e, event in pairs
        if e["finish_reason"] in REASONS
    }


def _finished_calls(x: Reading) -> dict[Key, str]:
    """The arguments of the calls of choices that finished with them."""
    calls, reasons = (_calls(x), _reasons(x)) if sound(x) and in_order(x) else ({}, {})
    return {k: text for k, text in calls.items() if reasons.get(k[0], ("",))[0] == "tool_calls"}


@check("chat-stream.tool-arguments-json", on=lambda x: chat(x) and whole(x) and bool(_tools(x)))
def tool_arguments_json(x: Reading) -> Answer:
    """The arguments of a finished call are JSON."""
    done = _finished_calls(x)
    if not done:
        yield Undecided("no tool call was finished")
    for (choice, index), text in done.items():
        if not _is_json(text):
            where = f"choice {choice}, tool call {index}"
            yield Deviation("JSON", f"{show(text)} ({where})", Place(_reasons(x)[choice][1]))


def _tools(x: Reading) -> Any:
    return x.sent.get("tools") if isinstance(x.sent, dict) else None


@check("chat-stream.tool-finish", on=lambda x: chat(x) and whole(x) and bool(_tools(x)))
def tool_finish(x: Reading) -> Answer:
    """A choice with tool calls finishes with `tool_calls`, one without does not; a call that was
    forced by name may finish with stop.
    """
    forced = isinstance(x.sent, dict) and isinstance(x.sent.get("tool_choice"), dict)
    taken = {"tool_calls", "length", "content_filter", *(["stop"] if forced else [])}
    calls, reasons = (_calls(x), _reasons(x)) if sound(x) else ({}, {})
    called = {choice for choice, _ in calls}
    judged = {c: r for c, r in reasons.items() if c in called or r[0] == "tool_calls"}
    if not judged:
        yield Undecided("the model never called a tool")
    for choice, (reason, event) in judged.items():
        if choice in called and reason not in taken:
            yield Deviation("tool_calls", show(reason), Place(event, "/choices"))
        if choice not in called:
            yield Deviation("a tool call before tool_calls", "none", Place(event, "/choices"))


@check("chat-stream.tool-arguments-object", on=lambda x: chat(x) and whole(x) and bool(_tools(x)))
def tool_arguments_object(x: Reading) -> Answer:
    """Arguments have names."""
    done = {key: text for key, text in _finished_calls(x).items() if _is_json(text)}
    if not done:
        yield Undecided("no tool call was finished")
    for (choice, index), text in done.items():
        if not isinstance(strict_json(text), dict):
            yield Deviation("an object", f"{show(text)} (choice {choice}, tool call {index})")
            return


def _is_json(text: str) -> bool:
    return not isinstance(strict_json(text), NotJson)


def _opening(x: Reading) -> Iterator[tuple[Key, int, dict[str, Any]]]:
    """The first piece of each call, with its event."""
    seen: set[Key] = set()
    for chunk, entry in choices(x) if sound(x) else ():
        for piece in pieces(entry):
            key = (entry["index"], piece["index"])
            if key not in seen:
                seen.add(key)
                yield key, chunk.event, piece


@check("chat-stream.tool-order", on=lambda x: chat(x) and any(_opening(x)))
def tool_order(x: Reading) -> Answer:
    """The calls of a choice begin in the order of their indexes."""
    counts: dict[int, int] = {}
    for (choice, index), event, _ in _opening(x):
        wanted = counts.get(choice, 0)
        if index != wanted:
            yield Deviation(f"tool call {wanted}", f"tool call {index}", Place(event, "/choices"))
            return
        counts[choice] = wanted + 1


@check("chat-stream.tool-type", on=lambda x: chat(x) and any(_opening(x)))
def tool_type(x: Reading) -> Answer:
    """A piece that opens a call says of what kind it is; one that opens none has its own rule."""
    opening = [
        (e, p) for _, e, p in _opening(x) if p.get("id") and (p.get("function") or {}).get("name")
    ]
    if not opening:
        yield Undecided("no tool call was opened")
    for event, piece in opening:
        if piece.get("type") != "function":
            yield Deviation("type: function", show(piece.get("type")), Place(event, "/choices"))
            return
