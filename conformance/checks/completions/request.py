"""Requests that must be refused, and those that may be."""

from __future__ import annotations

from http import HTTPStatus

from conformance.check import Answer, Deviation, Dialogue, check, relation
from conformance.checks.completions.whole import PLAIN, STREAMED, member, prompts
from conformance.odd import OPTIONAL, Odd
from conformance.reading import Outcome, Reading

MOST = 5  # alternatives that the official API gives
OPTIONS = frozenset({"best_of", "echo", "logit_bias", "logprobs", "n", "user"})


def _received(x: Reading) -> bool:
    return x.surface in (PLAIN, STREAMED) and x.status > 0


def _refused(x: Reading) -> bool:
    return HTTPStatus.BAD_REQUEST <= x.status < HTTPStatus.INTERNAL_SERVER_ERROR


def _has_bad_stop(x: Reading) -> bool:
    """A list of stop strings with something else in it, and nothing else wrong."""
    stop = member(x, "stop")
    bad = isinstance(stop, list) and not all(isinstance(each, str) for each in stop)
    return bad and {error.place for error in x.standing.contract} == {"/stop"}


@check(
    "completions.stop-items-refused",
    on=lambda x: _received(x) and _has_bad_stop(x) and not x.odd,
    expects_error=True,
)
def stop_items_refused(x: Reading) -> Answer:
    """A stop string is a string."""
    if x.status < HTTPStatus.BAD_REQUEST and x.masked is None:
        yield Deviation("a 4xx status", f"{x.status}")


def _many(x: Reading) -> bool:
    """More alternatives than the official API has, and nothing else wrong."""
    asked = member(x, "logprobs")
    many = type(asked) is int and asked > MOST
    return many and {error.place for error in x.standing.contract} == {"/logprobs"}


@check(
    "completions.many-logprobs-refused",
    on=lambda x: _received(x) and _many(x) and not x.standing.document and x.odd <= OPTIONAL,
    expects_error=True,
)
def many_logprobs_refused(x: Reading) -> Answer:
    """There is an end to alternatives."""
    if x.status < HTTPStatus.BAD_REQUEST and x.masked is None:
        yield Deviation("a 4xx status", f"{x.status}")


@check(
    "completions.empty-prompt", on=lambda x: _received(x) and x.odd == {Odd.EMPTY_TEXT} and _one(x)
)
def empty_prompt(x: Reading) -> Answer:
    """An empty prompt is completed, or refused in the ordinary way."""
    if _refused(x) and x.status != HTTPStatus.BAD_REQUEST:
        yield Deviation("success or 400", f"{x.status}")


def _one(x: Reading) -> bool:
    return not x.standing.document and member(x, "prompt") == ""


@check("completions.token-prompt", on=lambda x: _received(x) and _tokens(x) and not x.odd)
def token_prompt(x: Reading) -> Answer:
    """Lists of tokens are taken."""
    if _refused(x):
        yield Deviation("success", f"{x.status}")


def _tokens(x: Reading) -> bool:
    """Whether the prompt is valid and in tokens."""
    texts = [each for each in prompts(x) if isinstance(each, str)]
    return not x.standing.contract and bool(x.standing.document) and not texts


def _valid(x: Reading) -> bool:
    return x.standing.valid and x.odd <= OPTIONAL


def _optional(dialogue: Dialogue) -> list[Reading]:
    """Valid requests with an option, in a dialogue whose last request needs none."""
    if dialogue[-1].outcome is not Outcome.ANSWERED or dialogue[-1].standing.needs:
        return []
    return [
        x
        for x in dialogue
        if _received(x) and _valid(x) and isinstance(x.sent, dict) and OPTIONS & x.sent.keys()
    ]


@relation("completions.options", on=lambda d: bool(_optional(d)))
def options(dialogue: Dialogue) -> Answer:
    """An option is there, or ignored, or refused as a request is."""
    for x in _optional(dialogue):
        if _refused(x) and x.status != HTTPStatus.BAD_REQUEST:
            names = " and ".join(sorted(OPTIONS & x.sent.keys()))
            yield Deviation(
                f"success or 400 for {names}", f"{x.status}", exchange=x.exchange.number
            )
            return
