"""Usage: when it comes, once, and that it adds up."""

from __future__ import annotations

from typing import Any

from conformance.check import Answer, Deviation, Place, Undecided, check, show
from conformance.checks.chat_stream.chunks import chat
from conformance.checks.sse import whole
from conformance.grammars.chat_stream import choices, sound
from conformance.reading import Chunk, Reading, is_error


def asks_usage(x: Reading) -> bool:
    """The request asks for usage."""
    options = x.sent.get("stream_options") if isinstance(x.sent, dict) else None
    return isinstance(options, dict) and options.get("include_usage") is True


def _is_usage(chunk: Chunk) -> bool:
    return chunk.value.get("choices") == [] and isinstance(chunk.value.get("usage"), dict)


@check("chat-stream.usage-when-asked", on=lambda x: chat(x) and whole(x) and asks_usage(x))
def usage_when_asked(x: Reading) -> Answer:
    """Usage that was asked for comes, in a chunk without choices."""
    failed = any(isinstance(payload, dict) and is_error(payload) for payload in x.payloads)
    if not sound(x) or failed or not x.says_done or not any(choices(x)):
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


def asks_no_usage(x: Reading) -> bool:
    """The request does not ask for usage, in a way that cannot be mistaken."""
    return not asks_usage(x) and not x.nonsense


@check("chat-stream.no-usage-unasked", on=lambda x: chat(x) and asks_no_usage(x))
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


def _early(x: Reading) -> list[tuple[Chunk, dict[str, Any]]]:
    """The usage objects of chunks with choices."""
    pairs = [(c, c.value.get("usage")) for c in x.chunks if c.value.get("choices")]
    return [(chunk, usage) for chunk, usage in pairs if isinstance(usage, dict)]


def _is_zero(usage: dict[str, Any]) -> bool:
    return not any(
        usage.get(name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")
    )


def _once(x: Reading, *, zero: bool) -> Answer:
    """No usage beside choices; that none comes at the end has a rule of its own."""
    if not any(map(_is_usage, x.chunks)):
        yield Undecided("no usage came that could be repeated")
        return
    for chunk, usage in _early(x):
        if _is_zero(usage) == zero:
            yield Deviation("usage only at the end", show(usage), Place(chunk.event, "/usage"))
            return


def _asked(x: Reading) -> bool:
    return chat(x) and sound(x) and asks_usage(x)


@check("chat-stream.usage-once", on=_asked)
def usage_once(x: Reading) -> Answer:
    """No chunk but the last counts tokens."""
    yield from _once(x, zero=False)


@check("chat-stream.no-zero-usage", on=_asked)
def no_zero_usage(x: Reading) -> Answer:
    """Nor does one count none."""
    yield from _once(x, zero=True)
