"""The events of the stream of a response: what they are, their numbers, what stays the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.check import Answer, Deviation, Place, Undecided, check, show
from conformance.contract.typed import KINDS, is_id, is_index, row_of, table, wrong
from conformance.grammars.responses import sound, terminal
from conformance.reading import END_MARK, Chunk, NotJson, Reading, is_streamed

STATES = {"response.queued": "queued", "response.in_progress": "in_progress"}
SETTINGS = (
    *(
        "created_at",
        "model",
        "instructions",
        "temperature",
        "top_p",
        "max_output_tokens",
        "metadata",
    ),
    *("tools", "tool_choice", "parallel_tool_calls", "text", "reasoning", "truncation", "store"),
)


def responses(x: Reading) -> bool:
    """A Responses stream that came."""
    return x.surface == "responses-stream" and is_streamed(x)


def readable(x: Reading) -> bool:
    """One whose events are what they must be."""
    return responses(x) and sound(x)


def _typed(x: Reading) -> Iterator[Chunk]:
    """The events that say their type."""
    yield from (chunk for chunk in x.chunks if is_id(chunk.value.get("type")))


def _some(x: Reading) -> bool:
    return responses(x) and any(_typed(x))


@check("responses-stream.typed-events", on=responses)
def typed_events(x: Reading) -> Answer:
    """Every event is an object with a type; empty data has a rule of its own."""
    for n, (event, payload) in enumerate(zip(x.events, x.payloads, strict=True)):
        if payload is END_MARK or not event.data:
            continue
        if not isinstance(payload, dict):
            observed = payload.reason if isinstance(payload, NotJson) else show(payload)
            yield Deviation("a JSON object", observed, Place(n, "", event.start))
        elif not is_id(payload.get("type")):
            yield Deviation("a string `type`", show(payload.get("type")), Place(n, "/type"))


@check("responses-stream.event-name", on=_some)
def event_name(x: Reading) -> Answer:
    """The name of an event, where it has one, is the type that it says."""
    named = [(c, name) for c in _typed(x) if (name := _name(x, c.event)) is not None]
    if not named:
        yield Undecided("no event has a name")
    for chunk, name in named:
        if name != chunk.value["type"]:
            yield Deviation(show(chunk.value["type"]), show(name), Place(chunk.event))
            return


def _name(x: Reading, event: int) -> str | None:
    names = [field.value for field in x.events[event].fields if field.name == "event"]
    return names[-1] if names else None


def _known(x: Reading) -> list[Chunk]:
    return [chunk for chunk in _typed(x) if row_of("events", chunk.value)]


@check("responses-stream.event-members", on=lambda x: responses(x) and bool(_known(x)))
def event_members(x: Reading) -> Answer:
    """Every event of a known type has what goes with it."""
    for chunk in _known(x):
        for name, wanted in wrong(row_of("events", chunk.value), chunk.value):
            observed = show(chunk.value[name]) if name in chunk.value else "no such member"
            said = f"{wanted} for `{name}` of {chunk.value['type']}"
            yield Deviation(said, observed, Place(chunk.event, f"/{name}"))
            return


@check("responses-stream.known-types", on=_some)
def known_types(x: Reading) -> Answer:
    """Events are those that clients know."""
    for chunk in _typed(x):
        if row_of("events", chunk.value) is None:
            observed = show(chunk.value["type"])
            yield Deviation("a published type of event", observed, Place(chunk.event, "/type"))
            return


def _wanting(x: Reading) -> list[Chunk]:
    return [c for c in _known(x) if table("events")[c.value["type"]].wanted]


@check("responses-stream.logprobs", on=lambda x: readable(x) and bool(_wanting(x)))
def logprobs(x: Reading) -> Answer:
    """Events of text carry their logprobs, if only as an empty array."""
    for chunk in _wanting(x):
        for name, kind in table("events")[chunk.value["type"]].wanted.items():
            words, fits = KINDS[kind]
            if not fits(chunk.value.get(name)):
                observed = show(chunk.value.get(name)) if name in chunk.value else "no such member"
                yield Deviation(words, observed, Place(chunk.event, f"/{name}"))
                return


def _numbers(x: Reading) -> list[tuple[Any, int]]:
    return [(chunk.value.get("sequence_number"), chunk.event) for chunk in _typed(x)]


@check("responses-stream.sequence-rises", on=_some)
def sequence_rises(x: Reading) -> Answer:
    """Every event has a number, higher than the one before."""
    before = -1
    for number, event in _numbers(x):
        place = Place(event, "/sequence_number")
        if not is_index(number):
            yield Deviation("an integer not below 0", show(number), place)
            return
        if number <= before:
            yield Deviation(f"a number above {before}", show(number), place)
            return
        before = number


@check("responses-stream.sequence-from-zero", on=_some)
def sequence_from_zero(x: Reading) -> Answer:
    """The numbers are 0, 1, 2 and so on; numbers that do not rise have a rule of their own."""
    numbers = _numbers(x)
    found = [number for number, _ in numbers]
    if not all(is_index(number) for number in found) or found != sorted(set(found)):
        yield Undecided("the numbers do not rise")
        return
    for n, (number, event) in enumerate(numbers):
        if number != n:
            yield Deviation(f"{n}", show(number), Place(event, "/sequence_number"))
            return


def _snapshots(x: Reading) -> list[tuple[Chunk, dict[str, Any]]]:
    """The responses that events carry."""
    pairs = [(chunk, chunk.value.get("response")) for chunk in _typed(x)]
    return [(chunk, response) for chunk, response in pairs if isinstance(response, dict)]


def _opens(x: Reading) -> bool:
    return readable(x) and bool(x.chunks) and x.chunks[0].value["type"] == "response.created"


@check("responses-stream.in-progress-second", on=_opens)
def in_progress_second(x: Reading) -> Answer:
    """The response is said to be under way before anything else, and looks like it."""
    first, *rest = x.chunks
    status = first.value["response"].get("status")
    if isinstance(status, str) and status not in STATES.values():
        wanted = " or ".join(STATES.values())
        yield Deviation(wanted, show(status), Place(first.event, "/response/status"))
        return
    if not rest:
        yield Undecided("the stream has one event")
    for chunk in rest[:1]:
        state = STATES.get(chunk.value["type"])
        if state is None:
            wanted = "response.in_progress or response.queued after response.created"
            yield Deviation(wanted, show(chunk.value["type"]), Place(chunk.event, "/type"))
        elif chunk.value["response"].get("status", state) != state:
            observed = show(chunk.value["response"]["status"])
            yield Deviation(state, observed, Place(chunk.event, "/response/status"))


def _stays(x: Reading, *names: str) -> Answer:
    """The same value in every response of the stream that has the member."""
    found = _snapshots(x)
    judged = False
    for name in names:
        values = [(chunk, r[name]) for chunk, r in found if name in r]
        judged = judged or len(values) > 1
        for chunk, value in values[1:]:
            if value != values[0][1]:
                place = Place(chunk.event, f"/response/{name}")
                yield Deviation(f"{show(values[0][1])} as before", show(value), place)
                return
    if not judged:
        yield Undecided("fewer than two events carry a response")


@check("responses-stream.one-response-id", on=_some)
def one_response_id(x: Reading) -> Answer:
    """One stream is about one response."""
    yield from _stays(x, "id")


@check("responses-stream.settings-stay", on=_some)
def settings_stay(x: Reading) -> Answer:
    """What the response is made with does not change while it is made."""
    yield from _stays(x, *SETTINGS)


def _ends(x: Reading) -> bool:
    return readable(x) and terminal(x) is not None


@check("responses-stream.terminal-fits", on=_ends)
def terminal_fits(x: Reading) -> Answer:
    """The last event carries a response in the state that it says."""
    last = terminal(x)
    assert last is not None
    status = last.value["type"].removeprefix("response.")
    response = last.value["response"]
    needs = {"completed": "usage", "incomplete": "incomplete_details", "failed": "error"}[status]
    if isinstance(response.get("status"), str) and response["status"] != status:
        place = Place(last.event, "/response/status")
        yield Deviation(status, show(response["status"]), place)
    elif not isinstance(response.get(needs), dict) and not _told_elsewhere(response, needs):
        place = Place(last.event, f"/response/{needs}")
        yield Deviation(f"an object `{needs}`", show(response.get(needs)), place)


def _told_elsewhere(response: dict[str, Any], needs: str) -> bool:
    """Whether a plain answer in this state would break a rule of its own."""
    return needs != "usage" and isinstance(response.get("status"), str) and needs in response


@check("responses-stream.incomplete-item", on=_ends)
def incomplete_item(x: Reading) -> Answer:
    """What was cut last says so."""
    last = terminal(x)
    assert last is not None
    output = last.value["response"].get("output")
    if last.value["type"] != "response.incomplete" or not isinstance(output, list) or not output:
        yield Undecided("no response with an item was incomplete")
        return
    item = output[-1]
    status = item.get("status") if isinstance(item, dict) else None
    if isinstance(status, str) and status != "incomplete":
        place = Place(last.event, f"/response/output/{len(output) - 1}/status")
        yield Deviation("incomplete", show(status), place)
