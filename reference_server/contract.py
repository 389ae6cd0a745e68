"""What the server accepts: openapi-core against the contract, and two tables beside it.

The contract (`specs/contract.json`) is the document with the suite's overlay applied. `members`
holds what the document does not name, `rules` what no schema can say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from openapi_core.validation.request.exceptions import InvalidRequestBody

from reference_server.members import MEMBERS
from reference_server.refusal import Refused
from reference_server.rules import RULES

CONTRACT = Path(__file__).resolve().parent.parent / "specs" / "contract.json"
DEEPEST = 200  # levels of nesting; deeper bodies are refused before anything recurses
# A string without an end goes to the end of the text, so that every character is read once.
MARKS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)


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
        self._members = {
            path: Draft202012Validator({"properties": members}) for path, members in MEMBERS.items()
        }

    def read(self, path: str, body: bytes) -> dict[str, Any]:
        """The JSON object of a body that is valid for an operation, without members that are null;
        raises `Refused`.
        """
        value = parse(body)
        try:
            self._api.validate_request(_Request(path, body))
        except InvalidRequestBody as error:
            raise _refusal(error) from None
        except OpenAPIError as error:
            raise Refused(str(error)[:200]) from None
        if found := list(self._members[path].iter_errors(value)):
            raise _first(found)
        sent = {key: each for key, each in value.items() if each is not None}
        for rule in RULES.get(path, ()):
            rule(sent)
        return sent


def parse(body: bytes) -> dict[str, Any]:
    """A JSON object, strictly: UTF-8, no NaN, no lone surrogate, not too deep."""
    try:
        text = body.decode("utf-8")
        if _depth(text) > DEEPEST:
            raise Refused("the body is nested too deeply")
        value = json.loads(text, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (UnicodeError, ValueError, RecursionError) as error:
        raise Refused(f"the body is no JSON text: {str(error)[:100]}") from None
    if not isinstance(value, dict):
        raise Refused("the body is no JSON object")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _depth(text: str) -> int:
    depth = deepest = 0
    for found in MARKS.finditer(text):
        mark = found[0]
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    return deepest


def _refusal(error: InvalidRequestBody) -> Refused:
    found = list(getattr(error.__cause__, "schema_errors", ()))
    return _first(found) if found else Refused(str(error.__cause__ or error)[:200])


def _first(found: Iterable[Any]) -> Refused:
    """The refusal for the error that is nearest to the top of the body."""
    first = min(found, key=lambda each: len(each.absolute_path))
    path = list(first.absolute_path)
    if first.validator == "required":
        missing = [name for name in first.validator_value if name not in first.instance]
        path += missing[:1]
    param = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
    return Refused(f"{param or 'body'}: {first.message[:200]}", param or None)
