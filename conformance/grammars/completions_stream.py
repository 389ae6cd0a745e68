"""The grammar of a completions stream: of its events as for chat, and of each choice."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.grammar import Grammar, Machine, Sentence
from conformance.grammars.chat_stream import STREAM, choices, events, sentence, sound
from conformance.reading import Chunk, Reading, once

# An entry of `choices` is labelled by whether it has a reason to finish; text may stand in both.
CHOICE = Grammar(
    "choice",
    {
        "absent": {"text": "open", "finish": "closed"},
        "open": {"text": "open", "finish": "closed", "end": "ended"},
        "closed": {"end": "ended"},
        "ended": {},
    },
)


def text_of(chunk: Chunk) -> str:
    """The text that a chunk brings to any choice."""
    entries = chunk.value.get("choices")
    found = entries if isinstance(entries, list) else []
    texts = [entry.get("text") for entry in found if isinstance(entry, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def each_choice(x: Reading) -> Iterator[Sentence]:
    """One sentence for each index of `choices`."""
    found: dict[int, list[tuple[str, int | None]]] = {}
    for chunk, entry in choices(x) if sound(x) else ():
        label = "text" if entry.get("finish_reason") is None else "finish"
        found.setdefault(entry["index"], []).append((label, chunk.event))
    for index, labels in found.items():
        yield sentence(f"choice {index}", labels)


MACHINES = (Machine(STREAM, events), Machine(CHOICE, each_choice))


@once
def in_order(x: Reading) -> bool:
    """Whether every machine takes what there is for it."""
    sentences = ((machine.grammar, s) for machine in MACHINES for s in machine.sentences(x))
    return all(grammar.run(each.labels)[1] is None for grammar, each in sentences)
