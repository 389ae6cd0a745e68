"""The stream of completions: most rules are those of the chat stream, by the same functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from conformance.check import Answer, Deviation, Place, Undecided, check, show
from conformance.checks.chat_stream import chunks, text, usage
from conformance.checks.sse import whole
from conformance.grammars.chat_stream import sound
from conformance.grammars.completions_stream import in_order, text_of
from conformance.odd import OPTIONAL
from conformance.reading import Reading, is_error, is_streamed

SURFACE = "completions-stream"
Judge = Callable[[Reading], Answer]


def streamed(x: Reading) -> bool:
    """A completions stream that came."""
    return x.surface == SURFACE and is_streamed(x)


def _asked(x: Reading) -> bool:
    return streamed(x) and usage.asks_usage(x)


ALWAYS: Mapping[str, Judge] = {
    "json-events": chunks.json_events,
    "one-id": chunks.one_id,
    "one-created": chunks.one_created,
    "one-model": chunks.one_model,
    "no-error-member": chunks.no_error_member,
    "no-event-names": chunks.no_event_names,
}
for _name, _judge in ALWAYS.items():
    check(f"{SURFACE}.{_name}", on=streamed)(_judge)

check(f"{SURFACE}.usage-when-asked", on=lambda x: _asked(x) and whole(x))(usage.usage_when_asked)
check(f"{SURFACE}.no-usage-unasked", on=lambda x: streamed(x) and usage.asks_no_usage(x))(
    usage.no_usage_unasked
)
check(f"{SURFACE}.usage-once", on=lambda x: _asked(x) and sound(x))(usage.usage_once)
check(f"{SURFACE}.no-zero-usage", on=lambda x: _asked(x) and sound(x))(usage.no_zero_usage)


@check(f"{SURFACE}.incremental", on=lambda x: streamed(x) and whole(x))
def incremental(x: Reading) -> Answer:
    """The first text arrives before four fifths of the time have passed."""
    yield from text.arrives_early(x, [c.event for c in x.chunks if text_of(c)])


def _done(x: Reading) -> bool:
    """A valid request, with options or without, was answered by a stream that came to its end."""
    return streamed(x) and x.standing.valid and x.odd <= OPTIONAL and x.complete


@check(f"{SURFACE}.no-failure", on=_done)
def no_failure(x: Reading) -> Answer:
    """What was accepted is done; how a failure is told has rules of its own."""
    if not in_order(x):
        yield Undecided("the stream itself is broken")
        return
    for n, payload in enumerate(x.payloads):
        if isinstance(payload, dict) and is_error(payload):
            yield Deviation("no error", show(payload), Place(n))
            return
