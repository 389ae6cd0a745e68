"""Faults of embeddings."""

from __future__ import annotations

import base64
import json
import math
import re
import struct
from collections.abc import Callable
from typing import Any

from conformance.wire.exchange import Reply, Request
from reference_server.faults.fault import fault
from reference_server.faults.replies import error

ON = "embeddings"
RARE = re.compile("[\u00a0-\u2fff\U00010000-\U0010ffff]")
Item = dict[str, Any]


def _without(value: Item, name: str) -> Item:
    return {key: each for key, each in value.items() if key != name}


def _each(body: Any, change: Callable[[Item], Item]) -> Any:
    """Every item changed."""
    return body | {"data": [change(item) for item in body["data"]]}


def _numbers(body: Any, change: Callable[[list[float]], Any]) -> Any:
    """Every embedding changed that is a list of numbers."""

    def changed(item: Item) -> Item:
        found = item["embedding"]
        return item if isinstance(found, str) else item | {"embedding": change(found)}

    return _each(body, changed)


def _base64(body: Any, change: Callable[[list[float]], Any]) -> Any:
    """Every embedding changed that is in base64, as the numbers that it holds."""

    def changed(item: Item) -> Item:
        found = item["embedding"]
        return item | {"embedding": change(_floats(found))} if isinstance(found, str) else item

    return _each(body, changed)


def _floats(text: str) -> list[float]:
    return [value for (value,) in struct.iter_unpack("<f", base64.b64decode(text))]


def _packed(values: list[float], form: str) -> str:
    return base64.b64encode(struct.pack(f"{form[0]}{len(values)}{form[1]}", *values)).decode()


def _unit(values: list[float]) -> list[float]:
    norm = math.hypot(*values) or 1.0
    return [value / norm for value in values]


@fault(breaks={"embeddings.members"}, on=ON)
def forgets_usage(body: Any) -> Any:
    """Leaves `usage` out."""
    return _without(body, "usage")


@fault(breaks={"embeddings.object"}, on=ON)
def calls_items_vectors(body: Any) -> Any:
    """Calls its items vector."""
    return _each(body, lambda item: item | {"object": "vector"})


@fault(breaks={"embeddings.item-members"}, on=ON)
def leaves_out_zeros(body: Any) -> Any:
    """Leaves out the index 0, as a serialiser does that leaves out what has no value."""
    return _each(body, lambda item: item if item["index"] else _without(item, "index"))


@fault(breaks={"embeddings.one-per-input"}, on=ON, field="EM-11")
def answers_with_nothing(body: Any) -> Any:
    """Answers with an empty list."""
    return body | {"data": []}


@fault(breaks={"embeddings.one-per-input"}, on=ON)
def embeds_the_first(body: Any) -> Any:
    """Embeds only the first text of a list."""
    return body | {"data": body["data"][:1]}


@fault(breaks={"embeddings.indexes"}, on=ON, field="SE-08")
def counts_nothing(body: Any) -> Any:
    """Gives every item the index 0."""
    return _each(body, lambda item: item | {"index": 0})


@fault(breaks={"embeddings.in-order"}, on=ON)
def answers_backwards(body: Any) -> Any:
    """Sends the items of a list in the order in which they were ready."""
    return body | {"data": body["data"][::-1]}


@fault(breaks={"embeddings.numbers"}, on=ON, field="EM-11")
def sends_empty_vectors(body: Any) -> Any:
    """Sends vectors without a number."""
    return _numbers(body, lambda _: [])


@fault(breaks={"embeddings.numbers"}, on=ON)
def always_encodes(body: Any) -> Any:
    """Sends base64 to everybody."""
    return _numbers(body, lambda found: _packed(found, "<f"))


@fault(breaks={"embeddings.numbers"}, on=ON)
def overflows(data: bytes) -> bytes:
    """Sends a number that no float can hold."""
    return re.sub(rb'"embedding":\[[^],]+', b'"embedding":[1e999', data)


@fault(breaks={"http.json-well-formed"}, on=ON, field="RO-02")
def divides_by_zero(request: Request, data: bytes) -> bytes:
    """Sends NaN for a number where it pads a list of texts."""
    several = b'"input":[' in (request.body or b"")
    return data.replace(b'"embedding":[', b'"embedding":[NaN,') if several else data


@fault(breaks={"embeddings.base64-text"}, on=ON)
def never_encodes(body: Any) -> Any:
    """Sends numbers to those who ask for base64."""
    return _base64(body, list)


@fault(breaks={"embeddings.base64-decodes"}, on=ON)
def encodes_for_urls(body: Any) -> Any:
    """Encodes with the alphabet for URLs, without padding."""

    def change(found: list[float]) -> str:
        return _packed(found, "<f").replace("+", "-").replace("/", "_").rstrip("=")

    return _base64(body, change)


@fault(breaks={"embeddings.base64-decodes"}, on=ON)
def encodes_nan(body: Any) -> Any:
    """Encodes vectors that are not finite."""
    return _base64(body, lambda found: _packed([math.nan, *found[1:]], "<f"))


@fault(breaks={"embeddings.base64-same"}, on=ON)
def encodes_negatives(body: Any) -> Any:
    """Encodes the vector with the wrong sign."""
    return _base64(body, lambda found: _packed([-value for value in found], "<f"))


@fault(breaks={"embeddings.base64-same"}, on=ON)
def encodes_in_half_precision(body: Any) -> Any:
    """Rounds to 16 bits on the way to base64."""
    half = "<e"
    return _base64(
        body,
        lambda found: _packed([struct.unpack(half, struct.pack(half, v))[0] for v in found], "<f"),
    )


@fault(breaks={"embeddings.same-length"}, on=ON)
def forgets_a_dimension(sent: Any, body: Any) -> Any:
    """Sends one number less in the last vector of a list."""
    if "dimensions" in sent or len(body["data"]) < 2 or len(sent["input"]) > 3:
        return None
    last = body["data"][-1]
    if isinstance(last["embedding"], str):
        return None
    cut = last | {"embedding": _unit(last["embedding"][:-1])}
    return body | {"data": [*body["data"][:-1], cut]}


@fault(breaks={"embeddings.unit-length"}, on=ON)
def forgets_to_normalise(body: Any) -> Any:
    """Sends vectors as the model makes them."""

    def change(found: list[float]) -> list[float]:
        return [value * 4 for value in found]

    return _base64(_numbers(body, change), lambda found: _packed(change(found), "<f"))


@fault(breaks={"embeddings.usage-members"}, on=ON)
def counts_below_zero(body: Any) -> Any:
    """Sends -1 for tokens that it did not count."""
    return body | {"usage": {"prompt_tokens": -1, "total_tokens": -1}}


@fault(breaks={"embeddings.usage-adds-up"}, on=ON)
def counts_a_completion(body: Any) -> Any:
    """Counts the vector as a token of a completion."""
    usage = body["usage"]
    counted = {"completion_tokens": 1, "total_tokens": usage["total_tokens"] + 1}
    return body | {"usage": usage | counted}


@fault(breaks={"embeddings.batch-usage"}, on=ON)
def counts_the_padding(sent: Any, body: Any) -> Any:
    """Counts every text of a list as long as the longest one."""
    used = body["usage"]["prompt_tokens"] * len(body["data"])
    return body | {"usage": {"prompt_tokens": used, "total_tokens": used}}


@fault(breaks={"embeddings.names-model"}, on=ON)
def names_its_file(body: Any) -> Any:
    """Names the file of the model."""
    return body | {"model": "/models/weights.gguf"}


@fault(breaks={"embeddings.batch-same"}, on=ON)
def sorts_by_length(sent: Any, body: Any) -> Any:
    """Sorts the texts of a list by length, and numbers them then."""
    if not isinstance(sent["input"], list):
        return None
    order = sorted(range(len(sent["input"])), key=lambda n: len(sent["input"][n]))
    data = [body["data"][n] | {"index": at} for at, n in enumerate(order)]
    return body | {"data": data}


@fault(breaks={"embeddings.batch-close"}, on=ON)
def blurs_in_company(sent: Any, body: Any) -> Any:
    """Sees a little of the padding of a list."""
    if not isinstance(sent["input"], list) or len(sent["input"]) < 4:
        return None

    def change(found: list[float]) -> list[float]:
        shift = 0.1 / math.sqrt(len(found))
        return _unit([value + (shift if n % 2 else -shift) for n, value in enumerate(found)])

    return _numbers(body, change)


@fault(breaks={"embeddings.repeats-same"}, on=ON)
def draws_vectors(sent: Any, body: Any) -> Any:
    """Adds a little noise, another one for each item of a list."""
    if not isinstance(sent["input"], list) or len(sent["input"]) < 4 or "dimensions" in sent:
        return None

    def change(item: Item) -> Item:
        sign = -1 if item["index"] % 2 else 1
        shift = sign * 0.04 / math.sqrt(len(item["embedding"]))
        return item | {"embedding": _unit([value + shift for value in item["embedding"]])}

    return _each(body, change)


@fault(breaks={"embeddings.tells-apart"}, on=ON)
def sends_a_constant(body: Any) -> Any:
    """Sends the same vector whatever the text is."""

    def change(found: list[float]) -> list[float]:
        return [1.0, *([0.0] * (len(found) - 1))]

    return _base64(_numbers(body, change), lambda found: _packed(change(found), "<f"))


def vectors(sent: Any, count: int, width: int) -> dict[str, Any]:
    """An answer that a server might make up."""
    values = [1.0, *([0.0] * (width - 1))]
    data = [{"object": "embedding", "index": n, "embedding": values} for n in range(count)]
    usage = {"prompt_tokens": 5, "total_tokens": 5}
    return {"object": "list", "data": data, "model": sent["model"], "usage": usage}


def _accepts(sent: Any, reply: Reply, name: str, value: Any, count: int = 1) -> Reply | None:
    """A refusal of one value of one member turned into an answer."""
    if reply.status != 400 or not isinstance(sent, dict) or repr(sent.get(name)) != repr(value):
        return None
    body = json.dumps(vectors(sent, count, 64)).encode()
    headers = (("content-type", "application/json"),)
    return Reply(200, headers, (type(reply.pieces[0])(reply.pieces[-1].at, body),))


@fault(breaks={"embeddings.unknown-format-refused"}, on=ON, field="EM-02")
def ignores_unknown_formats(sent: Any, reply: Reply) -> Reply | None:
    """Takes an encoding that it does not know for numbers."""
    return _accepts(sent, reply, "encoding_format", "AAA")


@fault(breaks={"embeddings.empty-list-refused"}, on=ON)
def embeds_nothing(sent: Any, reply: Reply) -> Reply | None:
    """Answers an empty list of inputs with an empty list of embeddings."""
    return _accepts(sent, reply, "input", [], 0)


@fault(breaks={"embeddings.no-dimensions-refused"}, on=ON)
def takes_no_dimensions_for_all(sent: Any, reply: Reply) -> Reply | None:
    """Takes 0 dimensions for all that there are."""
    return _accepts(sent, reply, "dimensions", 0)


@fault(breaks={"embeddings.wide-refused"}, on=ON)
def clamps_dimensions(sent: Any, reply: Reply) -> Reply | None:
    """Answers with all its dimensions to those who ask for more."""
    return _accepts(sent, reply, "dimensions", 1_000_000)


@fault(breaks={"embeddings.extreme-input"}, on=ON)
def has_no_word_for_empty(sent: Any, reply: Reply) -> Reply | None:
    """Answers 404 for an empty text."""
    empty = isinstance(sent, dict) and sent.get("input") == ""
    return error(reply, 404, "there is nothing to embed") if empty else None


@fault(breaks={"embeddings.token-input"}, on=ON, field="EM-06")
def refuses_tokens(sent: Any, reply: Reply) -> Reply | None:
    """Takes texts only."""
    tokens = isinstance(sent, dict) and isinstance(sent.get("input"), list)
    refused = tokens and reply.status == 200 and not isinstance(sent["input"][0], str)
    return error(reply, 400, "input must be a string or an array of strings") if refused else None


@fault(breaks={"embeddings.dimensions-honoured"}, on=ON, field="EM-07")
def ignores_dimensions(sent: Any, body: Any) -> Any:
    """Sends all dimensions, whatever is asked for."""
    if "dimensions" not in sent:
        return None

    def change(found: list[float]) -> list[float]:
        return [*found, *([0.0] * (96 - len(found)))]

    return _base64(_numbers(body, change), lambda found: _packed(change(found), "<f"))


@fault(breaks={"embeddings.native-dimensions"}, on=ON, field="EM-08")
def refuses_dimensions(sent: Any, reply: Reply) -> Reply | None:
    """Refuses `dimensions`, those that the model has too."""
    asked = sent.get("dimensions") if isinstance(sent, dict) else None
    refused = asked is not None and reply.status == 200
    return error(reply, 400, "this model does not support dimensions") if refused else None


@fault(breaks={"embeddings.one-width"}, on=ON)
def has_widths(sent: Any, body: Any) -> Any:
    """Gives texts with accents, and those beyond the basic plane, a dimension less."""
    text = sent.get("input")
    if "dimensions" in sent or not isinstance(text, str) or not RARE.search(text):
        return None
    return _base64(
        _numbers(body, lambda found: _unit(found[:-1])),
        lambda found: _packed(_unit(found[:-1]), "<f"),
    )
