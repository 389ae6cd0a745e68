"""What every answer says of itself, plain or streamed: its id, its model, its time."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

from conformance.check import Answer, Deviation, Place, Undecided, show
from conformance.odd import Odd
from conformance.reading import EVENTS, Reading

BEFORE, AFTER = 3600, 300  # seconds that an answer may be dated before or after it was sent
Ids = tuple[frozenset[str], tuple[tuple[str, int], ...]]  # those seen, and those seen again
NO_IDS: Ids = (frozenset(), ())


def said(x: Reading, member: str) -> Any:
    """A member of the answer, of a stream that of its first chunk; None where there is none."""
    if x.media_type == EVENTS:
        return x.chunks[0].value.get(member) if x.chunks else None
    return x.json.get(member) if isinstance(x.json, dict) else None


def names_model(x: Reading) -> Answer:
    """An answer names the model that was asked for, or one that this name stands for."""
    sent = x.sent.get("model") if isinstance(x.sent, dict) else None
    found = said(x, "model")
    if not isinstance(sent, str) or not isinstance(found, str) or not sent:
        yield Undecided("the answer names no model")
    elif Odd.NO_MODEL in x.odd:
        yield Undecided("the request names a model that no server has")
    elif not found or not (found.startswith(sent) or sent.startswith(found)):
        yield Deviation(show(sent), show(found), Place(pointer="/model"))


def made_now(x: Reading) -> Answer:
    """An answer is dated near the time that its own head tells, whatever our clock says."""
    created, sent = said(x, "created"), _date(x)
    if type(created) not in (int, float) or sent is None:
        yield Undecided("the answer has no time, or its head has no Date")
    elif not sent - BEFORE <= created <= sent + AFTER:
        wanted = f"a time near {sent:.0f}, which its header Date says"
        yield Deviation(wanted, show(created), Place(pointer="/created"))


def _date(x: Reading) -> float | None:
    """The time that the head of the reply tells."""
    value = x.exchange.reply.header("date") if x.exchange.reply else None
    try:
        return parsedate_to_datetime(value).timestamp() if value else None
    except (ValueError, OverflowError):
        return None


def has_id(x: Reading) -> bool:
    """Whether an answer has an id, and a stream no more than one."""
    found = said(x, "id")
    one = x.media_type != EVENTS or all(chunk.value.get("id") == found for chunk in x.chunks)
    return isinstance(found, str) and found != "" and one


def add_id(state: Ids, x: Reading) -> Ids:
    """The ids seen so far, with that of one more answer."""
    seen, again = state
    id_ = said(x, "id")
    return seen | {id_}, (*again, (id_, x.exchange.number)) if id_ in seen else again


def unique_ids(state: Ids) -> Answer:
    """No two answers of a run have the same id."""
    seen, again = state
    if again:
        id_, number = again[0]
        observed = f"{show(id_)} again, {len(seen)} ids in {len(seen) + len(again)} answers"
        yield Deviation("an id of its own for each answer", observed, Place(pointer="/id"), number)
