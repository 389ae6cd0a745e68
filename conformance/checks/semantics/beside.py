"""Tools beside a text, and beside a format of the text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from conformance.check import Answer, Deviation, Dialogue, Undecided, check, relation, show
from conformance.checks.chat.tools import offered
from conformance.checks.semantics.said import BROKEN, body, member, pairs, said
from conformance.reading import Reading

MARKS = ("<tool_call>", "[TOOL_CALLS]", "<|python_tag|>", "<function=")  # of some templates
ARGUMENTS = ("arguments", "parameters")
TRIES = 20  # braces of a text at which a call may begin
READ = json.JSONDecoder()


def _objects(text: str) -> Iterator[Any]:
    """The JSON objects in a text."""
    at = -1
    for _ in range(TRIES):
        if (at := text.find("{", at + 1)) < 0:
            return
        try:
            yield READ.raw_decode(text, at)[0]
        except (ValueError, RecursionError):
            continue


def _is_call(value: Any, names: set[str]) -> bool:
    """Whether an object is a call as models write it."""
    inner = value.get("function") if isinstance(value.get("function"), dict) else value
    name = inner.get("name")
    return isinstance(name, str) and name in names and any(key in inner for key in ARGUMENTS)


@check("semantics.calls-apart", on=lambda x: bool(offered(x)) and said(x) is not None)
def calls_apart(x: Reading) -> Answer:
    """No call of a tool stands in the text."""
    answer = said(x)
    text, names = (answer.text, offered(x)) if answer else ("", set())
    marked = [mark for mark in MARKS if mark in text]
    called = [each for each in _objects(text) if _is_call(each, names)]
    if marked or called:
        yield Deviation("a call in `tool_calls`", f"{show(text)} as text")
    elif answer and not answer.calls:
        yield Undecided("the model called no tool")


def _formed(x: Reading, y: Reading) -> bool:
    """A request that offers tools, and the same with a schema for its text."""
    wanted = member(y, "response_format")
    schema = isinstance(wanted, dict) and wanted.get("type") == "json_schema"
    return schema and bool(offered(x)) and x.sent == body(y, "response_format") != body(y)


@relation("semantics.tools-beside-format", on=lambda d: bool(pairs(d, _formed)))
def tools_beside_format(dialogue: Dialogue) -> Answer:
    """What the model calls of itself it calls also where its text would have a format."""
    told = [(y, said(x), said(y)) for x, y in pairs(dialogue, _formed)]
    known = [(y, free.calls, formed) for y, free, formed in told if free and formed]
    judged = [(y, formed) for y, calls, formed in known if calls and formed.reason != "length"]
    if not judged:
        yield Undecided("the model called nothing of itself" if known else BROKEN)
    for y, formed in judged:
        if not formed.calls:
            wanted = "a call, as without response_format"
            yield Deviation(wanted, show(formed.text), exchange=y.exchange.number)
