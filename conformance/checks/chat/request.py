"""What becomes of chat requests that only some servers take, and of what they ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.check import Answer, Deviation, Dialogue, Place, Undecided, check, relation, show
from conformance.checks.chat.answer import answered, asked, choices, integer
from conformance.checks.chat.tools import calls_of, function, offered
from conformance.checks.http import OTHER_REFUSALS, message_of, replied
from conformance.odd import Odd
from conformance.reading import Reading

FORMS = ("chat", "chat-stream")


def _only(odd: Odd) -> Callable[[Reading], bool]:
    """Valid chat requests about which nothing is odd but this."""
    return lambda x: x.surface in FORMS and replied(x) and x.odd == {odd} and x.standing.valid


_official = _only(Odd.OFFICIAL_MEMBER)


def _accepted(x: Reading, *names: str) -> Answer:
    """Server errors, being busy and wanting a key have rules of their own."""
    if 300 <= x.status < 500 and x.status not in OTHER_REFUSALS:
        sent = ", ".join(f"{name}: {show(asked(x, name))}" for name in names)
        wanted = f"success with {sent}" if sent else "success"
        yield Deviation(wanted, f"{x.status} {message_of(x)}".rstrip())


ORDERS = {
    "chat.any-order": Odd.ORDER,
    "chat.history-members": Odd.HISTORY_MEMBER,
    "chat.tool-schemas": Odd.RICH_SCHEMA,
}
for _id, _odd in ORDERS.items():
    check(_id, on=_only(_odd))(_accepted)


def _sent_messages(x: Reading) -> list[dict[str, Any]]:
    found = asked(x, "messages")
    return [m for m in found if isinstance(m, dict)] if isinstance(found, list) else []


def _mended(x: Reading, mend: Callable[[dict[str, Any]], dict[str, Any]]) -> bool:
    """Whether a request that only the document forbids is valid with its messages mended."""
    if x.surface != "chat" or not replied(x) or x.standing.contract or not x.standing.document:
        return False
    if x.odd or x.operation is None:
        return False
    mended = x.sent | {"messages": [mend(message) for message in _sent_messages(x)]}
    return x.contract.standing(x.operation, mended).valid


def _as_system(message: dict[str, Any]) -> dict[str, Any]:
    return message | {"role": "system"} if message.get("role") == "developer" else message


@check("chat.developer-role", on=lambda x: _mended(x, _as_system))
def developer_role(x: Reading) -> Answer:
    """A developer speaks as the system does."""
    yield from _accepted(x)


def _with_text(message: dict[str, Any]) -> dict[str, Any]:
    bare = message.get("tool_calls") and message.get("content", "") is None
    return message | {"content": ""} if bare else message


@check("chat.null-beside-calls", on=lambda x: _mended(x, _with_text))
def null_beside_calls(x: Reading) -> Answer:
    """A message that calls tools needs no text."""
    yield from _accepted(x)


def _names_unknown(x: Reading) -> bool:
    """Whether the request forces the call of a tool that it does not offer."""
    choice = asked(x, "tool_choice")
    name = function(choice, "name") if isinstance(choice, dict) else None
    return isinstance(name, str) and name not in offered(x)


@check(
    "chat.tool-choice",
    on=lambda x: (
        _official(x)
        and asked(x, "tool_choice") is not None
        and not _names_unknown(x)
        and not any(calls_of(each) for each in asked(x, "messages") or () if isinstance(each, dict))
    ),
)
def tool_choice(x: Reading) -> Answer:
    """Every form of it is taken."""
    yield from _accepted(x, "tool_choice")


@check(
    "chat.unknown-tool-choice",
    on=lambda x: _official(x) and _names_unknown(x),
    expects_error=True,
)
def unknown_tool_choice(x: Reading) -> Answer:
    """What is not there cannot be called."""
    if x.status < 400 and x.masked is None:
        yield Deviation("a 4xx status", f"{x.status}")


@check("chat.effort", on=lambda x: _official(x) and asked(x, "reasoning_effort") is not None)
def effort(x: Reading) -> Answer:
    """Every effort is taken by a model that reasons."""
    yield from _accepted(x, "reasoning_effort")


@check("chat.logprobs-accepted", on=lambda x: _official(x) and asked(x, "logprobs") is True)
def logprobs_accepted(x: Reading) -> Answer:
    """Probabilities are given with alternatives and without."""
    yield from _accepted(x, "logprobs", "top_logprobs")


def _tokens(x: Reading) -> int | None:
    """How many tokens an answer took; None where it does not say."""
    usage = x.json.get("usage")
    told = usage.get("completion_tokens") if isinstance(usage, dict) else None
    return told if integer(told) else None


def _bounded(x: Reading, name: str) -> Answer:
    """An answer keeps its limit; one that ended by itself before it cannot tell."""
    limit, told, several = asked(x, name), _tokens(x), asked(x, "n")
    count = max(several if integer(several) else 1, len(choices(x)))
    if told is None:
        yield Undecided("no answer says how many tokens it took")
    elif told > limit * count:
        observed, place = f"{told} tokens", Place(pointer="/usage/completion_tokens")
        yield Deviation(f"at most {limit} tokens for each choice", observed, place)
    elif not any(entry.get("finish_reason") == "length" for entry in choices(x)):
        yield Undecided("every answer ended before its limit")


def _limit(x: Reading, name: str) -> bool:
    return integer(asked(x, name))


@check("chat.max-tokens", on=lambda x: answered(x) and _limit(x, "max_tokens"))
def max_tokens(x: Reading) -> Answer:
    """`max_tokens` bounds the answer."""
    yield from _bounded(x, "max_tokens")


@check("chat.max-completion-tokens", on=lambda x: _official(x) and _newer_limit(x))
def max_completion_tokens(x: Reading) -> Answer:
    """`max_completion_tokens` is taken, and bounds the answer."""
    if answered(x):
        yield from _bounded(x, "max_completion_tokens")
    else:
        yield from _accepted(x, "max_completion_tokens")


def _newer_limit(x: Reading) -> bool:
    return _limit(x, "max_completion_tokens") and asked(x, "max_tokens") is None


@check("chat.n-choices", on=lambda x: answered(x) and integer(asked(x, "n")) and x.sent["n"] > 1)
def n_choices(x: Reading) -> Answer:
    """Who asks for several choices gets them all."""
    if len(choices(x)) != x.sent["n"]:
        observed = f"{len(choices(x))}"
        yield Deviation(f"{x.sent['n']} choices", observed, Place(pointer="/choices"))


def _most_calls(x: Reading) -> int:
    messages = [entry.get("message") for entry in choices(x)]
    return max((len(calls_of(each)) for each in messages if isinstance(each, dict)), default=0)


def _asks_alone(dialogue: Dialogue) -> bool:
    last = dialogue[-1]
    return answered(last) and asked(last, "parallel_tool_calls") is False


@relation("chat.one-call-at-a-time", on=_asks_alone)
def one_call_at_a_time(dialogue: Dialogue) -> Answer:
    """Where two tools were called at once, one is called if that is asked for.

    The control is the same request without the member.
    """
    last = dialogue[-1]
    asking = ("parallel_tool_calls", "tool_choice")
    plain = {name: value for name, value in last.sent.items() if name not in asking}
    controls = [x for x in dialogue[:-1] if answered(x) and x.sent == plain]
    if not any(_most_calls(x) > 1 for x in controls):
        yield Undecided("the model never called two tools at once")
    elif _most_calls(last) > 1:
        observed = f"{_most_calls(last)}"
        yield Deviation("at most one tool call", observed, Place(pointer="/choices"))
