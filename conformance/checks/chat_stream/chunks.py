"""What stays the same in every chunk, and what may not stand in one."""

from __future__ import annotations

from conformance.check import Answer, Deviation, Place, Undecided, check, fold, show
from conformance.grammars.chat_stream import choices, sound
from conformance.reading import END_MARK, NotJson, Reading, is_streamed


def chat(x: Reading) -> bool:
    """A chat stream that came."""
    return x.surface == "chat-stream" and is_streamed(x)


@check("chat-stream.json-events", on=chat)
def json_events(x: Reading) -> Answer:
    """Every event is an object or the end mark; empty data has a rule of its own."""
    for n, (event, payload) in enumerate(zip(x.events, x.payloads, strict=True)):
        if isinstance(payload, dict) or payload is END_MARK or not event.data:
            continue
        observed = payload.reason if isinstance(payload, NotJson) else show(payload)
        yield Deviation("a JSON object or [DONE]", observed, Place(n, "", event.start))


def _constant(x: Reading, member: str, *kinds: type) -> Answer:
    """One value of a member over all chunks; missing and mistyped ones have rules of their own."""
    found = [(c.event, c.value[member]) for c in x.chunks if _typed(c.value.get(member), kinds)]
    if len(found) < 2:
        yield Undecided(f"fewer than two chunks carry {member}")
        return
    for event, value in found:
        if value != found[0][1]:
            place = Place(event, f"/{member}")
            yield Deviation(f"{show(found[0][1])} as before", show(value), place)
            return


def _typed(value: object, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool) and value != ""


@check("chat-stream.one-id", on=chat)
def one_id(x: Reading) -> Answer:
    """One stream carries one id."""
    yield from _constant(x, "id", str)


@check("chat-stream.one-created", on=chat)
def one_created(x: Reading) -> Answer:
    """One stream carries one time."""
    yield from _constant(x, "created", int, float)


@check("chat-stream.one-model", on=chat)
def one_model(x: Reading) -> Answer:
    """One stream carries one model."""
    yield from _constant(x, "model", str)


@check("chat-stream.one-fingerprint", on=chat)
def one_fingerprint(x: Reading) -> Answer:
    """What else tells how an answer was made does not change either."""
    found = [
        each for name in ("system_fingerprint", "service_tier") for each in _constant(x, name, str)
    ]
    deviations = [each for each in found if isinstance(each, Deviation)]
    yield from deviations or (found if len(found) == 2 else ())


@check("chat-stream.no-error-member", on=chat)
def no_error_member(x: Reading) -> Answer:
    """A chunk that brings choices brings no error."""
    for n, payload in enumerate(x.payloads):
        if isinstance(payload, dict) and "error" in payload and "choices" in payload:
            place = Place(n, "/error")
            yield Deviation("no member `error`", show(payload["error"]), place)
            return


@check("chat-stream.no-event-names", on=chat)
def no_event_names(x: Reading) -> Answer:
    """Events have no name of their own."""
    for n, event in enumerate(x.events):
        names = [field for field in event.fields if field.name == "event"]
        if names and names[0].value not in ("", "message", "chunk"):
            yield Deviation("no `event` field", show(names[0].value), Place(n, "", names[0].start))
            return


@check("chat-stream.choice-order", on=lambda x: chat(x) and sound(x) and any(choices(x)))
def choice_order(x: Reading) -> Answer:
    """Choices appear in the order of their indexes; in one chunk in any, once there is one."""
    seen: list[int] = []
    for chunk in x.chunks:
        indexes = [entry["index"] for entry in chunk.value["choices"]]
        for index in sorted(indexes) if seen else indexes:
            if index in seen:
                continue
            if index != len(seen):
                place = Place(chunk.event, "/choices")
                yield Deviation(f"choice {len(seen)}", f"choice {index}", place)
                return
            seen.append(index)


Ids = tuple[frozenset[str], tuple[tuple[str, int], ...]]  # those seen, and those seen again


def _id(x: Reading) -> str:
    """The id of a stream, if it has one."""
    ids = {id_ for chunk in x.chunks if isinstance(id_ := chunk.value.get("id"), str)}
    return ids.pop() if len(ids) == 1 else ""


def _add(state: Ids, x: Reading) -> Ids:
    seen, again = state
    id_ = _id(x)
    return seen | {id_}, (*again, (id_, x.exchange.number)) if id_ in seen else again


@fold(
    "chat-stream.unique-ids",
    on=lambda x: chat(x) and bool(_id(x)),
    start=(frozenset(), ()),
    step=_add,
)
def unique_ids(state: Ids) -> Answer:
    """No two streams of a run have the same id."""
    seen, again = state
    if again:
        id_, number = again[0]
        observed = f"{show(id_)} again, {len(seen)} ids in {len(seen) + len(again)} streams"
        yield Deviation("an id of its own for each stream", observed, Place(0, "/id"), number)
