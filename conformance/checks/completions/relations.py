"""Several answers of one dialogue: the same request in both forms, with a stop, with company."""

from __future__ import annotations

import json
from collections.abc import Iterator

from conformance.check import Answer, Deviation, Dialogue, Place, Undecided, relation, show
from conformance.checks.completions.whole import (
    STREAMED,
    UNREADABLE,
    completed,
    entries,
    member,
    prompts,
    text,
    usage,
)
from conformance.reading import Reading

UNSTEADY = "the same request twice gave different texts"
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
FORM = ("stream", "stream_options")


def _rest(x: Reading, *without: str) -> str:
    """The request without some members, to be compared."""
    sent = x.sent if isinstance(x.sent, dict) else {}
    return json.dumps({k: v for k, v in sent.items() if k not in without}, sort_keys=True)


def _plain(dialogue: Dialogue) -> list[Reading]:
    return [x for x in dialogue if completed(x) and x.surface != STREAMED]


def _steady(dialogue: Dialogue) -> str | None:
    """The text that a request without stop and suffix gave every time, of two times at least."""
    plain = [x for x in _plain(dialogue) if not {"stop", "suffix"} & x.sent.keys()]
    groups: dict[str, list[str | None]] = {}
    for x in plain:
        groups.setdefault(_rest(x), []).append(text(x))
    for found in groups.values():
        if len(found) > 1:
            return found[0] if found[0] is not None and len(set(found)) == 1 else None
    return None


def _twins(dialogue: Dialogue) -> Iterator[tuple[Reading, Reading]]:
    """Plain answers, each with the stream of the same request."""
    for x in _plain(dialogue):
        for y in dialogue:
            if completed(y) and y.surface == STREAMED and _rest(x, *FORM) == _rest(y, *FORM):
                yield x, y
                break


def _is_part(short: str, long: str) -> bool:
    """Whether one text is the other with some characters left out."""
    rest = iter(long)
    return all(character in rest for character in short)


def lost(a: str, b: str) -> bool:
    """Whether two texts differ as if pieces of one were lost, repeated or broken on the way, and
    not as two answers differ.
    """
    a, b = (each.replace(UNKNOWN, "").strip() for each in (a, b))
    return a != b and (_is_part(a, b) or _is_part(b, a))


@relation("completions.same-as-stream", on=lambda d: any(_twins(d)))
def same_text(dialogue: Dialogue) -> Answer:
    """A stream brings the text of the plain answer, where the model gives the same one twice."""
    pairs = [(y, text(x), text(y)) for x, y in _twins(dialogue)]
    readable = [(y, a, b) for y, a, b in pairs if a is not None and b is not None]
    if not readable:
        yield Undecided(UNREADABLE)
    elif _steady(dialogue) is None:
        yield Undecided(UNSTEADY)
    for y, a, b in readable if _steady(dialogue) is not None else ():
        if lost(a, b):
            yield Deviation(
                f"{show(a)} as in the plain answer", show(b), exchange=y.exchange.number
            )
            return


def _stopped(dialogue: Dialogue) -> Iterator[tuple[Reading, str, str]]:
    """Answers to a request with one stop string, and the steady text without it that has the string
    in it.
    """
    whole = _steady(dialogue)
    for x in filter(completed, dialogue) if whole is not None else ():
        stop = member(x, "stop")
        if isinstance(stop, str) and stop and whole and whole.find(stop) > 0:
            yield x, stop, whole


def _stops(dialogue: Dialogue) -> bool:
    return _steady(dialogue) is not None and any(member(x, "stop") for x in dialogue)


@relation("completions.stop-absent", on=_stops)
def stop_absent(dialogue: Dialogue) -> Answer:
    """A string that stops the text is not in it."""
    found = [(x, stop, text(x)) for x, stop, _ in _stopped(dialogue)]
    if not found or None in [each for _, _, each in found]:
        yield Undecided("no text had the stop string in it")
    for x, stop, each in found:
        if each is not None and stop in each:
            observed = f"{show(stop)} in {show(each)}"
            place = Place(pointer="/choices/0/text")
            yield Deviation("text without the stop string", observed, place, x.exchange.number)


@relation("completions.stop-finish", on=_stops)
def stop_finish(dialogue: Dialogue) -> Answer:
    """A text that a stop string ended has stopped, and was not cut."""
    ended = [x for x, stop, whole in _stopped(dialogue)
             if (text(x) or "").rstrip() == whole[: whole.find(stop)].rstrip()]  # fmt: skip
    if not ended:
        yield Undecided("no stop string ended a text")
    for x in ended:
        reason = (entries(x) or [{}])[0].get("finish_reason")
        if reason != "stop":
            place = Place(pointer="/choices/0/finish_reason")
            yield Deviation("stop", show(reason), place, x.exchange.number)


def _suffixed(dialogue: Dialogue) -> list[tuple[Reading, Reading]]:
    """Plain answers to a request with a suffix, each with one to the same request without."""
    return [
        (x, y)
        for x in _plain(dialogue)
        if isinstance(member(x, "suffix"), str) and member(x, "suffix")
        for y in _plain(dialogue)
        if _rest(x, "suffix") == _rest(y)
    ][:1]


@relation("completions.suffix-honoured", on=lambda d: bool(_suffixed(d)))
def suffix_honoured(dialogue: Dialogue) -> Answer:
    """What is to follow is read: it makes the prompt longer, or the text another one."""
    for x, y in _suffixed(dialogue):
        ours, theirs = usage(x), usage(y)
        if not ours or not theirs or not theirs["prompt_tokens"] or text(x) is None:
            yield Undecided("no tokens of the prompt were counted")
        elif ours["prompt_tokens"] == theirs["prompt_tokens"] and text(x) == text(y):
            yield Deviation(
                "a suffix that makes a difference",
                f"{show(text(x))} and {ours['prompt_tokens']} prompt tokens, as without it",
                exchange=x.exchange.number,
            )


def _listed(dialogue: Dialogue) -> Iterator[tuple[Reading, list[str], list[str]]]:
    """Answers to lists of prompts, with their texts and those of the same prompts alone."""
    for x in _plain(dialogue):
        if not isinstance(member(x, "prompt"), list):
            continue
        alone = {_rest(y): text(y) for y in _plain(dialogue)}
        wanted = [json.dumps(x.sent | {"prompt": each}, sort_keys=True) for each in prompts(x)]
        theirs = [alone.get(key) for key in wanted]
        ours = {entry["index"]: entry["text"] for entry in entries(x) or ()}
        if len(ours) == len(wanted) > 1 and ours.keys() == set(range(len(wanted))):
            texts = [each for each in theirs if each is not None]
            if len(texts) == len(wanted):
                yield x, [ours[n] for n in range(len(ours))], texts


@relation("completions.prompts-in-order", on=lambda d: any(_listed(d)))
def prompts_in_order(dialogue: Dialogue) -> Answer:
    """Choice i completes prompt i: no choice has the text of another prompt in place of its own."""
    for x, ours, theirs in _listed(dialogue):
        if len(set(theirs)) < len(theirs) or not set(ours) & set(theirs):
            yield Undecided("the texts of the prompts cannot be told apart")
            continue
        for at, (found, wanted) in enumerate(zip(ours, theirs, strict=True)):
            if found != wanted and found in theirs:
                place = Place(pointer=f"/choices/{at}/text")
                yield Deviation(show(wanted), show(found), place, x.exchange.number)
                return
