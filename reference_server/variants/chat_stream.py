"""Other ways to stream a chat."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from reference_server.change import DONE
from reference_server.variants.variant import tolerated, variant

ON = "chat-stream"
Json = dict[str, Any]
Chunks = list[Json]


def _choices(chunk: Json, change: Callable[[Json], Json]) -> Json:
    return chunk | {"choices": [change(choice) for choice in chunk["choices"]]}


def _deltas(chunks: Chunks, change: Callable[[Json], Json]) -> Iterator[Json]:
    """Every chunk with its deltas changed."""
    for chunk in chunks:
        yield _choices(chunk, lambda choice: choice | {"delta": change(choice["delta"])})


def _with(chunk: Json, **members: Any) -> Json:
    """A chunk whose choices have other members."""
    return _choices(chunk, lambda choice: choice | members)


def _delta(chunk: Json) -> Json:
    """The delta of the first choice; an empty one if there is no choice."""
    found: Json = chunk["choices"][0]["delta"] if chunk["choices"] else {}
    return found


def _finishes(chunk: Json) -> bool:
    return bool(chunk["choices"]) and bool(chunk["choices"][0]["finish_reason"])


def _calls(chunk: Json) -> bool:
    return bool(_delta(chunk).get("tool_calls"))


def _pieces(chunks: Chunks, change: Callable[[Json], Json]) -> Iterator[Json]:
    """Every chunk with its pieces of tool calls changed."""
    return _deltas(
        chunks,
        lambda d: (
            d | {"tool_calls": [change(p) for p in d["tool_calls"]]} if "tool_calls" in d else d
        ),
    )


def _without(value: Json, *names: str) -> Json:
    return {name: kept for name, kept in value.items() if name not in names}


def _asks_usage(sent: Any) -> bool:
    options = sent.get("stream_options") if isinstance(sent, dict) else None
    return isinstance(options, dict) and options.get("include_usage") is True


# ------------------------------------------------------------------------------ members of chunks


@variant(on=ON, norms={"CST-02", "CST-39"}, rulings={"RUL-01"}, traps={"FA-07"})
def extra_members(chunks: Chunks) -> Iterator[Json]:
    """Adds members of its own everywhere, obfuscation too."""
    more: Json = {"x_note": {"a": [None]}, "obfuscation": "aB3dE"}
    for chunk in _deltas(chunks, lambda delta: delta | {"x_note": None}):
        yield _choices(chunk, lambda choice: choice | more) | more | {"service_tier": "default"}


@variant(on=ON, norms={"CST-17", "CST-36", "CST-38"}, rulings={"RUL-01", "RUL-20"},
         traps={"FA-02", "FA-03", "FA-07"}, hides={"chat-stream.one-fingerprint"})  # fmt: skip
def nulls(chunks: Chunks) -> Iterator[Json]:
    """Writes null for everything that a chunk does not bring."""
    names = ("content", "refusal", "tool_calls", "function_call", "reasoning_content", "audio")
    for chunk in _deltas(chunks, lambda delta: dict.fromkeys(names) | delta):
        yield chunk | {"system_fingerprint": None, "service_tier": None}


@variant(on=ON, norms={"CST-11"}, rulings={"RUL-20"})
def null_roles(chunks: Chunks) -> Iterator[Json]:
    """Writes `role: null` after the first delta."""
    return _deltas(chunks, lambda delta: {"role": None} | delta)


@variant(on=ON, norms={"CST-38"})
def empty_tool_calls(chunks: Chunks) -> Iterator[Json]:
    """Writes an empty array of tool calls where there are none."""
    return _deltas(chunks, lambda delta: {"tool_calls": []} | delta)


@variant(on=ON, norms={"CRS-24", "CST-13"}, traps={"FA-03"}, hides={"chat-stream.one-fingerprint"})
def bare(chunks: Chunks) -> Iterator[Json]:
    """Leaves out every member that it may leave out."""
    for chunk in chunks:
        yield _without(
            _choices(chunk, lambda c: c if c.get("logprobs") else _without(c, "logprobs")),
            "system_fingerprint",
        )


@variant(on=ON, norms={"CST-27"}, rulings={"RUL-25"}, traps={"FA-07"})
def null_usage(chunks: Chunks) -> Iterator[Json]:
    """Writes `usage: null` in every chunk but the one that brings it."""
    yield from ({"usage": None} | chunk for chunk in chunks)


@variant(on=ON, norms={"CST-06", "CRS-04"})
def plain_ids(chunks: Chunks) -> Iterator[Json]:
    """Makes ids in a style of its own."""
    yield from (chunk | {"id": f"{chunk['id'][9:]} / 7"} for chunk in chunks)


@variant(on=ON, norms={"CST-08", "CRS-07"})
def full_name(chunks: Chunks) -> Iterator[Json]:
    """Names the snapshot of the model that answers."""
    yield from (chunk | {"model": f"{chunk['model']}-2026-01-31"} for chunk in chunks)


# ------------------------------------------------------------------------------ text and reasoning


@variant(on=ON, norms={"CST-10", "CST-17"}, rulings={"RUL-20"})
def role_alone(chunks: Chunks) -> Iterator[Json]:
    """Opens a choice with its role and no content, if text follows."""
    if not any(_delta(chunk).get("content") for chunk in chunks):
        return iter(chunks)
    return _deltas(chunks, lambda d: _without(d, "content") if d.get("role") else d)


@variant(on=ON, norms={"CST-10", "CST-37"})
def role_with_text(chunks: Chunks) -> Iterator[Json]:
    """Opens a choice with its role and the first text at once."""
    if not _delta(chunks[1]).get("content"):
        yield from chunks
        return
    yield _with(chunks[1], delta={"role": "assistant"} | _delta(chunks[1]))
    yield from chunks[2:]


@variant(on=ON, norms={"CST-35", "CRS-26"}, rulings={"RUL-50"})
def reasons(chunks: Chunks) -> Iterator[Json]:
    """Streams its reasoning in `reasoning`, beside empty content, before the text."""
    yield chunks[0]
    yield _with(chunks[0], delta={"content": "", "reasoning": "Hm"})
    yield _with(chunks[0], delta={"content": "", "reasoning": "."})
    yield from chunks[1:]


@variant(on=ON, norms={"CST-35", "CRS-26"}, rulings={"RUL-50"})
def reasons_elsewhere(chunks: Chunks) -> Iterator[Json]:
    """Streams its reasoning in `reasoning_content`, beside null content, and as details."""
    details = [{"type": "reasoning.text", "text": "Hm."}]
    thought = {"content": None, "reasoning_content": "Hm.", "reasoning_details": details}
    yield chunks[0]
    yield _with(chunks[0], delta=thought)
    yield from chunks[1:]


@variant(on=ON, norms={"CST-12"}, rulings={"RUL-19"}, hides={"semantics.same-finish",
         "semantics.json-mode", "semantics.json-object", "semantics.schema",
         "semantics.schema-order", "chat-stream.stop-brings-something"})  # fmt: skip
def filters(chunks: Chunks) -> Iterator[Json]:
    """Finishes with `content_filter`."""
    for chunk in chunks:
        cut = _finishes(chunk) and chunk["choices"][0]["finish_reason"] != "tool_calls"
        yield _with(chunk, finish_reason="content_filter") if cut else chunk


@variant(on=ON, norms={"CST-16"}, warns={"chat-stream.empty-last-delta"})
def finishes_with_text(chunks: Chunks) -> Iterator[Json]:
    """Finishes with the last text."""
    for before, chunk, after in zip([None, *chunks], chunks, [*chunks[1:], None], strict=False):
        if after is not None and _delta(chunk).get("content") and _finishes(after):
            continue
        spoke = before is not None and _delta(before).get("content") and _finishes(chunk)
        yield _with(chunk, delta=_delta(before)) if before and spoke else chunk


@variant(on=ON, norms={"CST-16"})
def finishes_with_nothing(chunks: Chunks) -> Iterator[Json]:
    """Finishes with a delta whose content is the empty string."""
    for chunk in chunks:
        yield _with(chunk, delta={"content": ""}) if _finishes(chunk) else chunk


# ------------------------------------------------------------------------------ usage and frames


@variant(on=ON, norms={"CST-28"}, warns={"chat-stream.no-usage-unasked"})
def opens_with_metadata(chunks: Chunks) -> Iterator[Json]:
    """Opens the stream with a chunk that has no choices."""
    yield chunks[0] | {"choices": [], "prompt_filter_results": []}
    yield from chunks


@variant(on=ON, norms={"CST-28"}, warns={"chat-stream.no-usage-unasked"})
def usage_for_all(sent: Any, chunks: Chunks) -> Iterator[Json]:
    """Sends usage to those who did not ask for it too."""
    yield from chunks
    if not _asks_usage(sent):
        counts = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        yield chunks[-1] | {"choices": [], "usage": counts}


@variant(on=ON, norms={"CST-31"})
def plain_event_names(blocks: list[bytes]) -> Iterator[bytes]:
    """Names its events `message`, which is what they are without a name."""
    for block in blocks:
        yield block if block == DONE else b"event: message\n" + block


# ------------------------------------------------------------------------------ tool calls


@variant(on=ON, norms={"CST-21", "CST-38"}, rulings={"RUL-23"})
def null_pieces(chunks: Chunks) -> Iterator[Json]:
    """Writes null for what a piece of a tool call does not bring."""

    def changed(piece: Json) -> Json:
        function = {"name": None, "arguments": None} | piece.get("function", {})
        return {"id": None, "type": None} | piece | {"function": function}

    return _pieces(chunks, changed)


@variant(on=ON, norms={"CST-21"}, rulings={"RUL-23"})
def opens_without_arguments(chunks: Chunks) -> Iterator[Json]:
    """Opens a tool call without a member for its arguments."""

    def changed(piece: Json) -> Json:
        opens = bool(piece.get("id"))
        return piece | {"function": _without(piece["function"], "arguments")} if opens else piece

    return _pieces(chunks, changed)


@variant(on=ON, norms={"CST-21"}, rulings={"RUL-23"})
def always_says_the_type(chunks: Chunks) -> Iterator[Json]:
    """Says in every piece of a tool call that it is a function."""
    return _pieces(chunks, lambda piece: {"type": "function"} | piece)


@variant(on=ON, norms={"CST-18", "CST-21"}, rulings={"RUL-23"})
def whole_calls(chunks: Chunks) -> Iterator[Json]:
    """Sends each tool call in one piece, as Ollama does."""
    texts: dict[int, str] = {}
    for piece in (piece for chunk in chunks for piece in _delta(chunk).get("tool_calls", ())):
        text = piece["function"].get("arguments", "")
        texts[piece["index"]] = texts.get(piece["index"], "") + text
    for chunk in chunks:
        first = _delta(chunk)["tool_calls"][0] if _calls(chunk) else {}
        if first.get("id"):
            function = first["function"] | {"arguments": texts[first["index"]]}
            yield _with(chunk, delta={"tool_calls": [first | {"function": function}]})
        elif not first:
            yield chunk


@variant(on=ON, norms={"CST-23", "CST-24", "CRS-13"})
def cuts_calls(chunks: Chunks) -> Iterator[Json]:
    """Cuts some tool calls by the limit of tokens: their arguments are no JSON then."""
    pieces = [chunk for chunk in chunks if _calls(chunk)]
    if len(pieces) < 2 or len(chunks) % 2:
        yield from chunks
        return
    for chunk in chunks:
        if chunk is not pieces[-1]:
            yield _with(chunk, finish_reason="length") if _finishes(chunk) else chunk


@variant(on=ON, norms={"CST-16", "CST-24"})
def speaks_and_calls(chunks: Chunks) -> Iterator[Json]:
    """Says something before it calls a tool."""
    said = False
    for chunk in chunks:
        if _calls(chunk) and not said:
            said = True
            yield _with(chunk, delta={"content": "Let me look."})
        yield chunk


# ------------------------------------------------------------------------------ several choices


@variant(on=ON, norms={"CST-30"}, rulings={"RUL-17"})
def interleaves(chunks: Chunks) -> Iterator[Json]:
    """Sends the pieces of several choices in any order, once every choice is open."""
    indexes = sorted({choice["index"] for chunk in chunks for choice in chunk["choices"]})
    opened = chunks[: len(indexes)]
    yield from opened
    rest = chunks[len(opened) :]
    for index in reversed(indexes):
        yield from (c for c in rest if c["choices"] and c["choices"][0]["index"] == index)
    yield from (chunk for chunk in rest if not chunk["choices"])


@variant(on=ON, norms={"CST-30"}, rulings={"RUL-17"})
def opens_at_once(chunks: Chunks) -> Iterator[Json]:
    """Opens several choices in one chunk."""
    count = len({choice["index"] for chunk in chunks for choice in chunk["choices"]})
    first = [choice for chunk in chunks[:count] for choice in chunk["choices"]]
    yield chunks[0] | {"choices": first}
    yield from chunks[count:]


tolerated("chat-stream.forgets-done", norms={"CST-03"}, rulings={"RUL-22"}, profiles="seed")
tolerated("chat-stream.says-done-twice", norms={"CST-03"}, rulings={"RUL-22"}, profiles="seed")
tolerated("chat-stream.reads-the-clock-again", norms={"CST-07"}, profiles="seed ollama")
tolerated("chat-stream.repeats-the-role", norms={"CST-11"}, profiles="seed ollama")
tolerated("chat-stream.never-says-the-role", norms={"CST-10"}, profiles="seed")
tolerated("chat-stream.ends-in-silence", norms={"CST-25", "ERR-14"}, rulings={"RUL-42"},
          profiles="seed ollama")  # fmt: skip
tolerated("chat-stream.ignores-include-usage", norms={"CST-26"}, profiles="seed")
tolerated("chat-stream.names-its-events", norms={"CST-31"})
tolerated("chat-stream.forgets-tool-indexes", norms={"CST-18"}, rulings={"RUL-23"}, profiles="seed")
tolerated("chat-stream.forgets-created", norms={"CST-04"}, profiles="seed")
tolerated("chat-stream.draws-three-digits", norms={"CRS-05"}, rulings={"RUL-21"})
tolerated("chat-stream.holds-the-stream-back", norms={"HTTP-22"})
tolerated("chat-stream.counts-as-it-goes", norms={"CST-27"}, rulings={"RUL-25"},
          profiles="seed ollama")  # fmt: skip
tolerated("chat-stream.counts-nothing-yet", norms={"CST-27"}, rulings={"RUL-25"})
tolerated("chat-stream.sends-empty-pieces", norms={"CST-37"})
tolerated("chat-stream.leaves-out-the-probability", norms={"CST-34"}, profiles="seed ollama")
tolerated("chat-stream.scores-the-first-token", norms={"CST-34"})
tolerated("chat-stream.never-finishes", norms={"CST-14"}, profiles="seed")
tolerated("chat-stream.finishes-twice", norms={"CST-15"})
