"""The grammar of a chat stream: of its events, of each choice, of each tool call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.contract.schemas import SchemaError
from conformance.grammar import Grammar, Machine, Sentence
from conformance.reading import END_MARK, Chunk, NotJson, Reading, is_error, is_streamed, once

# An event is labelled by what it brings: `chunk` leaves a choice open, `last` leaves none open,
# `bare` has neither choices nor usage.
STREAM = Grammar(
    "stream",
    {
        "start": {"chunk": "open", "last": "finished", "bare": "start", "error": "failed"},
        "open": {"chunk": "open", "last": "finished", "bare": "open", "error": "failed"},
        "finished": {
            "chunk": "open",
            "last": "finished",
            "bare": "finished",
            "usage": "usage",
            "error": "failed",
            "done": "done",
        },
        "usage": {"done": "done", "error": "failed"},
        "failed": {"done": "done", "end": "ended"},
        "done": {"end": "ended"},
        "ended": {},
    },
)

# An entry of `choices` is labelled by whether it has a role and a reason to finish; one that only
# gives the reason again is a `repeat`.
CHOICE = Grammar(
    "choice",
    {
        "absent": {"role": "open", "role-finish": "closed"},
        "open": {"delta": "open", "finish": "closed", "end": "ended"},
        "closed": {"end": "ended"},
        "ended": {},
    },
    beyond=frozenset({"repeat"}),
)

# A piece of a tool call `opens` it (id and name), opens it `again`, brings an `other` call on the
# same index, or is a mere `fragment`.
TOOL = Grammar(
    "tool",
    {
        "absent": {"opens": "open"},
        "open": {"fragment": "open", "end": "ended"},
        "ended": {},
    },
    beyond=frozenset({"again", "other"}),
)


@once
def choices(x: Reading) -> tuple[tuple[Chunk, dict[str, Any]], ...]:
    """Every entry of `choices` that is an object, in order; no reason to finish is None."""
    return tuple(
        (chunk, entry | {"finish_reason": entry.get("finish_reason") or None})
        for chunk in x.chunks
        if isinstance(entries := chunk.value.get("choices"), list)
        for entry in entries
        if isinstance(entry, dict)
    )


def pieces(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The pieces of tool calls in an entry of `choices`."""
    delta = entry.get("delta")
    calls = delta.get("tool_calls") if isinstance(delta, dict) else None
    for piece in calls if isinstance(calls, list) else ():
        if isinstance(piece, dict):
            yield piece


def text_of(chunk: Chunk) -> str:
    """The text that a chunk brings to any choice."""
    entries = chunk.value.get("choices")
    found = entries if isinstance(entries, list) else []
    deltas = [entry.get("delta") for entry in found if isinstance(entry, dict)]
    texts = [d.get("content") for d in deltas if isinstance(d, dict)]
    return "".join(text for text in texts if isinstance(text, str))


@once
def sound(x: Reading) -> bool:
    """Whether the stream can be labelled: bytes, events and choices are what they must be."""
    stream = x.stream
    blank = x.exchange.reply is None or not x.exchange.reply.body.strip()
    left = stream.tail.strip() and not x.done_open
    if not is_streamed(x) or left or stream.invalid_utf8:
        return False
    if not x.events and not blank:
        return False
    if any(isinstance(payload, NotJson) for payload in x.payloads):
        return False
    if any(not isinstance(p, dict) and p is not END_MARK for p in x.payloads):
        return False
    return not any(_hides(error) for _, error in x.errors)


def _hides(error: SchemaError) -> bool:
    """Whether nothing can be told of a stream with this error. A reason to finish that is missing
    or unknown hides nothing: many servers leave it out until the end.
    """
    if error.rule.endswith(("/required/finish_reason", "/finish_reason/enum")):
        return False
    return error.place.startswith(("/choices", "/usage")) or error.rule.endswith(
        "/required/choices"
    )


def events(x: Reading) -> Iterator[Sentence]:
    """The sentence of the whole stream; one cut by a limit has no end."""
    if not sound(x):
        return
    labels = list(_labels(x))
    if x.complete:
        labels.append(("end", None))
    yield Sentence("", tuple(label for label, _ in labels), tuple(event for _, event in labels))


def _labels(x: Reading) -> Iterator[tuple[str, int | None]]:
    unfinished: set[Any] = set()
    finished: set[Any] = set()
    for n, payload in enumerate(x.payloads):
        if payload is END_MARK:
            yield "done", n
        elif is_error(payload):
            yield "error", n
        elif payload.get("choices"):
            for entry in payload["choices"]:
                ends = bool(entry.get("finish_reason"))
                (finished if ends else unfinished).add(entry["index"])
            yield "chunk" if unfinished - finished else "last", n
        else:
            yield "usage" if isinstance(payload.get("usage"), dict) else "bare", n
    if x.done_open:
        yield "done", None


def each_choice(x: Reading) -> Iterator[Sentence]:
    """One sentence for each index of `choices`."""
    found: dict[int, list[tuple[str, int | None]]] = {}
    reasons: dict[int, str] = {}
    for chunk, entry in choices(x) if sound(x) else ():
        index, reason = entry["index"], entry["finish_reason"]
        role, finish = entry["delta"].get("role") is not None, reason is not None
        named = {(True, True): "role-finish", (True, False): "role", (False, True): "finish"}
        label = named.get((role, finish), "delta")
        if finish and not any(entry["delta"].values()) and reasons.get(index) == reason:
            label = "repeat"
        elif finish:
            reasons[index] = reason
        found.setdefault(index, []).append((label, chunk.event))
    for index, labels in found.items():
        yield sentence(f"choice {index}", labels)


def each_tool_call(x: Reading) -> Iterator[Sentence]:
    """One sentence for each index of `tool_calls` in each choice."""
    found: dict[tuple[int, int], list[tuple[str, int | None]]] = {}
    opened: dict[tuple[int, int], str] = {}
    for chunk, entry in choices(x) if sound(x) else ():
        for piece in pieces(entry):
            key = (entry["index"], piece["index"])
            found.setdefault(key, []).append((_label(piece, opened, key), chunk.event))
    for (choice, index), labels in found.items():
        yield sentence(f"choice {choice}, tool call {index}", labels)


def _label(piece: dict[str, Any], opened: dict[tuple[int, int], str], key: tuple[int, int]) -> str:
    function = piece.get("function") or {}
    id_, name = piece.get("id"), function.get("name")
    if key not in opened:
        if id_ and name:
            opened[key] = id_
        return "opens" if id_ and name else "fragment"
    if id_ and id_ != opened[key]:
        return "other"
    return "again" if id_ or name else "fragment"


def sentence(key: str, labels: list[tuple[str, int | None]]) -> Sentence:
    """The labels of one key, which end where the stream ends."""
    return Sentence(
        key, (*(label for label, _ in labels), "end"), (*(event for _, event in labels), None)
    )


MACHINES = (
    Machine(STREAM, events),
    Machine(CHOICE, each_choice),
    Machine(TOOL, each_tool_call),
)


@once
def in_order(x: Reading) -> bool:
    """Whether every machine takes what there is for it."""
    sentences = ((machine.grammar, s) for machine in MACHINES for s in machine.sentences(x))
    return all(grammar.run(sentence.labels)[1] is None for grammar, sentence in sentences)
