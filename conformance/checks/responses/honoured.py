"""Whether what a request asks for changes the answer; each rule beside a request that shows it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from conformance.check import (
    Answer,
    Deviation,
    Dialogue,
    Place,
    Undecided,
    check,
    relation,
    show,
)
from conformance.checks.responses.finished import (
    Json,
    event_of,
    is_finished,
    items_of,
    place,
    response_of,
    text_of,
    tokens,
)
from conformance.contract.schemas import conforms
from conformance.reading import NotJson, Reading, strict_json


def _format(x: Reading) -> Json:
    text = x.sent.get("text") if isinstance(x.sent, dict) else None
    wanted = text.get("format") if isinstance(text, dict) else None
    return wanted if isinstance(wanted, dict) else {}


def _json_of(x: Reading, wanted: str) -> Any:
    """The JSON value of a completed answer in text, or why it cannot be judged."""
    response = response_of(x)
    if response is None or response.get("status") != "completed" or not text_of(response):
        return Undecided(f"no answer with {wanted} was completed")
    return strict_json(text_of(response))


@check(
    "responses.schema-honoured",
    on=lambda x: is_finished(x) and _format(x).get("type") == "json_schema",
)
def schema_honoured(x: Reading) -> Answer:
    """The text is valid by the schema that was sent."""
    value, schema = _json_of(x, "a schema"), _format(x).get("schema")
    if isinstance(value, Undecided):
        yield value
    elif isinstance(schema, dict) and (isinstance(value, NotJson) or not conforms(schema, value)):
        yield Deviation("a JSON text of the schema", show(text_of(response_of(x))), _output(x))


@check(
    "responses.json-object-honoured",
    on=lambda x: is_finished(x) and _format(x).get("type") == "json_object",
)
def json_object_honoured(x: Reading) -> Answer:
    """The text is a JSON object."""
    value = _json_of(x, "JSON")
    if isinstance(value, Undecided):
        yield value
    elif not isinstance(value, dict):
        yield Deviation("a JSON object", show(text_of(response_of(x))), _output(x))


def _output(x: Reading) -> Place:
    return Place(event_of(x), place(x, "output"))


def _but(sent: Any, *names: str) -> Any:
    """A request without some members."""
    return {k: v for k, v in sent.items() if k not in names} if isinstance(sent, dict) else None


def _variations(dialogue: Dialogue, *names: str) -> bool:
    """Requests for a response that differ in these members alone, the first of them answered."""
    bodies = [_but(x.sent, *names) for x in dialogue]
    alike = bodies[0] is not None and all(body == bodies[0] for body in bodies)
    known = all(x.surface in ("responses", "responses-stream") for x in dialogue)
    return len(dialogue) > 1 and alike and known and is_finished(dialogue[0])


def _limit(x: Reading) -> int:
    limit = x.sent.get("max_output_tokens") if isinstance(x.sent, dict) else None
    return limit if isinstance(limit, int) and not isinstance(limit, bool) else 0


def _shortened(dialogue: Dialogue) -> bool:
    """The same request with a high limit and then with a lower one."""
    two = len(dialogue) == 2 and _variations(dialogue, "max_output_tokens", "stream")
    return two and 0 < _limit(dialogue[1]) < _limit(dialogue[0]) and is_finished(dialogue[1])


@relation("responses.cut-is-incomplete", on=_shortened)
def cut_is_incomplete(dialogue: Dialogue) -> Answer:
    """An answer that goes on with more room was cut where it had less."""
    free, cut = (response_of(x) for x in dialogue)
    limit, made, more = (
        _limit(dialogue[1]),
        tokens(cut, "output_tokens"),
        tokens(free, "output_tokens"),
    )
    if made is None or more is None or made < limit or more <= limit:
        yield Undecided("no answer was cut by the limit of tokens")
        return
    status = (cut or {}).get("status")
    if isinstance(status, str) and status != "incomplete":
        x = dialogue[1]
        at = Place(event_of(x), place(x, "status"))
        observed = f"{show(status)} after {made} of {limit} tokens"
        yield Deviation("incomplete", observed, at, x.exchange.number)


def _bounded(x: Reading) -> bool:
    return is_finished(x) and _limit(x) > 0 and tokens(response_of(x), "output_tokens") is not None


def _over(x: Reading) -> int:
    """How many tokens a response has above its limit."""
    return (tokens(response_of(x), "output_tokens") or 0) - _limit(x)


def _too_many(x: Reading) -> Deviation:
    at = Place(event_of(x), place(x, "usage", "output_tokens"))
    return Deviation(f"at most {_limit(x)} tokens", f"{_limit(x) + _over(x)}", at)


@check("responses.max-output-tokens", on=_bounded)
def max_output_tokens(x: Reading) -> Answer:
    """The limit bounds the response; one that ended by itself before it cannot tell."""
    if _over(x) > 1:
        yield _too_many(x)
    elif _over(x) < 0:
        yield Undecided("every response ended before its limit")


@check("responses.max-output-tokens-exact", on=_bounded)
def max_output_tokens_exact(x: Reading) -> Answer:
    """No token goes beyond the limit; more than one has a rule of its own."""
    if _over(x) == 1:
        yield _too_many(x)
    elif _over(x) != 0:
        yield Undecided("every response ended before its limit, or far behind it")


def _goes_on(dialogue: Dialogue) -> bool:
    """A second request goes on from the first one's response."""
    if len(dialogue) != 2 or not all(is_finished(x) for x in dialogue):
        return False
    before = dialogue[1].sent.get("previous_response_id")
    return isinstance(before, str) and before == (response_of(dialogue[0]) or {}).get("id")


@relation("responses.previous-used", on=_goes_on)
def previous_used(dialogue: Dialogue) -> Answer:
    """What went before is read again, so that it is counted."""
    before, after = (tokens(response_of(x), "input_tokens") for x in dialogue)
    if not before or after is None:
        yield Undecided("input_tokens is not told")
    elif after <= before:
        wanted = f"more than the {before} input tokens of the response before"
        yield Deviation(wanted, f"{after}", exchange=dialogue[1].exchange.number)


def _pair(dialogue: Dialogue) -> list[tuple[Reading, Reading]]:
    """Neighbours in a dialogue that both brought a finished response."""
    return [(a, b) for a, b in pairwise(dialogue) if is_finished(a) and is_finished(b)]


def _parts_again(dialogue: Dialogue) -> list[tuple[Reading, Reading]]:
    """A text, and the same one as the part of a message."""
    return [(a, b) for a, b in _pair(dialogue) if _as_part(a.sent) == _but(b.sent)]


def _as_part(sent: Any) -> Any:
    text = sent.get("input") if isinstance(sent, dict) else None
    part = {"type": "input_text", "text": text}
    return sent | {"input": [{"role": "user", "content": [part]}]} if isinstance(text, str) else 0


@relation("responses.parts-counted", on=lambda d: bool(_parts_again(d)))
def parts_counted(dialogue: Dialogue) -> Answer:
    """The text of a part reaches the model as a bare text does."""
    for bare, parted in _parts_again(dialogue):
        one, other = (tokens(response_of(x), "input_tokens") for x in (bare, parted))
        if one is None or other is None:
            yield Undecided("input_tokens is not told")
        elif other < one / 2:
            wanted = f"about the {one} input tokens of the same text"
            yield Deviation(wanted, f"{other}", exchange=parted.exchange.number)


def _instructed(dialogue: Dialogue) -> list[tuple[Reading, Reading]]:
    """The same request without instructions and with them."""
    return [
        (a, b)
        for a in dialogue
        for b in dialogue
        if is_finished(a)
        and is_finished(b)
        and "instructions" not in a.sent
        and isinstance(b.sent.get("instructions"), str)
        and _but(b.sent, "instructions") == a.sent
    ]


@relation("responses.instructions-counted", on=lambda d: bool(_instructed(d)))
def instructions_counted(dialogue: Dialogue) -> Answer:
    """Instructions reach the model."""
    for without, told in _instructed(dialogue)[:1]:
        one, other = (tokens(response_of(x), "input_tokens") for x in (without, told))
        if not one or other is None:
            yield Undecided("input_tokens is not told")
        elif other <= one:
            wanted = f"more than the {one} input tokens without instructions"
            yield Deviation(wanted, f"{other}", exchange=told.exchange.number)


def _called(x: Reading) -> list[str]:
    """The names of the functions that an answer calls."""
    return [str(i.get("name")) for i in items_of(response_of(x)) if i["type"] == "function_call"]


def _cut(x: Reading) -> bool:
    return (response_of(x) or {}).get("status") != "completed"


@relation(
    "responses.tool-choice-honoured",
    on=lambda d: (
        _variations(d, "tool_choice", "stream") and any("tool_choice" in x.sent for x in d)
    ),
)
def tool_choice_honoured(dialogue: Dialogue) -> Answer:
    """Where the model calls of itself, each way to choose a tool changes what it calls."""
    if dialogue[0].sent.get("tool_choice", "auto") != "auto" or not _called(dialogue[0]):
        yield Undecided("the model called nothing of itself")
        return
    judged = [x for x in dialogue[1:] if is_finished(x) and items_of(response_of(x))]
    if not judged:
        yield Undecided("no other way to choose a tool was taken")
    for x in judged:
        if said := _ignores(x.sent.get("tool_choice"), _called(x), cut=_cut(x)):
            observed = ", ".join(_called(x)) or "no call"
            yield Deviation(said, f"{observed} with tool_choice {show(x.sent.get('tool_choice'))}",
                            _output(x), x.exchange.number)  # fmt: skip


def _ignores(choice: Any, called: list[str], *, cut: bool) -> str:
    """What was expected of an answer that did not follow the choice; nothing if it did."""
    if choice == "none":
        return "no call" if called else ""
    if not called:
        return "" if cut or choice == "auto" else "a call"
    name = choice.get("name") if isinstance(choice, dict) else None
    return f"calls of {show(name)} alone" if name and set(called) != {name} else ""


def _thrice(dialogue: Dialogue) -> bool:
    """The same request as a stream, again as one, and plain."""
    three = len(dialogue) == 3 and _variations(dialogue, "stream")
    return (
        three
        and all(is_finished(x) for x in dialogue)
        and [x.asks_stream for x in dialogue] == [True, True, False]
    )


@relation("responses.same-items", on=_thrice)
def same_items(dialogue: Dialogue) -> Answer:
    """The plain answer has every item that the stream had, in its order."""
    first, second, plain = ([i["type"] for i in items_of(response_of(x))] for x in dialogue)
    if first != second or "function_call" not in first or "function_call" not in plain:
        yield Undecided("the model does not answer in the same way twice, with a call")
        return
    kept = [kind for n, kind in enumerate(first) if kind not in first[:n]]
    found = [kind for n, kind in enumerate(plain) if kind not in plain[:n]]
    if kept != found:
        wanted = f"{', then '.join(kept)} as in the stream"
        yield Deviation(wanted, ", then ".join(found), _output(dialogue[2]))
