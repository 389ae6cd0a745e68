"""Tool calls in the plain answer of a chat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.check import Answer, Deviation, Place, Undecided, check, show
from conformance.checks.chat.answer import answered, asked, choices, messages
from conformance.reading import Reading, strict_json


def calls_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The tool calls of a message that are objects."""
    found = message.get("tool_calls")
    return [call for call in found if isinstance(call, dict)] if isinstance(found, list) else []


def calls(x: Reading) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every tool call of an answer with its place and its choice."""
    for n, entry, message in messages(x):
        for k, call in enumerate(calls_of(message)):
            yield f"/choices/{n}/message/tool_calls/{k}", entry, call


def function(call: dict[str, Any], name: str) -> Any:
    """A member of the function of a call."""
    found = call.get("function")
    return found.get(name) if isinstance(found, dict) else None


def called(x: Reading) -> bool:
    """An answer with a tool call."""
    return answered(x) and any(calls(x))


def offered(x: Reading) -> set[str]:
    """The names of the tools that a request offers."""
    tools = asked(x, "tools")
    found = [function(tool, "name") for tool in tools or () if isinstance(tool, dict)]
    return {name for name in found if isinstance(name, str)}


@check("chat.tool-finish", on=lambda x: answered(x) and _tells(x))
def tool_finish(x: Reading) -> Answer:
    """Calls finish with `tool_calls`, and nothing else does; a forced call may finish with stop."""
    forced = isinstance(asked(x, "tool_choice"), dict)
    for n, entry, message in messages(x):
        reason, place = entry.get("finish_reason"), Place(pointer=f"/choices/{n}/finish_reason")
        if calls_of(message) and (reason == "function_call" or (reason == "stop" and not forced)):
            yield Deviation("tool_calls", show(reason), place)
        elif reason == "tool_calls" and not calls_of(message):
            yield Deviation("a tool call beside tool_calls", "none", place)


def _tells(x: Reading) -> bool:
    finished = any(entry.get("finish_reason") == "tool_calls" for entry in choices(x))
    return finished or any(calls(x))


@check("chat.tool-ids-differ", on=called)
def tool_ids_differ(x: Reading) -> Answer:
    """Results are told apart by the ids of their calls."""
    ids = [call.get("id") for _, _, call in calls(x)]
    if len(ids) < 2 or not all(isinstance(id_, str) and id_ for id_ in ids):
        yield Undecided("no answer had two calls with ids")
    elif len(set(ids)) < len(ids):
        observed = ", ".join(map(show, ids))
        yield Deviation("an id for each call", observed, Place(pointer="/choices"))


@check("chat.tool-offered", on=called)
def tool_offered(x: Reading) -> Answer:
    """What is called was offered; that the choice names what was not has a rule of its own."""
    known = offered(x)
    choice = asked(x, "tool_choice")
    chosen = function(choice, "name") if isinstance(choice, dict) else None
    for place, _, call in calls(x):
        name = function(call, "name")
        if isinstance(name, str) and name and name not in known and name != chosen:
            wanted = " or ".join(sorted(known)) or "no call, since no tool was offered"
            yield Deviation(wanted, show(name), Place(pointer=f"{place}/function/name"))


@check("chat.tool-arguments-object", on=called)
def tool_arguments_object(x: Reading) -> Answer:
    """The arguments of a finished call are the text of a JSON object."""
    done = [(place, function(call, "arguments")) for place, entry, call in calls(x)
            if entry.get("finish_reason") == "tool_calls"]  # fmt: skip
    texts = [(place, text) for place, text in done if isinstance(text, str)]
    if not texts:
        yield Undecided("no tool call was finished")
    for place, text in texts:
        if not isinstance(strict_json(text), dict):
            at = Place(pointer=f"{place}/function/arguments")
            yield Deviation("the text of a JSON object", show(text), at)


@check("chat.no-empty-tool-calls", on=lambda x: answered(x) and _without_calls(x))
def no_empty_tool_calls(x: Reading) -> Answer:
    """Where nothing is called, the member is not there."""
    for n, _, message in messages(x):
        if message.get("tool_calls", 0) in ([], None):
            place = Place(pointer=f"/choices/{n}/message/tool_calls")
            yield Deviation("no member `tool_calls`", show(message["tool_calls"]), place)


def _without_calls(x: Reading) -> bool:
    return any(not calls_of(message) for _, _, message in messages(x))
