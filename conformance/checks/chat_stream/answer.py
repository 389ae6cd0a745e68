"""What a stream amounts to, put together by index as clients do it."""

from __future__ import annotations

from typing import Any

from conformance.check import Answer, Deviation, Place, Undecided, check, show
from conformance.checks.chat_stream.chunks import chat
from conformance.checks.sse import whole
from conformance.grammars.chat_stream import choices, in_order, pieces, sound
from conformance.reading import JSON, Reading

Json = dict[str, Any]


def fold(x: Reading) -> list[Json]:
    """The choices of the plain answer that a sound stream amounts to."""
    found: dict[int, Json] = {}
    for _, entry in choices(x):
        message: Json = {"role": "assistant", "content": None}
        empty = {"index": entry["index"], "message": message, "finish_reason": None}
        choice = found.setdefault(entry["index"], empty)
        choice["finish_reason"] = choice["finish_reason"] or entry["finish_reason"]
        content = entry["delta"].get("content")
        if isinstance(content, str):
            choice["message"]["content"] = (choice["message"]["content"] or "") + content
        for piece in pieces(entry):
            _fold_piece(choice["message"].setdefault("tool_calls", {}), piece)
    for choice in found.values():
        if calls := choice["message"].get("tool_calls"):
            choice["message"]["tool_calls"] = [calls[index] for index in sorted(calls)]
    return [found[index] for index in sorted(found)]


def _fold_piece(calls: dict[int, Json], piece: Json) -> None:
    function = piece.get("function") or {}
    empty: Json = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
    call = calls.setdefault(piece["index"], empty)
    call["id"] = call["id"] or piece.get("id") or ""
    call["function"]["name"] = call["function"]["name"] or function.get("name") or ""
    call["function"]["arguments"] += function.get("arguments") or ""


BROUGHT = ("content", "tool_calls", "function_call", "refusal", "audio")


def _stopped(x: Reading) -> bool:
    """A stream of which nothing but the model itself ended a choice."""
    bare = isinstance(x.sent, dict) and not x.sent.get("stop") and not x.sent.get("tools")
    return chat(x) and bare and any(e.get("finish_reason") == "stop" for _, e in choices(x))


@check("chat-stream.stop-brings-something", on=lambda x: _stopped(x) and whole(x) and sound(x))
def stop_brings_something(x: Reading) -> Answer:
    """A choice that came to its end is not empty; one without any content has a rule of its own,
    and so have calls that are lost.
    """
    brought: set[int] = set()
    texts: set[int] = set()
    for chunk, entry in choices(x):
        index, delta = entry["index"], entry["delta"]
        brought |= {index} if any(delta.get(name) for name in BROUGHT) else set()
        texts |= {index} if isinstance(delta.get("content"), str) else set()
        if entry["finish_reason"] == "stop" and index not in brought and index in texts:
            place = Place(chunk.event, "/choices")
            yield Deviation("text, a tool call or a refusal before stop", "nothing", place)
            return


@check(
    "chat-stream.accumulates", on=lambda x: chat(x) and whole(x) and sound(x) and any(choices(x))
)
def accumulates(x: Reading) -> Answer:
    """The whole is an answer as the plain form has it, and its calls can be told apart; a reason
    that nobody knows has a rule of its own.
    """
    if not in_order(x) or x.operation is None:
        yield Undecided("the stream itself is broken")
        return
    whole_ = fold(x)
    if any(choice["finish_reason"] is None for choice in whole_):
        yield Undecided("not every choice finished")
        return
    for error in x.contract.answer_errors(x.operation, 200, JSON, {"choices": whole_}):
        if error.place.startswith("/choices") and not error.place.endswith("/finish_reason"):
            yield Deviation("a complete answer", error.message, Place(pointer=error.place))
            return
    for choice in whole_:
        ids = [call["id"] for call in choice["message"].get("tool_calls", ())]
        if len(set(ids)) < len(ids):
            yield Deviation("an id for each tool call", f"{show(ids)} (choice {choice['index']})")
            return
