"""Dialogues about models: list and retrieve, list twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

from conformance.probes.probe import Probe, Turns, bound, get
from conformance.wire.exchange import Exchange, Request

RETRIEVED = 5  # models of the list that are asked for one by one
UNKNOWN = "conformance-no-such-model"


def probes() -> Iterator[Probe]:
    """The dialogues of this surface."""
    yield Probe("models.list-and-retrieve", "models", _retrieve, requests=3 + 2 * RETRIEVED)
    yield Probe("models.list-twice", "models", _twice, requests=2)


def in_use(good: Request) -> Iterator[Probe]:
    """A list after an answer: `good` is a request for the model of the run."""

    def turns() -> Turns:
        yield good
        yield get("/models")

    tokens = bound(json.loads(good.body or b"{}"))
    yield Probe("models.in-use", "models", turns, requests=2, tokens=tokens)


def _retrieve() -> Turns:
    listing = yield get("/models")
    for id_ in ids(listing)[:RETRIEVED]:
        one = yield get(f"/models/{quote(id_, safe='')}")
        if "/" in id_ and one.reply and one.reply.status == 404:
            yield get(f"/models/{quote(id_)}")
    if named := [id_ for id_ in ids(listing)[:RETRIEVED] if ":" in id_]:
        yield get(f"/models/{quote(named[0], safe=':')}")
    yield get(f"/models/{UNKNOWN}")


def _twice() -> Turns:
    yield get("/models")
    yield get("/models")


def is_empty_list(listing: Exchange) -> bool:
    """Whether a reply is a list of models without any."""
    try:
        body = json.loads(listing.reply.body if listing.reply else b"")
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and body.get("data", 0) in ([], None)


def ids(listing: Exchange) -> list[str]:
    """The ids in a list of models; none where the reply is no such list."""
    try:
        data = json.loads(listing.reply.body if listing.reply else b"")["data"]
        found = [model["id"] for model in data]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    return [id_ for id_ in found if isinstance(id_, str) and id_]
