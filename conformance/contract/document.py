"""An OpenAPI document as a tree: JSON pointers, references, operations, digest.

Operations are read with the extensions that our contract overlay adds: `x-surfaces` names the
surface of the plain and of the streamed form, `x-answer` the member without which a success of
that form carries no answer, `x-model` the kind of model that it wants. All of it is data, so that
no code knows an operation by name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast
from urllib.parse import unquote

import yaml

from conformance.errors import Defect

METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")
Tree = dict[str, Any]


def escape(token: str) -> str:
    """One reference token of a JSON pointer (RFC 6901)."""
    return token.replace("~", "~0").replace("/", "~1")


def pointer(*tokens: str | int) -> str:
    """A JSON pointer from its tokens."""
    return "".join(f"/{escape(str(token))}" for token in tokens)


def resolve(tree: Any, path: str) -> Any:
    """The value at a JSON pointer; raises `Defect` if there is none."""
    value = tree
    for token in path.removeprefix("#").split("/")[1:]:
        key = unquote(token).replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(key)] if isinstance(value, list) else value[key]
        except (KeyError, IndexError, ValueError, TypeError):
            raise Defect(f"the pointer {path} leads nowhere (at {key!r})") from None
    return value


def has(tree: Any, path: str) -> bool:
    """Whether a JSON pointer leads somewhere."""
    try:
        resolve(tree, path)
    except Defect:
        return False
    return True


@dataclass(frozen=True)
class Operation:
    """One operation of the document.

    `surfaces` maps the form of the answer (False plain, True streamed) to its surface, `answer` to
    the member that carries it; `request`
    and the values of `answers` are pointers of schemas; `answers` is keyed by status and media
    type, `statuses` holds every documented status.
    """

    id: str
    method: str
    path: str
    surfaces: Mapping[bool, str]
    answer: Mapping[bool, str]
    request: str | None
    answers: Mapping[tuple[int, str], str]
    statuses: frozenset[int]
    model: str = "text"

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches the paths of this operation; a parameter takes the rest, slashes included."""
        parts = re.split(r"\{[^}]+\}", self.path)
        return re.compile("(.+)".join(re.escape(part) for part in parts))

    def surface(self, *, streamed: bool) -> str | None:
        """The surface of one form, or None where the document has no such form."""
        return self.surfaces.get(streamed)


def parsed(text: bytes) -> Any:
    """YAML read by the parser in C where there is one: ten times as fast, and safe as well."""
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506


class Document:
    """A parsed OpenAPI document, or a view made of one. Treat the tree as frozen.

    `reasons` says at which pointers an overlay has changed what it was made of, and why.
    """

    def __init__(
        self, tree: Tree, source: bytes = b"", reasons: Mapping[str, str] | None = None
    ) -> None:
        self.tree = tree
        self.source = source
        self.reasons: Mapping[str, str] = reasons or {}
        self._targets: dict[str, tuple[str, Any]] = {}

    @classmethod
    def load(cls, path: Path) -> Document:
        """Read a YAML or JSON document."""
        source = path.read_bytes()
        return cls(parsed(source), source)

    @property
    def digest(self) -> str:
        """SHA-256 of the file, in hex."""
        return hashlib.sha256(self.source).hexdigest()

    def at(self, path: str) -> Any:
        """The value at a JSON pointer, with a reference followed to its end."""
        return self.target(path)[1]

    def target(self, path: str) -> tuple[str, Any]:
        """Where a JSON pointer leads, and the value there, with a reference followed to its end."""
        if path not in self._targets:
            value = resolve(self.tree, path)
            further = isinstance(value, dict) and "$ref" in value
            found = self.target(value["$ref"].removeprefix("#")) if further else (path, value)
            self._targets[path] = found
        return self._targets[path]

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """Every operation, in the order of the document."""
        return tuple(self._operations())

    def _operations(self) -> Iterator[Operation]:
        for path, item in self.tree["paths"].items():
            for method in METHODS:
                if method in item:
                    yield self._operation(path, method, item[method])

    def _operation(self, path: str, method: str, node: Tree) -> Operation:
        surfaces = _forms(node.get("x-surfaces", {}))
        body = node.get("requestBody", {}).get("content", {}).get("application/json")
        base = pointer("paths", path, method)
        answers = {
            (int(status), media): pointer("responses", status, "content", media, "schema")
            for status, response in node["responses"].items()
            for media in response.get("content", {})
        }
        return Operation(
            id=cast("str", node["operationId"]),
            method=method.upper(),
            path=path,
            surfaces=surfaces,
            answer=_forms(node.get("x-answer", {})),
            request=body and f"{base}/requestBody/content/application~1json/schema",
            answers=MappingProxyType({key: base + tail for key, tail in answers.items()}),
            statuses=frozenset(int(status) for status in node["responses"]),
            model=node.get("x-model", "text"),
        )

    def route(self, method: str, path: str) -> Operation | None:
        """The operation that a request line reaches; literal paths win over parameters."""
        bare = path.partition("?")[0]
        found = [op for op in self.operations if op.pattern.fullmatch(bare)]
        found.sort(key=lambda op: op.path.count("{"))
        return next((op for op in found if op.method == method), None)


def _forms(named: Mapping[str, str]) -> Mapping[bool, str]:
    return MappingProxyType({form == "streamed": name for form, name in named.items()})
