"""The same request in both forms: what the stream brings is what the plain answer has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from conformance.check import Answer, Deviation, Dialogue, Undecided, relation, show
from conformance.checks.chat_stream.answer import fold
from conformance.checks.chat_stream.chunks import chat
from conformance.checks.sse import whole
from conformance.grammars.chat_stream import in_order, sound, text_of
from conformance.reading import Reading, once

HALF = re.compile("[\ud800-\udfff]")
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
BROKEN = "one of the two answers is broken"
FORM = ("stream", "stream_options")
Json = dict[str, Any]


def _asked(x: Reading) -> Json | None:
    """The request, whatever the form that it wants."""
    sent = x.sent if isinstance(x.sent, dict) else None
    return sent and {name: value for name, value in sent.items() if name not in FORM}


def twins(dialogue: Dialogue) -> bool:
    """A dialogue ends with the same request, plain and then streamed, and both were answered."""
    if len(dialogue) < 2:
        return False
    plain, streamed = dialogue[-2:]
    same = _asked(plain) == _asked(streamed) is not None
    return same and plain.surface == "chat" and plain.answered and chat(streamed)


def _messages(x: Reading) -> Iterator[Json]:
    """The messages of a plain answer."""
    found = x.json.get("choices") if isinstance(x.json, dict) else None
    for entry in found if isinstance(found, list) else ():
        message = entry.get("message") if isinstance(entry, dict) else None
        if isinstance(message, dict):
            yield message


def _texts(dialogue: Dialogue) -> tuple[str, str]:
    """The text of the plain answer, and of the stream."""
    plain, streamed = dialogue[-2:]
    said = [message.get("content") for message in _messages(plain)]
    joined = "".join(text for text in said if isinstance(text, str))
    return joined, "".join(text_of(chunk) for chunk in streamed.chunks)


@relation("chat-stream.whole-characters", on=lambda d: twins(d) and sound(d[-1]))
def whole_characters(dialogue: Dialogue) -> Answer:
    """A character cut between two deltas shows as what stands for no character; one that a limit
    cut at the end does so too.
    """
    plain, text = _texts(dialogue)
    if UNKNOWN not in text.rstrip(UNKNOWN):
        if text.isascii():
            yield Undecided("the model said nothing but ASCII")
    elif UNKNOWN in plain:
        yield Undecided("the model itself says U+FFFD")
    else:
        count = text.count(UNKNOWN)
        yield Deviation("no U+FFFD, as in the plain answer", f"{count} of them: {show(text)}")


@once
def folded(x: Reading) -> list[Json]:
    """The choices of a stream that came whole; none of one that is broken."""
    found = fold(x) if whole(x) and sound(x) and in_order(x) else []
    return found if all(choice["finish_reason"] for choice in found) else []


def _is_part(short: str, long: str) -> bool:
    """Whether one text is the other with some characters left out."""
    rest = iter(long)
    return all(character in rest for character in short)


@relation("chat-stream.same-text", on=twins)
def same_text(dialogue: Dialogue) -> Answer:
    """The texts do not differ as if pieces of one were lost or repeated on the way; two answers
    that a model gives differ in other ways.
    """
    plain, text = (each.rstrip(UNKNOWN).strip() for each in _texts(dialogue))
    alike = len(list(_messages(dialogue[-2]))) == len(folded(dialogue[-1])) > 0
    if not alike or not plain or not text or UNKNOWN in text or HALF.search(plain):
        yield Undecided(BROKEN)
    elif plain != text and (_is_part(plain, text) or _is_part(text, plain)):
        yield Deviation(f"{show(plain)} as in the plain answer", show(text))
    elif plain != text:
        yield Undecided("the model gave two different answers")


def _called(messages: list[Json]) -> Counter[str]:
    """How often each function is called."""
    lists = [message.get("tool_calls") for message in messages]
    calls = [call for each in lists if isinstance(each, list) for call in each]
    functions = [call.get("function") for call in calls if isinstance(call, dict)]
    names = [function.get("name") for function in functions if isinstance(function, dict)]
    return Counter(name for name in names if isinstance(name, str))


@relation("chat-stream.same-calls", on=twins)
def same_calls(dialogue: Dialogue) -> Answer:
    """No call of the plain answer is lost on the way."""
    whole_ = folded(dialogue[-1])
    plain = _called(list(_messages(dialogue[-2])))
    streamed = _called([choice["message"] for choice in whole_])
    if not whole_ or not plain:
        yield Undecided("no tool was called in the plain answer" if whole_ else BROKEN)
    elif streamed < plain:
        lost = sorted((plain - streamed).elements())
        yield Deviation(f"calls of {show(sorted(plain.elements()))}", f"none of {show(lost)}")
