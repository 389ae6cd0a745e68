"""What faults of responses have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]


def without(value: Json, *names: str) -> Json:
    """An object without some members."""
    return {k: v for k, v in value.items() if k not in names}


def each_item(body: Json, kind: str, change: Callable[[Json], Json]) -> Json:
    """A response with every item of a kind changed."""
    return body | {"output": [change(i) if i["type"] == kind else i for i in body["output"]]}


def each_part(body: Json, change: Callable[[Json], Json]) -> Json:
    """A response with every part of its messages changed."""
    return each_item(body, "message", lambda i: i | {"content": [change(p) for p in i["content"]]})


def items_of(sent: Any) -> list[Json]:
    """The input items of a request."""
    given = sent.get("input") if isinstance(sent, dict) else None
    return [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []


def parts_of(item: Json) -> list[Json]:
    """The parts of an input item."""
    content = item.get("content")
    return [p for p in content if isinstance(p, dict)] if isinstance(content, list) else []
