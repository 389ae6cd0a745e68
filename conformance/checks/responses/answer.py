"""What a response has when it is finished, plain or streamed: members, states, counts, items."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.check import Answer, Deviation, Place, Undecided, check, fold, show
from conformance.checks.responses.finished import (
    Json,
    event_of,
    is_finished,
    is_response,
    items_of,
    parts_of,
    place,
    response_of,
    tokens,
)
from conformance.contract.typed import is_id, is_index, row_of, wrong
from conformance.reading import NotJson, Reading, strict_json

FINAL = ("completed", "incomplete", "failed")
SETTINGS = ("instructions", "metadata", "temperature", "top_p")
ECHOED = (
    *(*SETTINGS, "max_output_tokens", "parallel_tool_calls", "tool_choice", "truncation"),
    *("tools", "text"),
)
REASONS = ("max_output_tokens", "content_filter")
DETAILS = {"input_tokens_details": "cached_tokens", "output_tokens_details": "reasoning_tokens"}


def _at(x: Reading, *tokens_: str | int) -> Place:
    return Place(event_of(x), place(x, *tokens_))


def _response(x: Reading) -> Json:
    return response_of(x) or {}


@check("responses.status-final", on=lambda x: x.surface == "responses" and is_finished(x))
def status_final(x: Reading) -> Answer:
    """What was waited for is finished."""
    status = _response(x).get("status")
    background = isinstance(x.sent, dict) and x.sent.get("background") is True
    if status in ("in_progress", "queued", "cancelled") and not background:
        yield Deviation(" or ".join(FINAL), show(status), _at(x, "status"))


def _only_when(x: Reading, member: str, wanted: str) -> Answer:
    """A member that is an object in one state, and null in every other."""
    response = _response(x)
    status, value = response.get("status"), response.get(member)
    if not isinstance(status, str):
        yield Undecided("the response has no status")
    elif status == wanted and value is None:
        yield Deviation(f"an object, since the status is {wanted}", "null", _at(x, member))
    elif status != wanted and isinstance(value, dict):  # anything else has a rule of its own
        yield Deviation(f"null, since the status is {show(status)}", show(value), _at(x, member))


@check("responses.error-when-failed", on=is_finished)
def error_when_failed(x: Reading) -> Answer:
    """An error belongs to a response that failed."""
    yield from _only_when(x, "error", "failed")


@check("responses.details-when-incomplete", on=is_finished)
def details_when_incomplete(x: Reading) -> Answer:
    """The reason belongs to a response that is incomplete."""
    yield from _only_when(x, "incomplete_details", "incomplete")


def _reason(x: Reading) -> Any:
    details = _response(x).get("incomplete_details")
    return details.get("reason") if isinstance(details, dict) else None


@check("responses.reason-known", on=lambda x: is_finished(x) and isinstance(_reason(x), str))
def reason_known(x: Reading) -> Answer:
    """The reason is one that clients know."""
    if _reason(x) not in REASONS:
        at = _at(x, "incomplete_details", "reason")
        yield Deviation(" or ".join(REASONS), show(_reason(x)), at)


@check("responses.settings-present", on=is_finished)
def settings_present(x: Reading) -> Answer:
    """What the answer was made with is told, if only as null."""
    for name in SETTINGS:
        if name not in _response(x):
            yield Deviation(f"`{name}`, or null for it", "no such member", _at(x, name))


def _ordinary(x: Reading) -> bool:
    return is_finished(x) and not x.odd and not x.standing.contract


@check("responses.echo", on=_ordinary)
def echo(x: Reading) -> Answer:
    """What was asked for is what the response says that it was made with."""
    response = _response(x)
    sent = {name: x.sent[name] for name in ECHOED if x.sent.get(name) is not None}
    pairs = [(name, value, response[name]) for name, value in sent.items() if name in response]
    pairs = [(name, _essence(name, asked), _essence(name, told)) for name, asked, told in pairs]
    if not pairs:
        yield Undecided("nothing that is echoed was asked for")
    for name, value, echoed in pairs:
        if not _same(value, echoed):
            yield Deviation(f"{show(value)} as asked for", show(echoed), _at(x, name))


def _essence(name: str, value: Any) -> Any:
    """What of a setting is told back as it was asked for, whatever a server adds to it."""
    if name == "tools" and isinstance(value, list):
        tools = [tool for tool in value if isinstance(tool, dict)]
        return [(tool.get("type"), tool.get("name")) for tool in tools]
    if name == "text" and isinstance(value, dict):
        wanted = value.get("format")
        return wanted.get("type") if isinstance(wanted, dict) else wanted
    return value


def _same(asked: Any, echoed: Any) -> bool:
    if isinstance(asked, dict) and isinstance(echoed, dict):
        return all(name in echoed and _same(each, echoed[name]) for name, each in asked.items())
    if _number(asked) and _number(echoed):
        return math.isclose(asked, echoed, rel_tol=1e-4)  # some servers keep 32 bits
    return bool(asked == echoed)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _usage(x: Reading) -> Mapping[str, Any] | None:
    usage = _response(x).get("usage")
    return usage if isinstance(usage, dict) else None


def _has_usage(x: Reading) -> bool:
    return is_finished(x) and _usage(x) is not None


@check("responses.usage-adds-up", on=_has_usage)
def usage_adds_up(x: Reading) -> Answer:
    """The total is the sum."""
    names = ("input_tokens", "output_tokens", "total_tokens")
    asked, made, total = (tokens(_response(x), name) for name in names)
    if asked is None or made is None or total is None:
        yield Undecided("usage lacks a number")
    elif asked + made != total:
        yield Deviation(f"{asked} + {made}", f"{total}", _at(x, "usage", "total_tokens"))


@check("responses.usage-details", on=_has_usage)
def usage_details(x: Reading) -> Answer:
    """What was cached and what was thought is counted."""
    for name, inner in DETAILS.items():
        details = (_usage(x) or {}).get(name)
        if not isinstance(details, dict) or not is_index(details.get(inner)):
            yield Deviation(f"an integer {inner}", show(details), _at(x, "usage", name))


@check("responses.created-at-whole", on=lambda x: is_finished(x) and _number(_created(x)))
def created_at_whole(x: Reading) -> Answer:
    """The time is told in whole seconds."""
    if int(_created(x)) != _created(x):
        yield Deviation("whole seconds", show(_created(x)), _at(x, "created_at"))


def _created(x: Reading) -> Any:
    return _response(x).get("created_at")


@check("responses.completed-at", on=lambda x: is_finished(x) and "completed_at" in _response(x))
def completed_at(x: Reading) -> Answer:
    """A response ends after it began."""
    ended, began = _response(x)["completed_at"], _response(x).get("created_at")
    if ended is None:
        return
    if not _number(ended) or (_number(began) and ended < began):
        wanted = f"null or a time not before {show(began)}"
        yield Deviation(wanted, show(ended), _at(x, "completed_at"))


def _items(x: Reading) -> Iterator[tuple[Json, Place]]:
    """Every item of the finished response, and of a stream those of its events."""
    for n, item in enumerate(items_of(response_of(x))):
        yield item, _at(x, "output", n)
    for chunk in x.chunks if x.asks_stream else ():
        streamed = chunk.value.get("item")
        if isinstance(streamed, dict) and is_id(streamed.get("type")):
            yield streamed, Place(chunk.event, "/item")


@check("responses.item-members", on=is_finished)
def item_members(x: Reading) -> Answer:
    """Every item has what goes with its type."""
    found = [(item, at) for item, at in _items(x) if row_of("items", item)]
    if not found:
        yield Undecided("the answer has no item of a known type")
    for item, at in found:
        for name, wanted in wrong(row_of("items", item), item):
            observed = show(item[name]) if name in item else "no such member"
            said = f"{wanted} for `{name}` of {item['type']}"
            yield Deviation(said, observed, Place(at.event, f"{at.pointer}/{name}"))
            return


@check("responses.part-members", on=is_finished)
def part_members(x: Reading) -> Answer:
    """Every part has what goes with its type."""
    parts = [(part, at) for item, at in _items(x) for part in parts_of(item)]
    parts += [
        (chunk.value["part"], Place(chunk.event, "/part"))
        for chunk in (x.chunks if x.asks_stream else ())
        if isinstance(chunk.value.get("part"), dict)
    ]
    known = [(part, at) for part, at in parts if row_of("parts", part)]
    if not known:
        yield Undecided("the answer has no part of a known type")
    for part, at in known:
        for name, wanted in wrong(row_of("parts", part), part):
            observed = show(part[name]) if name in part else "no such member"
            yield Deviation(f"{wanted} for `{name}` of {part['type']}", observed, at)
            return


def _calls(x: Reading) -> list[Json]:
    return [item for item in items_of(response_of(x)) if item["type"] == "function_call"]


@check("responses.arguments-json", on=lambda x: is_finished(x) and bool(_calls(x)))
def arguments_json(x: Reading) -> Answer:
    """The arguments of a completed call are a JSON object."""
    done = [call for call in _calls(x) if call.get("status") == "completed"]
    told = [call["arguments"] for call in done if isinstance(call.get("arguments"), str)]
    if not told:
        yield Undecided("no call was completed")
    for text in told:
        if not isinstance(value := strict_json(text), dict):
            why = value.reason if isinstance(value, NotJson) else "no object"
            yield Deviation("a JSON object", f"{show(text)} ({why})", _at(x, "output"))


def _sealed(x: Reading) -> list[Json]:
    items = items_of(response_of(x))
    return [i for i in items if i["type"] == "reasoning" and is_id(i.get("encrypted_content"))]


@check("responses.reasoning-sealed", on=lambda x: is_finished(x) and bool(_sealed(x)))
def reasoning_sealed(x: Reading) -> Answer:
    """The sealed form of reasoning is not its text."""
    for item in _sealed(x):
        texts = [part.get("text") for part in parts_of(item)]
        whole = "".join(text for text in texts if isinstance(text, str)).strip()
        if whole and item["encrypted_content"].strip() == whole:
            observed = show(item["encrypted_content"])
            yield Deviation("something that is not the text", observed, _at(x, "output"))


def _unique(x: Reading, ids: list[Any], what: str) -> Answer:
    named = [id_ for id_ in ids if is_id(id_)]
    if not named:
        yield Undecided(f"no item has a {what}")
    for n, id_ in enumerate(named):
        if id_ in named[:n]:
            yield Deviation(f"each {what} once", f"{show(id_)} again", _at(x, "output"))
            return


@check("responses.item-ids-unique", on=is_finished)
def item_ids_unique(x: Reading) -> Answer:
    """No two items of an answer share an id."""
    yield from _unique(x, [item.get("id") for item in items_of(response_of(x))], "id")


@check("responses.call-ids-unique", on=lambda x: is_finished(x) and bool(_calls(x)))
def call_ids_unique(x: Reading) -> Answer:
    """No two calls of an answer share a call_id."""
    yield from _unique(x, [call.get("call_id") for call in _calls(x)], "call_id")


@check("responses.some-item", on=is_finished)
def some_item(x: Reading) -> Answer:
    """What is completed says something."""
    response = _response(x)
    if response.get("status") == "completed" and response.get("output") == []:
        yield Deviation("an item", "none", _at(x, "output"))


def _seen(state: tuple[frozenset[str], str], x: Reading) -> tuple[frozenset[str], str]:
    ids, again = state
    id_ = _response(x).get("id")
    if not isinstance(id_, str) or not id_:
        return state
    return ids | {id_}, again or (id_ if id_ in ids else "")


@fold(
    "responses.unique-ids",
    on=lambda x: is_response(x) and is_finished(x),
    start=(frozenset(), ""),
    step=_seen,
)
def unique_ids(state: tuple[frozenset[str], str]) -> Answer:
    """No two answers of a run share an id."""
    if state[1]:
        yield Deviation("an id of its own for every response", f"{show(state[1])} again")
