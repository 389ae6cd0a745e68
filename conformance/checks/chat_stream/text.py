"""Text: how it arrives, piece by piece, and what it is made of."""

from __future__ import annotations

import json
import re
from itertools import takewhile
from typing import Any

from conformance.check import Answer, Deviation, Place, Undecided, check, show
from conformance.checks.chat_stream.chunks import chat
from conformance.checks.sse import whole
from conformance.grammars.chat_stream import choices, pieces, sound, text_of
from conformance.reading import Reading

TOO_SHORT = "the streams were too short to tell"
QUICK = 0.2  # seconds in which what comes before the first text may be most of the work
ENOUGH_TEXT = 12  # chunks with text from which on the arrival of the first one means something
HALF = re.compile("[\ud800-\udfff]")
REASONING = ("reasoning", "reasoning_content")


@check("chat-stream.empty-last-delta", on=chat)
def empty_last_delta(x: Reading) -> Answer:
    """What finishes a choice brings nothing else."""
    last = [(c, entry) for c, entry in choices(x) if _finished(entry)]
    if not last:
        yield Undecided("no choice finished")
    for chunk, entry in last:
        delta = entry.get("delta")
        members = delta if isinstance(delta, dict) else {}
        left = {name: value for name, value in members.items() if value not in (None, "", [])}
        if left.keys() - {"role"}:
            yield Deviation("an empty delta", show(left), Place(chunk.event, "/choices"))
            return


def _finished(entry: dict[str, Any]) -> bool:
    return isinstance(entry.get("finish_reason"), str) and entry["finish_reason"] != ""


@check("chat-stream.incremental", on=lambda x: chat(x) and whole(x))
def incremental(x: Reading) -> Answer:
    """The first text arrives before four fifths of the time have passed."""
    yield from arrives_early(x, [c.event for c in x.chunks if text_of(c)])


def arrives_early(x: Reading, texts: list[int]) -> Answer:
    """The first of the events with text arrives clearly before the stream ends.

    By proportions, never seconds; only a stream of many chunks, sent alone, can tell, and against a
    quick one only that all of its text came at once.
    """
    times = [x.events[event].at for event in texts]
    started, ended = x.exchange.started, x.exchange.ended
    if len(times) < ENOUGH_TEXT or x.brief or x.exchange.neighbours:
        yield Undecided(TOO_SHORT)
        return
    first = (times[0] - started) / (ended - started) if ended > started else 0.0
    if first > 0.8 and ended - started < QUICK and times[0] < times[-1]:
        yield Undecided(TOO_SHORT)
    elif first > 0.8:
        observed = f"the first of {len(times)} pieces of text after {first:.0%} of the time"
        yield Deviation("the first text within 80% of the time", observed)


def _delta(entry: dict[str, Any]) -> dict[str, Any]:
    delta = entry.get("delta")
    return delta if isinstance(delta, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


@check("chat-stream.no-half-characters", on=lambda x: chat(x) and bool(x.chunks))
def no_half_characters(x: Reading) -> Answer:
    """No string has one half of a character of UTF-16."""
    for chunk in x.chunks:
        if "\\u" not in x.events[chunk.event].data:
            continue  # as UTF-8 a half has no form
        if found := HALF.search(json.dumps(chunk.value, ensure_ascii=False)):
            yield Deviation("whole characters", show(found[0]), Place(chunk.event))
            return


def _records(x: Reading) -> dict[int, list[dict[str, Any]]]:
    """The records of tokens of each choice."""
    found: dict[int, list[dict[str, Any]]] = {}
    for _, entry in choices(x):
        logprobs = entry.get("logprobs")
        content = logprobs.get("content") if isinstance(logprobs, dict) else None
        if isinstance(content, list):
            found.setdefault(entry["index"], []).extend(content)
    return {index: records for index, records in found.items() if records}


def spelled(records: list[dict[str, Any]]) -> str:
    """What the tokens say, by their bytes where they have them."""
    try:
        return b"".join(bytes(record["bytes"]) for record in records).decode("utf-8", "replace")
    except (KeyError, TypeError, ValueError):
        return "".join(_text(record.get("token")) for record in records)


def _scored(x: Reading) -> bool:
    return isinstance(x.sent, dict) and x.sent.get("logprobs") is True


@check("chat-stream.logprobs-cover", on=lambda x: chat(x) and whole(x) and sound(x) and _scored(x))
def logprobs_cover(x: Reading) -> Answer:
    """Tokens and text say the same; tokens that end an answer may come on top."""
    records = _records(x)
    if not records or x.sent.get("stop") or x.sent.get("tools"):
        yield Undecided("no probabilities came with a text that nothing held back")
        return
    for index, found in records.items():
        own = [entry for _, entry in choices(x) if entry["index"] == index]
        going = takewhile(lambda entry: entry["finish_reason"] is None, own)
        text = "".join(_text(_delta(entry).get("content")) for entry in going).lstrip()
        said = spelled(found).lstrip()
        if "\u2581" in said or "\u0120" in said:
            yield Undecided("the tokens are written in the alphabet of their tokenizer")
        elif not said.startswith(text):
            yield Deviation(f"the tokens of {show(text)}", f"{show(said)} (choice {index})")


@check("chat-stream.reasoning-first", on=lambda x: chat(x) and sound(x))
def reasoning_first(x: Reading) -> Answer:
    """What was thought comes before what is said."""
    spoken, thought, both = set(), set(), set()
    for chunk, entry in choices(x):
        delta, index = _delta(entry), entry["index"]
        if any(_text(delta.get(name)) for name in REASONING):
            thought.add(index)
            if index in spoken:
                yield Deviation(
                    "reasoning before content", "after it", Place(chunk.event, "/choices")
                )
                return
        if _text(delta.get("content")):
            spoken.add(index)
        both = spoken & thought
    if not both:
        yield Undecided("no choice brought reasoning and text")


@check(
    "chat-stream.refusal",
    on=lambda x: chat(x) and any("refusal" in _delta(e) for _, e in choices(x)),
)
def refusal(x: Reading) -> Answer:
    """A refusal is text of its own."""
    for chunk, entry in choices(x):
        delta = _delta(entry)
        said, place = delta.get("refusal"), Place(chunk.event, "/choices")
        if said is not None and not isinstance(said, str):
            yield Deviation("null or a string", show(said), place)
            return
        if said and said == delta.get("content"):
            yield Deviation("a refusal that is not content too", show(said), place)
            return


@check("chat-stream.no-empty-deltas", on=lambda x: chat(x) and sound(x))
def no_empty_deltas(x: Reading) -> Answer:
    """Between two pieces of text there is none without any."""
    brings: dict[int, list[tuple[bool, int]]] = {}
    for chunk, entry in choices(x):
        delta = _delta(entry)
        text = bool(_text(delta.get("content")))
        nothing = not entry.get("logprobs") and not any(delta.values())
        if text or (nothing and entry["finish_reason"] is None):
            brings.setdefault(entry["index"], []).append((text, chunk.event))
    spoken = [found for found in brings.values() if sum(text for text, _ in found) > 1]
    if not spoken:
        yield Undecided(TOO_SHORT)
    for found in spoken:
        texts = [n for n, (text, _) in enumerate(found) if text]
        empty = [event for text, event in found[texts[0] : texts[-1]] if not text]
        if empty:
            observed = f"{len(empty)} deltas that bring nothing"
            yield Deviation("text in every delta", observed, Place(empty[0], "/choices"))
            return


@check("chat-stream.content-is-text", on=lambda x: chat(x) and whole(x) and sound(x))
def content_is_text(x: Reading) -> Answer:
    """An answer without a call or a refusal is a text, be it empty."""
    ended = {e["index"]: c.event for c, e in choices(x) if e["finish_reason"] is not None}
    if not ended:
        yield Undecided("no choice finished")
    for index, event in ended.items():
        own = [entry for _, entry in choices(x) if entry["index"] == index]
        deltas = [_delta(entry) for entry in own]
        says = any(isinstance(d.get(name), str) for d in deltas for name in ("content", "refusal"))
        if not says and not any(True for entry in own for _ in pieces(entry)):
            yield Deviation("content, be it empty", "none", Place(event, "/choices"))
            return
