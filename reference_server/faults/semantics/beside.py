"""Faults of tools beside a text, and beside a format of the text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from conformance.wire.exchange import Reply
from reference_server.faults.chat.answer import each_choice
from reference_server.faults.chat_stream.entries import each_piece, entry, pieces, with_
from reference_server.faults.fault import fault
from reference_server.faults.replies import error
from reference_server.faults.semantics.again import saying

ON = "chat"
STREAM = "chat-stream"
BRACES = frozenset("{}[]")
Json = dict[str, Any]


def _both(sent: Any) -> bool:
    return isinstance(sent, dict) and bool(sent.get("tools") and sent.get("response_format"))


@fault(breaks={"http.no-server-error"}, on=ON, field="VA-27")
def fails_on_tools_and_format(sent: Any, reply: Reply) -> Reply | None:
    """Answers 500 to tools beside a response_format."""
    both = _both(sent) and reply.status == 200
    return error(reply, 500, "Unsupported param: tools", "server_error") if both else None


@fault(breaks={"http.valid-accepted"}, on=ON, field="VA-27")
def refuses_tools_and_format(sent: Any, reply: Reply) -> Reply | None:
    """Refuses tools beside a response_format."""
    both = _both(sent) and reply.status == 200
    return error(reply, 400, "Unsupported param: tools") if both else None


@fault(breaks={"semantics.schema"}, on=ON, field="VA-27")
def forgets_the_format_beside_tools(sent: Any, body: Json) -> Json | None:
    """Overlooks response_format where tools are offered."""
    return saying(body, lambda _: "It is half past twelve.") if _both(sent) else None


@fault(breaks={"semantics.tools-beside-format"}, on=ON, field="VA-27")
def forgets_tools_beside_a_format(sent: Any, body: Json) -> Json | None:
    """Never calls a tool where response_format is given."""
    text = '{"kind":"cat","legs":4,"home":{"warm":true},"toys":[]}'
    message = {"role": "assistant", "content": text}

    def changed(choice: Json) -> Json:
        called = bool(choice["message"].get("tool_calls"))
        return choice | {"message": message, "finish_reason": "stop"} if called else choice

    return each_choice(body, changed) if _both(sent) else None


def _told(chunks: list[Json]) -> str:
    """The arguments of all calls of a stream that finished with them."""
    if not any(entry(chunk).get("finish_reason") == "tool_calls" for chunk in chunks):
        return ""
    return "".join(p["function"].get("arguments", "") for c in chunks for p in pieces(c))


def _has_braces(arguments: str) -> bool:
    """Whether a string among the arguments has braces."""
    try:
        values = json.loads(arguments).values()
    except (ValueError, AttributeError):
        return False
    return any(isinstance(value, str) and BRACES & set(value) for value in values)


@fault(breaks={"semantics.calls-apart"}, on=STREAM, field="TC-31")
def leaks_calls_with_braces(chunks: list[Json]) -> Iterator[Json]:
    """Takes a brace in a string for the end of a call, and sends the call as text."""
    told = _told(chunks)
    names = [p["function"].get("name") for c in chunks for p in pieces(c)]
    leaks = _has_braces(told)
    for chunk in chunks:
        if leaks and entry(chunk).get("finish_reason"):
            text = f'{{"name":"{names[0]}","arguments":{told}}}'
            yield with_(chunk, delta={"content": text}, finish_reason=None)
            yield with_(chunk, finish_reason="stop")
        elif not leaks or not pieces(chunk):
            yield chunk


@fault(breaks={"chat-stream.tool-arguments-json"}, on=STREAM, field="TC-31")
def ends_calls_at_a_brace(chunks: list[Json]) -> Iterator[Json]:
    """Ends a call at a brace in a string, and sends the rest of it as text."""
    told = _told(chunks)
    if not _has_braces(told):
        yield from chunks
        return
    left = told.index("}") + 1

    def cut(piece: Json) -> Json:
        nonlocal left
        arguments = piece["function"]["arguments"]
        kept, left = arguments[:left], max(0, left - len(arguments))
        return piece | {"function": piece["function"] | {"arguments": kept}}

    rest = told[left:]
    for chunk in each_piece(chunks, cut):
        if entry(chunk).get("finish_reason"):
            yield with_(chunk, delta={"content": rest}, finish_reason=None)
        yield chunk
