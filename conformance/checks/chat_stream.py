"""The stream of chat completion chunks: members that stay, order, usage, time."""

from __future__ import annotations

from typing import Any

from conformance.check import Answer, Deviation, Place, Undecided, check, show
from conformance.checks.sse import whole
from conformance.grammars.chat_stream import choices, pieces, sound, text_of
from conformance.reading import END_MARK, Chunk, NotJson, Reading, is_streamed, strict_json

TOO_SHORT = "the streams were too short to tell"
ENOUGH_TEXT = 12  # chunks with text from which on the arrival of the first one means something


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


def _constant(x: Reading, member: str, kind: type) -> Answer:
    """One value of a member over all chunks; missing and mistyped ones have rules of their own."""
    found = [(c.event, c.value[member]) for c in x.chunks if _typed(c.value.get(member), kind)]
    if len(found) < 2:
        yield Undecided(f"fewer than two chunks carry {member}")
        return
    for event, value in found:
        if value != found[0][1]:
            place = Place(event, f"/{member}")
            yield Deviation(f"{show(found[0][1])} as before", show(value), place)
            return


def _typed(value: object, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool) and value != ""


@check("chat-stream.one-id", on=chat)
def one_id(x: Reading) -> Answer:
    """One stream carries one id."""
    yield from _constant(x, "id", str)


@check("chat-stream.one-created", on=chat)
def one_created(x: Reading) -> Answer:
    """One stream carries one time."""
    yield from _constant(x, "created", int)


@check("chat-stream.one-model", on=chat)
def one_model(x: Reading) -> Answer:
    """One stream carries one model."""
    yield from _constant(x, "model", str)


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


def asks_usage(x: Reading) -> bool:
    """The request asks for usage."""
    options = x.sent.get("stream_options") if isinstance(x.sent, dict) else None
    return isinstance(options, dict) and options.get("include_usage") is True


def _is_usage(chunk: Chunk) -> bool:
    return chunk.value.get("choices") == [] and isinstance(chunk.value.get("usage"), dict)


@check("chat-stream.usage-when-asked", on=lambda x: chat(x) and whole(x) and asks_usage(x))
def usage_when_asked(x: Reading) -> Answer:
    """Usage that was asked for comes, in a chunk without choices."""
    if not sound(x) or END_MARK not in x.payloads or not any(choices(x)):
        yield Undecided("the stream itself is broken")
    elif not any(_is_usage(chunk) for chunk in x.chunks):
        yield Deviation("a chunk with empty choices and usage", "none before [DONE]")


@check(
    "chat-stream.usage-adds-up", on=lambda x: chat(x) and sound(x) and any(map(_is_usage, x.chunks))
)
def usage_adds_up(x: Reading) -> Answer:
    """The total is the sum of its parts."""
    for chunk in filter(_is_usage, x.chunks):
        usage = chunk.value["usage"]
        if usage["total_tokens"] != usage["prompt_tokens"] + usage["completion_tokens"]:
            yield Deviation(
                "the sum of both", show(usage), Place(chunk.event, "/usage/total_tokens")
            )


@check("chat-stream.no-usage-unasked", on=lambda x: chat(x) and not asks_usage(x))
def no_usage_unasked(x: Reading) -> Answer:
    """Usage that nobody asked for does not come."""
    if not x.chunks:
        yield Undecided("the stream has no chunk")
    for chunk in x.chunks:
        if isinstance(chunk.value.get("usage"), dict):
            place = Place(chunk.event, "/usage")
            yield Deviation("no usage", show(chunk.value["usage"]), place)
            return
        if chunk.value.get("choices") == []:
            yield Deviation(
                "a choice in every chunk", "choices: []", Place(chunk.event, "/choices")
            )
            return


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
    """The first text arrives before four fifths of the time have passed.

    By proportions, never seconds; only a stream of many chunks, sent alone, can tell.
    """
    times = [x.events[chunk.event].at for chunk in x.chunks if text_of(chunk)]
    started, ended = x.exchange.started, x.exchange.ended
    if len(times) < ENOUGH_TEXT or x.brief or x.exchange.neighbours:
        yield Undecided(TOO_SHORT)
        return
    first = (times[0] - started) / (ended - started) if ended > started else 0.0
    if first > 0.8:
        observed = f"the first of {len(times)} pieces of text after {first:.0%} of the time"
        yield Deviation("the first text within 80% of the time", observed)


def _calls(x: Reading) -> dict[tuple[int, int], str]:
    """The arguments of each tool call, put together, by choice and index."""
    found: dict[tuple[int, int], str] = {}
    for _, entry in choices(x):
        for piece in pieces(entry):
            arguments = (piece.get("function") or {}).get("arguments") or ""
            key = (entry["index"], piece["index"])
            found[key] = found.get(key, "") + arguments
    return found


def _reasons(x: Reading) -> dict[int, tuple[str, int]]:
    """The reason with which each choice finished, and the event that said so."""
    pairs = ((entry, chunk.event) for chunk, entry in choices(x))
    return {e["index"]: (e["finish_reason"], event) for e, event in pairs if e["finish_reason"]}


@check("chat-stream.tool-arguments-json", on=lambda x: chat(x) and whole(x) and bool(_tools(x)))
def tool_arguments_json(x: Reading) -> Answer:
    """The arguments of a finished call are JSON."""
    calls, reasons = (_calls(x), _reasons(x)) if sound(x) else ({}, {})
    done = {
        key: text for key, text in calls.items() if reasons.get(key[0], ("",))[0] == "tool_calls"
    }
    if not done:
        yield Undecided("no tool call was finished")
    for (choice, index), text in done.items():
        if isinstance(strict_json(text), NotJson):
            where = f"choice {choice}, tool call {index}"
            yield Deviation("JSON", f"{show(text)} ({where})", Place(reasons[choice][1]))


def _tools(x: Reading) -> Any:
    return x.sent.get("tools") if isinstance(x.sent, dict) else None


@check("chat-stream.tool-finish", on=lambda x: chat(x) and whole(x) and bool(_tools(x)))
def tool_finish(x: Reading) -> Answer:
    """A choice with tool calls finishes with `tool_calls`, one without does not."""
    calls, reasons = (_calls(x), _reasons(x)) if sound(x) else ({}, {})
    called = {choice for choice, _ in calls}
    judged = {c: r for c, r in reasons.items() if c in called or r[0] == "tool_calls"}
    if not judged:
        yield Undecided("the model never called a tool")
    for choice, (reason, event) in judged.items():
        if choice in called and reason not in ("tool_calls", "length", "content_filter"):
            yield Deviation("tool_calls", show(reason), Place(event, "/choices"))
        if choice not in called:
            yield Deviation("a tool call before tool_calls", "none", Place(event, "/choices"))
