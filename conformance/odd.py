"""What a request does that is odd by more than its schema, told from its bytes alone.

Each oddity has a requirement that says what becomes of it, so such a request is never taken for an
ordinary one: its refusal says nothing about what the target offers. Official members that the
document does not have count only at their defaults, where a server may ignore them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from conformance.wire.exchange import Request
from conformance.wire.marks import (
    DEFAULTS,
    HUGE_LIMIT,
    LARGE,
    LONG,
    NO_MEMBER,
    NO_MODEL,
    NO_RESPONSE,
    TEMPLATE,
    WIDE,
    WRONG_KEY,
)

LEAST = 16  # tokens of a response that OpenAI takes for a limit (RUL-10)
TEXTS = frozenset({"input", "prompt"})  # members that bring what a model is to read
SYSTEM = ("system", "developer")
HISTORY = frozenset(
    {"refusal", "audio", "function_call", "annotations", "reasoning", "reasoning_content"}
)
FORMED = ("response_format", "text", "tools")  # members that may bring schemas
REPEATS = re.compile(r"[+*}]\)[+*{]")  # the end of a group that repeats, and does so inside
BOUNDS = (
    ("minLength", "maxLength"),
    ("minimum", "maximum"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
)
PLAIN = frozenset({"type", "description", "enum", "items", "properties", "required"})


class Odd(StrEnum):
    """What is odd about a request."""

    NO_MODEL = "it names a model that no server has"
    EMPTY_MODEL = "the name of its model is empty"
    WRONG_KEY = "its key was made up"
    MEDIA_TYPE = "its body is not announced as JSON"
    CHARSET = "the media type of its body has a parameter"
    QUERY = "its path has a query"
    UNKNOWN_MEMBER = "it has a member that nobody knows"
    DEFAULT_MEMBER = "it has an official member that the document lacks, at its default"
    WHOLE_FLOAT = "it writes an integer with a fraction of zero"
    OTHER_CASE = "a member of the document stands in it in another case"
    EMPTY_TEXT = "a text that it brings is empty"
    LONG_TEXT = "a text that it brings may be longer than what the model reads"
    DIMENSIONS = "it asks for a number of dimensions, which not every model has"
    WIDE = "it asks for more dimensions than any model has"
    NO_RESPONSE = "it goes on from a response that nobody made"
    FEW_TOKENS = "its limit of tokens is lower than some servers take"
    REASONING_ITEM = "it gives reasoning of an earlier answer back"
    REFUSAL_PART = "its history has a refusal"
    ITEM_REFERENCE = "it refers to an item that the server may have stored"
    OFFICIAL_MEMBER = "it asks for something by an official member that the document lacks"
    ORDER = "its messages stand in an order that the templates of some models refuse"
    HISTORY_MEMBER = "a message of the assistant has an official member that the document lacks"
    ARGUMENTS = "the arguments of a call in its history are no JSON object"
    RICH_SCHEMA = "the parameters of a tool use more of JSON Schema than every server reads"
    HARD_SCHEMA = "a schema in it has no value at all, or a pattern that repeats what repeats"
    TEMPLATE_MARKS = "its text has marks of which the templates of some models are made"
    LARGE_BODY = "its body is larger than what some servers take"
    SLOW_BODY = "its body was sent in pieces, with pauses between them"
    HUGE_LIMIT = "it lets its answer be longer than any context"


# What may always be refused, and shows no more than the capabilities that it needs.
OPTIONAL = frozenset({Odd.OFFICIAL_MEMBER, Odd.DIMENSIONS})


def oddities(
    request: Request, sent: Any, properties: Mapping[str, Any], official: frozenset[str]
) -> Iterator[Odd]:
    """Everything odd about a request with the JSON value `sent`, for an operation whose body has
    these properties by the document, and these official ones beside them.
    """
    yield from _of_head(request)
    if isinstance(sent, dict):
        yield from _of_members(sent, properties, official)
        yield from _of_values(sent)
        yield from _of_response(sent)
        if any(map(_is_hard, _schemas({name: sent.get(name) for name in FORMED}))):
            yield Odd.HARD_SCHEMA
        if "messages" in sent:
            yield from _of_chat(sent)


def _of_head(request: Request) -> Iterator[Odd]:
    headers = {name.lower(): value for name, value in request.headers}
    media_type, semicolon, _ = headers.get("content-type", "application/json").partition(";")
    if headers.get("authorization") == f"Bearer {WRONG_KEY}":
        yield Odd.WRONG_KEY
    if request.body is not None and media_type.strip().lower() != "application/json":
        yield Odd.MEDIA_TYPE
    elif semicolon:
        yield Odd.CHARSET
    if "?" in request.path:
        yield Odd.QUERY
    if NO_MODEL in request.path:
        yield Odd.NO_MODEL
    if TEMPLATE.encode() in (request.body or b""):
        yield Odd.TEMPLATE_MARKS
    if len(request.body or b"") >= LARGE:
        yield Odd.LARGE_BODY
    if request.pace:
        yield Odd.SLOW_BODY


def _of_members(
    sent: dict[str, Any], properties: Mapping[str, Any], official: frozenset[str]
) -> Iterator[Odd]:
    model = sent.get("model")
    if isinstance(model, str) and (not model or model.startswith(NO_MODEL)):
        yield Odd.NO_MODEL if model else Odd.EMPTY_MODEL
    for name, value in sent.items():
        if name in properties:
            whole = isinstance(value, float) and value.is_integer()
            if whole and properties[name].get("type") == "integer":
                yield Odd.WHOLE_FLOAT
        elif name == NO_MEMBER:
            yield Odd.UNKNOWN_MEMBER
        elif name.lower() in properties:
            yield Odd.OTHER_CASE
        elif name in DEFAULTS and value == DEFAULTS[name]:
            yield Odd.DEFAULT_MEMBER
        elif name in official and value is not None:
            yield Odd.OFFICIAL_MEMBER


def _of_values(sent: dict[str, Any]) -> Iterator[Odd]:
    """What makes a request extreme, though its schema allows it."""
    for name in TEXTS & sent.keys():
        given = sent[name] if isinstance(sent[name], list) else [sent[name]]
        texts = [each for each in given if isinstance(each, str)]
        if "" in texts:
            yield Odd.EMPTY_TEXT
        if any(len(text) >= LONG for text in texts):
            yield Odd.LONG_TEXT
    width = sent.get("dimensions")
    if type(width) is int and width > 0:
        yield Odd.WIDE if width >= WIDE else Odd.DIMENSIONS


def _of_response(sent: dict[str, Any]) -> Iterator[Odd]:
    """What only requests for a response can do."""
    before, limit = sent.get("previous_response_id"), sent.get("max_output_tokens")
    if isinstance(before, str) and before.startswith(NO_RESPONSE):
        yield Odd.NO_RESPONSE
    if isinstance(limit, int) and not isinstance(limit, bool) and 0 < limit < LEAST:
        yield Odd.FEW_TOKENS
    items = sent.get("input")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            yield from _of_item(item)


def _of_item(item: dict[str, Any]) -> Iterator[Odd]:
    kind = item.get("type")
    if kind in ("reasoning", "item_reference"):
        yield Odd.REASONING_ITEM if kind == "reasoning" else Odd.ITEM_REFERENCE
    content = item.get("content")
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict) and part.get("type") == "refusal":
            yield Odd.REFUSAL_PART


def _of_chat(sent: dict[str, Any]) -> Iterator[Odd]:
    """What the schema allows and only some servers take."""
    conversation = _objects(sent.get("messages"))
    yield from _of_conversation(conversation)
    for tool in _objects(sent.get("tools")):
        function = tool.get("function")
        parameters = function.get("parameters") if isinstance(function, dict) else None
        if isinstance(parameters, dict) and not _is_plain(parameters):
            yield Odd.RICH_SCHEMA
    limits = [sent.get(name) for name in ("max_tokens", "max_completion_tokens")]
    if any(isinstance(limit, int) and limit >= HUGE_LIMIT for limit in limits):
        yield Odd.HUGE_LIMIT


def _of_conversation(messages: list[dict[str, Any]]) -> Iterator[Odd]:
    roles = [message.get("role") for message in messages]
    if any(role in SYSTEM for role in roles[1:]) or roles[-1:] == ["assistant"]:
        yield Odd.ORDER
    said = [message for message in messages if message.get("role") == "assistant"]
    if any(HISTORY & message.keys() for message in said):
        yield Odd.HISTORY_MEMBER
    calls = [call for message in said for call in _objects(message.get("tool_calls"))]
    functions = [call["function"] for call in calls if isinstance(call.get("function"), dict)]
    if any(_is_loose(function.get("arguments")) for function in functions):
        yield Odd.ARGUMENTS


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _is_loose(arguments: Any) -> bool:
    """Whether arguments are text, but not that of a JSON object."""
    try:
        return isinstance(arguments, str) and not isinstance(json.loads(arguments), dict)
    except (ValueError, RecursionError):
        return True


def _schemas(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a value: each may be a schema."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            yield each
            left += each.values()
        elif isinstance(each, list):
            left += each


def _is_hard(schema: dict[str, Any]) -> bool:
    """Whether a schema contradicts itself, or has a pattern with one repetition inside another."""
    for least, most in BOUNDS:
        low, high = schema.get(least), schema.get(most)
        if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
            return True
    every = schema.get("allOf")
    branches = every if isinstance(every, list) else []
    kinds = [each.get("type") for each in branches if isinstance(each, dict)]
    told = {kind for kind in kinds if isinstance(kind, str)}
    if len(told) > 1 and told != {"integer", "number"}:
        return True
    pattern = schema.get("pattern")
    return isinstance(pattern, str) and bool(REPEATS.search(pattern))


def _is_plain(schema: Any) -> bool:
    """Whether a schema keeps to what every server reads: types, texts, lists, nested objects."""
    if not isinstance(schema, dict) or not schema.keys() <= PLAIN:
        return False
    properties = schema.get("properties", {})
    inside = [*properties.values(), *([schema["items"]] if "items" in schema else [])]
    return isinstance(schema.get("type", ""), str) and all(map(_is_plain, inside))
