"""Other ways to tell errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from conformance.wire.exchange import Piece, Reply
from reference_server.change import compact
from reference_server.faults.replies import at, completion, error
from reference_server.variants.variant import tolerated, variant

MISSING = 404
Error = dict[str, Any]


def _written(reply: Reply, change: Callable[[Error], Error]) -> Reply | None:
    """A refusal with another body."""
    if not 400 <= reply.status < 500:
        return None
    kept = tuple(pair for pair in reply.headers if pair[0].lower() != "content-length")
    pieces = (Piece(at(reply), compact(change(json.loads(reply.body)))),)
    return replace(reply, headers=kept, pieces=pieces)


def _each(reply: Reply, **members: Any) -> Reply | None:
    """A refusal whose error has these members."""
    return _written(reply, lambda body: {"error": body["error"] | members})


def _name(sent: Any) -> str:
    name = sent.get("model") if isinstance(sent, dict) else None
    return name if isinstance(name, str) else ""


TWINS = {"chat-stream.same-text", "semantics.same-finish", "semantics.same-usage"}


@variant(on="*", norms={"ERR-01"}, rulings={"RUL-01", "RUL-02"})
def extra_members(reply: Reply) -> Reply | None:
    """Adds members of its own beside the error and inside it."""
    more = {"status": reply.status, "innererror": {"code": None}, "doc_url": "x", "details": []}
    beside = {"object": "error", "request_id": "req_1", "message": None, "timestamp": 1.5}
    return _written(reply, lambda body: beside | {"error": body["error"] | more})


@variant(on="*", norms={"ERR-02", "ERR-13"})
def other_language(reply: Reply) -> Reply | None:
    """Says what is wrong in another language, with the member in quotes."""
    return _each(reply, message="«stop»: 許可されていない値です / قيمة غير مسموح بها")


@variant(on="*", norms={"ERR-04"})
def names_no_member(reply: Reply) -> Reply | None:
    """Never names the member that is wrong."""
    return _each(reply, param=None)


@variant(on="*", norms={"ERR-06", "ERR-07"}, rulings={"RUL-03"})
def one_type(reply: Reply) -> Reply | None:
    """Calls every refusal an invalid request, an unknown model too."""
    return _each(reply, type="invalid_request_error")


@variant(on="*", norms={"ERR-05"})
def own_codes(reply: Reply) -> Reply | None:
    """Has codes of its own for what is no missing model."""
    return _each(reply, code="bad_value") if reply.status != MISSING else None


@variant(on="*", norms={"ERR-07", "ERR-08"}, rulings={"RUL-03"})
def odd_names_are_400(sent: Any, reply: Reply) -> Reply | None:
    """Refuses a name that it cannot parse with 400, as Ollama does."""
    odd = " " in _name(sent) and reply.status == MISSING
    return error(reply, 400, "invalid model name") if odd else None


@variant(on="chat chat-stream", norms={"ERR-08"}, rulings={"RUL-03"}, without="models.by-name")
def any_name(sent: Any, reply: Reply) -> Reply | None:
    """Has one model and answers to any name, as its vendor declares."""
    return completion(reply, sent) if reply.status == MISSING else None


@variant(on="chat-stream", norms={"ERR-14", "CST-25"}, rulings={"RUL-42"}, hides=TWINS)
def fails_in_words(blocks: list[bytes]) -> Iterator[bytes]:
    """Tells of a failure in mid-stream by an event with an error, and ends."""
    if len(blocks) % 5:
        yield from blocks
        return
    told = {"message": "out of memory", "type": "server_error", "param": None, "code": None}
    yield from blocks[:2]
    yield b"data: " + compact({"error": told})


@variant(on="chat-stream", norms={"ERR-14", "CST-25"}, rulings={"RUL-42"}, hides=TWINS)
def fails_and_says_done(blocks: list[bytes]) -> Iterator[bytes]:
    """Says [DONE] after an event with an error."""
    if len(blocks) % 5:
        yield from blocks
        return
    told = {"message": "out of memory", "type": "server_error", "param": None, "code": "oom"}
    yield from blocks[:2]
    yield b"data: " + compact({"error": told, "request_id": "x"})
    yield blocks[-1]


for _fault in (
    "errors.writes-errors-as-text",
    "errors.writes-flat-errors",
    "errors.sends-null-types",
    "errors.says-nothing",
    "errors.forgets-param",
    "errors.forgets-code",
):
    tolerated(_fault, norms={"ERR-01"}, rulings={"RUL-02"}, profiles="seed")
tolerated("errors.sends-the-status-as-code", norms={"ERR-05"}, rulings={"RUL-02"})
tolerated("errors.sends-class-names", norms={"ERR-06"})
tolerated("errors.gives-no-code", norms={"ERR-09"}, rulings={"RUL-03"})
tolerated("errors.shows-its-stack", norms={"ERR-13"})
tolerated("errors.writes-404-as-text", norms={"HTTP-12"})
tolerated("errors.reports-errors-in-the-stream", norms={"HTTP-20"}, profiles="seed")
tolerated("errors.looks-for-no-name", norms={"ERR-10", "ERR-11"}, rulings={"RUL-03"})
