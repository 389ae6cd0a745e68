"""The plain answer of a chat: ids, time, model, choices, content, usage, probabilities."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeGuard

from conformance.check import Answer, Deviation, Place, Undecided, check, fold, show
from conformance.checks.chat_stream.text import spelled
from conformance.odd import Odd
from conformance.reading import Reading

EARLIEST, LATEST = 3600, 300  # seconds before and after the time of the reply
BESIDE = ("tool_calls", "function_call", "refusal", "audio")  # what content may be null beside
HALF = re.compile("[\ud800-\udfff]")
TAGS = ("<think>", "</think>")


def answered(x: Reading) -> bool:
    """A plain success for a request that the contract allows."""
    plain = x.surface == "chat" and x.answered and isinstance(x.json, dict)
    return plain and not x.standing.contract


def choices(x: Reading) -> list[dict[str, Any]]:
    """The choices of an answer that are objects."""
    found = x.json.get("choices") if isinstance(x.json, dict) else None
    entries = found if isinstance(found, list) else []
    return [entry for entry in entries if isinstance(entry, dict)]


def messages(x: Reading) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
    """Each choice with its place in the list and its message, where that is an object."""
    for n, entry in enumerate(choices(x)):
        if isinstance(entry.get("message"), dict):
            yield n, entry, entry["message"]


def asked(x: Reading, name: str) -> Any:
    """A member of the request; None where it has none."""
    return x.sent.get(name) if isinstance(x.sent, dict) else None


def integer(value: object) -> TypeGuard[int]:
    """Whether a value is an integer."""
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass(frozen=True)
class Ids:
    """The ids of a run so far, and the first one that came again, with its exchange."""

    seen: frozenset[str] = frozenset()
    answers: int = 0
    again: tuple[str, int] | None = None


def _id(x: Reading) -> bool:
    return answered(x) and isinstance(x.json.get("id"), str) and x.json["id"] != ""


def _next(state: Ids, x: Reading) -> Ids:
    id_ = x.json["id"]
    again = state.again or ((id_, x.exchange.number) if id_ in state.seen else None)
    return Ids(state.seen | {id_}, state.answers + 1, again)


@fold("chat.unique-ids", on=_id, start=Ids(), step=_next)
def unique_ids(state: Ids) -> Answer:
    """No two answers of a run share an id."""
    if state.answers < 2:
        yield Undecided("there were fewer than two answers with an id")
    elif state.again:
        id_, exchange = state.again
        twice = state.answers - len(state.seen)
        observed = f"{show(id_)} again; {twice} of {state.answers} ids were"
        yield Deviation("an id of its own", observed, Place(pointer="/id"), exchange)


def _dated(x: Reading) -> datetime | None:
    """The time that the reply says it was made at."""
    value = x.exchange.reply.header("date") if x.exchange.reply else None
    try:
        found = parsedate_to_datetime(value or "")
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _whole(value: object) -> bool:
    """Whether a value is a whole number; the fraction may be written (RUL-47)."""
    return integer(value) or (isinstance(value, float) and value.is_integer())


@check("chat.created-now", on=lambda x: answered(x) and _whole(x.json.get("created")))
def created_now(x: Reading) -> Answer:
    """The time is that of the answer, by the server's own clock."""
    date, created = _dated(x), x.json["created"]
    if date is None:
        yield Undecided("no reply says in `Date` when it was made")
    elif not -EARLIEST <= created - int(date.timestamp()) <= LATEST:
        place = Place(pointer="/created")
        yield Deviation(f"about {int(date.timestamp())}, by `Date`", show(created), place)


@check("chat.model-echoed", on=lambda x: answered(x) and isinstance(x.json.get("model"), str))
def model_echoed(x: Reading) -> Answer:
    """The model is the one that was asked for, or a longer or shorter name of it."""
    wanted, said = asked(x, "model"), x.json["model"]
    if not isinstance(wanted, str) or not wanted or not said:
        yield Undecided("a name is missing")
    elif Odd.NO_MODEL in x.odd:
        yield Undecided("the request names a model that no server has")
    elif not said.startswith(wanted) and not wanted.startswith(said):
        yield Deviation(
            f"{show(wanted)}, or a longer name of it", show(said), Place(None, "/model")
        )


@check("chat.one-choice", on=lambda x: answered(x) and asked(x, "n") in (None, 1))
def one_choice(x: Reading) -> Answer:
    """Who asks for one choice gets one."""
    found = x.json.get("choices")
    if isinstance(found, list) and len(found) != 1:
        yield Deviation("one choice", f"{len(found)}", Place(pointer="/choices"))


@check("chat.choice-indexes", on=lambda x: answered(x) and bool(choices(x)))
def choice_indexes(x: Reading) -> Answer:
    """Choices are counted from 0, in whatever order they stand."""
    given = [entry.get("index") for entry in choices(x)]
    found = [index for index in given if integer(index)]
    if len(found) < len(given):
        yield Undecided("a choice has no index")
    elif sorted(found) != list(range(len(found))):
        observed = ", ".join(map(show, found))
        yield Deviation(f"0 to {len(found) - 1}", observed, Place(pointer="/choices"))


def _null_content(message: dict[str, Any]) -> bool:
    return "content" in message and message["content"] is None


@check("chat.null-content", on=lambda x: answered(x) and any(messages(x)))
def null_content(x: Reading) -> Answer:
    """Content is null only where something else is there."""
    for n, _, message in messages(x):
        if _null_content(message) and not any(message.get(name) for name in BESIDE):
            place = Place(pointer=f"/choices/{n}/message/content")
            yield Deviation("text, or null beside a tool call or a refusal", "null", place)


@check("chat.whole-characters", on=lambda x: answered(x) and any(messages(x)))
def whole_characters(x: Reading) -> Answer:
    """Text is Unicode: no half of a surrogate pair stands in it."""
    texts = [(n, message.get("content")) for n, _, message in messages(x)]
    found = [(n, text) for n, text in texts if isinstance(text, str)]
    if not found:
        yield Undecided("no choice has text")
    for n, text in found:
        halves = [c for c in text if 0xD800 <= ord(c) <= 0xDFFF]
        if halves:
            place = Place(pointer=f"/choices/{n}/message/content")
            yield Deviation("whole characters", f"U+{ord(halves[0]):04X} alone", place)


@check("chat.usage-present", on=answered)
def usage_present(x: Reading) -> Answer:
    """An answer says what it cost."""
    if "usage" not in x.json:
        yield Deviation("a member `usage`", "none", Place(pointer="/usage"))


@check("chat.logprobs-as-asked", on=lambda x: answered(x) and any(messages(x)))
def logprobs_as_asked(x: Reading) -> Answer:
    """Probabilities come with text if they were asked for, and else do not."""
    wanted = asked(x, "logprobs") is True
    for n, entry, message in messages(x):
        given = isinstance(entry.get("logprobs"), dict)
        place = Place(pointer=f"/choices/{n}/logprobs")
        if wanted and not given and message.get("content"):
            yield Deviation("an object, as asked", show(entry.get("logprobs")), place)
        elif given and not wanted:
            yield Deviation("null, or no such member", show(entry["logprobs"]), place)


def _records(x: Reading) -> Iterator[tuple[str, dict[str, Any]]]:
    """The records of tokens, each with its place."""
    for n, entry in enumerate(choices(x)):
        given = entry.get("logprobs")
        content = given.get("content") if isinstance(given, dict) else None
        for k, each in enumerate(content if isinstance(content, list) else ()):
            if isinstance(each, dict):
                yield f"/choices/{n}/logprobs/content/{k}", each


@check("chat.logprobs-complete", on=lambda x: answered(x) and any(_records(x)))
def logprobs_complete(x: Reading) -> Answer:
    """A record has all four members."""
    for place, record in _records(x):
        if missing := {"bytes", "top_logprobs"} - record.keys():
            yield Deviation(f"a member `{min(missing)}`", "none", Place(pointer=place))
            return


def thinks(message: dict[str, Any]) -> bool:
    """Whether a message brings reasoning."""
    return any(isinstance(message.get(name), str) for name in ("reasoning", "reasoning_content"))


@check("chat.reasoning-apart", on=lambda x: answered(x) and any(messages(x)))
def reasoning_apart(x: Reading) -> Answer:
    """No tags of reasoning stand in the text; a model that does not reason cannot tell."""
    for n, _, message in messages(x):
        text = message.get("content")
        if isinstance(text, str) and (tag := next((t for t in TAGS if t in text), "")):
            place = Place(pointer=f"/choices/{n}/message/content")
            yield Deviation("reasoning in a member of its own", f"{tag} in the text", place)
            return
    if not any(thinks(message) for _, _, message in messages(x)):
        yield Undecided("no answer brought reasoning")


@check("chat.logprobs-are-the-text", on=lambda x: answered(x) and any(_records(x)))
def logprobs_are_the_text(x: Reading) -> Answer:
    """Tokens and text say the same; tokens that end an answer may come on top."""
    if asked(x, "stop") or asked(x, "tools") or len(choices(x)) != 1:
        yield Undecided("no probabilities came with one text that nothing held back")
        return
    found = [record for _, record in _records(x)]
    for _, _, message in messages(x):
        text, told = message.get("content"), spelled(found).lstrip()
        if "\u2581" in told or "\u0120" in told:
            yield Undecided("the tokens are written in the alphabet of their tokenizer")
        elif isinstance(text, str) and HALF.search(text):
            yield Undecided("the text has half of a character")
        elif isinstance(text, str) and not told.startswith(text.lstrip()):
            place = Place(pointer="/choices/0/logprobs/content")
            yield Deviation(f"the tokens of {show(text)}", show(told), place)


def _stops(x: Reading) -> bool:
    return answered(x) and any(e.get("finish_reason") == "stop" for e in choices(x))


@check("chat.stop-brings-something", on=lambda x: _stops(x) and not asked(x, "stop"))
def stop_brings_something(x: Reading) -> Answer:
    """An answer that came to its end is not empty."""
    for n, entry, message in messages(x):
        brought = any(message.get(name) for name in ("content", *BESIDE))
        if entry.get("finish_reason") == "stop" and not brought:
            place = Place(pointer=f"/choices/{n}/message")
            yield Deviation("text, a tool call or a refusal", show(message), place)
