"""What the server accepts: openapi-core against the contract, and a table of rules beside it.

The contract (`specs/contract.json`) is the document with the suite's overlay applied. The rules say
what no schema can.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from openapi_core.validation.request.exceptions import InvalidRequestBody

CONTRACT = Path(__file__).resolve().parent.parent / "specs" / "contract.json"
DEEPEST = 200  # levels of nesting; deeper bodies are refused before anything recurses
CHOICES = 128  # of one request


@dataclass
class Refused(Exception):
    """A request that is refused: status and the members of the error envelope."""

    message: str
    param: str | None = None
    code: str | None = None
    status: int = 400
    type: str = "invalid_request_error"

    def body(self) -> dict[str, Any]:
        """The envelope."""
        error = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return {"error": error}


@dataclass
class _Request:
    """A request as openapi-core wants to see it."""

    path: str
    body: bytes
    method: str = "post"
    host_url: str = "http://localhost"
    content_type: str = "application/json"
    parameters: RequestParameters = field(default_factory=RequestParameters)


class Contract:
    """Reads and validates request bodies."""

    def __init__(self) -> None:
        tree = json.loads(CONTRACT.read_text(encoding="utf-8"))
        self._api = OpenAPI.from_dict(tree | {"servers": [{"url": "/"}]})

    def read(self, path: str, body: bytes) -> dict[str, Any]:
        """The JSON object of a body that is valid for an operation; raises `Refused`."""
        value = parse(body)
        try:
            self._api.validate_request(_Request(path, body))
        except InvalidRequestBody as error:
            raise _refusal(error) from None
        except OpenAPIError as error:
            raise Refused(str(error)[:200]) from None
        for rule in RULES.get(path, ()):
            rule(value)
        return {key: each for key, each in value.items() if each is not None}


def parse(body: bytes) -> dict[str, Any]:
    """A JSON object, strictly: UTF-8, no NaN, no lone surrogate, not too deep."""
    try:
        text = body.decode("utf-8")
        if _depth(text) > DEEPEST:
            raise Refused("the body is nested too deeply")
        value = json.loads(text, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (UnicodeError, ValueError, RecursionError) as error:
        raise Refused(f"the body is no JSON text: {str(error)[:100]}") from None
    if not isinstance(value, dict):
        raise Refused("the body is no JSON object")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _depth(text: str) -> int:
    depth = deepest = 0
    for mark in re.findall(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', text):
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    return deepest


def _refusal(error: InvalidRequestBody) -> Refused:
    found = list(getattr(error.__cause__, "schema_errors", ()))
    if not found:
        return Refused(str(error.__cause__ or error)[:200])
    first = min(found, key=lambda each: len(each.absolute_path))
    path = list(first.absolute_path)
    if first.validator == "required":
        missing = [name for name in first.validator_value if name not in first.instance]
        path += missing[:1]
    param = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
    return Refused(f"{param or 'body'}: {first.message[:200]}", param or None)


Rule = Callable[[dict[str, Any]], None]


def _images_inline(sent: dict[str, Any]) -> None:
    for n, message in enumerate(sent["messages"]):
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            url = (part.get("image_url") or {}).get("url", "data:")
            if not url.startswith("data:"):
                raise Refused("only data: URIs are read", f"messages[{n}].content")


def _no_pictures(sent: dict[str, Any]) -> None:
    for n, message in enumerate(sent["messages"]):
        content = message.get("content")
        kinds = {part["type"] for part in content} if isinstance(content, list) else set()
        if "image_url" in kinds:
            raise Refused("this model does not see", f"messages[{n}].content")


def _limits(sent: dict[str, Any]) -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        given = sent.get(name)
        if isinstance(given, int | float) and not isinstance(given, bool) and given < 1:
            raise Refused(f"{name} must be 1 or more", name)
    count = sent.get("n")
    if count is not None and (not isinstance(count, int) or not 1 <= count <= CHOICES):
        raise Refused("n must be an integer from 1 to 128", "n")


def _schema_given(sent: dict[str, Any]) -> None:
    wanted = sent.get("response_format") or {}
    if wanted.get("type") == "json_schema" and not isinstance(wanted.get("json_schema"), dict):
        raise Refused("json_schema is missing", "response_format.json_schema")


def _tool_choice(sent: dict[str, Any]) -> None:
    choice = sent.get("tool_choice")
    if choice is None or choice in ("none", "auto", "required"):
        return
    names = list(tool_names(sent))
    function = choice.get("function") if isinstance(choice, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if name not in names:
        raise Refused("tool_choice names no tool that is offered", "tool_choice")


def tool_names(sent: dict[str, Any]) -> Iterator[str]:
    """The names of the tools that a request offers."""
    for tool in sent.get("tools") or ():
        yield tool["function"]["name"]


RULES: dict[str, tuple[Rule, ...]] = {
    "/chat/completions": (_images_inline, _no_pictures, _limits, _schema_given, _tool_choice),
}
