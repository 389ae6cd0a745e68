"""Three judges of the same replies: the suite's own, jsonschema, and openapi-core.

Each is given bytes, reads them for itself, and says whether they are an answer by the schema at a
pointer of the document or of the judging view. The events of a stream are judged one by one. Of
values that differ in nothing but words and digits that no keyword asks for, one is judged.
"""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from conformance.contract.contract import Contract
from conformance.contract.document import Document
from conformance.contract.schemas import Validator
from conformance.data import SPECS
from conformance.prove import changed
from conformance.reading import DONE, EVENTS, NotJson, Reading, strict_json
from conformance.wire.exchange import Exchange
from reference_server.change import Change, surface

Value = tuple[str, bytes]  # the pointer of a schema, and bytes that shall be JSON of that schema
Judge = Callable[[str, bytes], bool]
# a string, with the colon of a name; a number of some digits, unless it has an exponent
TOKEN = re.compile(
    rb'"((?:[^"\\]|\\.)*+)"(\s*+:)?|(?<![0-9.eE+])[0-9]++(?:\.[0-9]++)?+(?![0-9.eE])', re.DOTALL
)


def judges(contract: Contract, view: Document) -> dict[str, Judge]:
    """The judges by the schemas of a view."""
    return {
        "suite": _suite(contract, view),
        "jsonschema": _jsonschema(contract, view),
        "openapi-core": _openapi_core(contract, view),
    }


def roots(contract: Contract) -> set[str]:
    """The pointers of the schemas of all answers."""
    return {root for operation in contract.operations for root in operation.answers.values()}


def _suite(contract: Contract, view: Document) -> Judge:
    validators = {root: Validator(view, root) for root in roots(contract)}

    def judge(root: str, data: bytes) -> bool:
        value = strict_json(data)
        return not isinstance(value, NotJson) and not validators[root].errors(value)

    return judge


def _jsonschema(contract: Contract, view: Document) -> Judge:
    whole = Draft202012Validator(view.tree)
    validators = {root: whole.evolve(schema={"$ref": f"#{root}"}) for root in roots(contract)}

    def judge(root: str, data: bytes) -> bool:
        try:
            return bool(validators[root].is_valid(json.loads(data)))
        except ValueError:
            return False

    return judge


def _openapi_core(contract: Contract, view: Document) -> Judge:
    readers = {EVENTS: lambda data, **_: json.loads(data)}
    tree = view.tree | {"servers": [{"url": "/"}]}
    api = OpenAPI.from_dict(tree, Config(extra_media_type_deserializers=readers))
    asked = {
        root: (MockRequest("http://localhost", op.method, op.path), status, media)
        for op in contract.operations
        for (status, media), root in op.answers.items()
    }

    def judge(root: str, data: bytes) -> bool:
        request, status, media = asked[root]
        try:
            api.validate_response(request, MockResponse(data, status, content_type=media))
        except OpenAPIError:
            return False
        return True

    return judge


def values(contract: Contract, exchanges: Iterable[Exchange]) -> Iterator[Value]:
    """What the document has a schema for, in the replies of some exchanges."""
    for exchange in exchanges:
        x = Reading(exchange, contract)
        root = x.operation and x.operation.answers.get((x.status, x.media_type))
        if root and x.media_type == EVENTS:
            yield from ((root, each.data.encode()) for each in x.events if each.data != DONE)
        elif root:
            yield root, exchange.reply.body


def after(exchanges: Iterable[Exchange], changes: Iterable[Change]) -> Iterator[Exchange]:
    """Every exchange that a change changes, as it is then."""
    pairs = [(surface(exchange.request), exchange) for exchange in exchanges]
    for change in changes:
        for on, exchange in pairs if change.change else ():
            if {on, "*"} & set(change.on) and (new := changed(change, exchange)) is not exchange:
                yield new


class Kinds:
    """What makes values alike: all but words and digits that no keyword of the views names."""

    def __init__(self, *views: Document) -> None:
        self._words = {word.encode() for view in views for word in _words(view.tree["components"])}

    def one_of_each(self, found: Iterable[Value]) -> list[Value]:
        """The first value of each kind."""
        first: dict[Value, Value] = {}
        for root, data in dict.fromkeys(found):
            first.setdefault((root, TOKEN.sub(self._plain, data)), (root, data))
        return list(first.values())

    def _plain(self, token: re.Match[bytes]) -> bytes:
        text, word, colon = token[0], token[1], token[2]
        if word is None:
            whole, dot, rest = text.partition(b".")
            return b"9" * len(whole) + dot + (b"5" if rest.strip(b"0") else rest[:1])
        plain = word and word.isascii() and b"\\" not in word and word not in self._words
        return b'"x"' if plain and not colon else text


def _words(node: Any) -> Iterator[str]:
    """The words that a schema, or one below it, names as values."""
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    if isinstance(node, dict):
        found = (node.get("const"), *(enum if isinstance(enum := node.get("enum"), list) else ()))
        yield from (word for word in found if isinstance(word, str))
    for each in inner:
        yield from _words(each)


@dataclass(frozen=True)
class Dissent:
    """Why judges part: those named take what the others refuse, where such a text stands in it."""

    id: str
    place: str
    text: str
    takes: frozenset[str]
    reason: str
    source: str
    example: str

    def explains(self, data: bytes, takes: frozenset[str]) -> bool:
        """Whether a value is refused by some for this reason."""
        return takes == self.takes and bool(re.search(self.text, data.decode(errors="replace")))


def dissents() -> tuple[Dissent, ...]:
    """The committed table."""
    tree = tomllib.loads((SPECS / "judges.toml").read_text(encoding="utf-8"))
    return tuple(Dissent(**row | {"takes": frozenset(row["takes"])}) for row in tree["dissent"])


@dataclass(frozen=True)
class Compared:
    """Verdicts that all gave, by schema; what the table explains; what stands against it."""

    agreed: Counter[tuple[str, bool]]
    explained: Counter[str]
    problems: list[str]


def compare(
    found: Iterable[Value], judging: Mapping[str, Judge], table: tuple[Dissent, ...]
) -> Compared:
    """What the judges say about values, each beside the others."""
    result = Compared(Counter(), Counter(), [])
    for root, data in found:
        takes = frozenset(name for name, judge in judging.items() if judge(root, data))
        if len(takes) in (0, len(judging)):
            result.agreed[root, bool(takes)] += 1
        elif known := next((each.id for each in table if each.explains(data, takes)), None):
            result.explained[known] += 1
        else:
            result.problems.append(f"only {sorted(takes)} take by {root}: {data[:2000]!r}")
    unused = [each.id for each in table if not result.explained[each.id]]
    result.problems.extend(f"{id_} explains nothing" for id_ in unused)
    return result
