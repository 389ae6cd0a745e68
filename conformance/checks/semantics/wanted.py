"""Whether an answer is what was asked for: JSON, a schema, tools, several choices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.check import Answer, Deviation, Dialogue, Place, Undecided, check, relation, show
from conformance.checks.chat.answer import answered, asked, choices
from conformance.checks.chat.tools import offered
from conformance.checks.semantics.said import Said, body, member, pairs, said
from conformance.contract.schemas import conforms
from conformance.odd import Odd
from conformance.reading import NotJson, Reading, strict_json

RARE = frozenset(  # keywords that not every compiler of schemas follows
    {
        "pattern", "format", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum",
        "exclusiveMaximum", "multipleOf", "patternProperties", "not", "if", "then", "else",
        "dependentRequired", "dependentSchemas", "contains", "uniqueItems", "propertyNames",
        "unevaluatedProperties", "oneOf", "allOf",
    }
)  # fmt: skip


def _format(x: Reading) -> dict[str, Any]:
    found = member(x, "response_format")
    return found if isinstance(found, dict) else {}


def _json_of(x: Reading, kind: str) -> Any:
    """The JSON value of a text that came to its end, or why there is none to judge."""
    answer = said(x)
    if answer is None or answer.reason != "stop" or answer.calls or answer.refused:
        return Undecided(f"no answer with {kind} came to its end")
    return strict_json(answer.text) if answer.text else Undecided("the answer is empty")


def _formed(kind: str) -> Any:
    return lambda x: (
        _format(x).get("type") == kind and said(x) is not None and Odd.HARD_SCHEMA not in x.odd
    )


def _text(x: Reading) -> str:
    answer = said(x)
    return show(answer.text if answer else "")


@check("semantics.json-mode", on=_formed("json_object"))
def json_mode(x: Reading) -> Answer:
    """What is asked for as JSON is a JSON text."""
    value = _json_of(x, "JSON")
    if isinstance(value, Undecided):
        yield value
    elif isinstance(value, NotJson):
        yield Deviation("a JSON text", _text(x))


@check("semantics.json-object", on=_formed("json_object"))
def json_object(x: Reading) -> Answer:
    """The JSON text is an object."""
    value = _json_of(x, "JSON")
    if isinstance(value, Undecided | NotJson):
        yield Undecided("no JSON text came to its end")
    elif not isinstance(value, dict):
        yield Deviation("a JSON object", _text(x))


def _schema(x: Reading) -> Any:
    found = _format(x).get("json_schema")
    return found if isinstance(found, dict) else {}


def _keywords(schema: Any) -> Iterator[str]:
    for name, value in schema.items() if isinstance(schema, dict) else ():
        yield name
        for each in value if isinstance(value, list) else [value]:
            yield from _keywords(each)


def _is_strict(x: Reading) -> bool:
    named = _schema(x)
    return named.get("strict") is True and not RARE & set(_keywords(named.get("schema")))


def _by_schema(x: Reading) -> Answer:
    value, schema = _json_of(x, "a schema"), _schema(x).get("schema")
    if isinstance(value, Undecided):
        yield value
    elif not isinstance(schema, dict):
        yield Undecided("no schema was sent")
    elif isinstance(value, NotJson) or not conforms(schema, value):
        yield Deviation("a JSON text of the schema", _text(x))


@check("semantics.schema", on=lambda x: _formed("json_schema")(x) and _is_strict(x))
def schema(x: Reading) -> Answer:
    """What is asked for by a strict schema is valid by it."""
    yield from _by_schema(x)


@check("semantics.loose-schema", on=lambda x: _formed("json_schema")(x) and not _is_strict(x))
def loose_schema(x: Reading) -> Answer:
    """The same of a schema that is not strict, or that not everybody can follow."""
    yield from _by_schema(x)


def _orders(schema: Any, value: Any) -> Iterator[tuple[list[str], list[str]]]:
    """For each object the members that its schema names: in the order there, and as they came."""
    known = schema.get("properties") if isinstance(schema, dict) else None
    if isinstance(value, dict) and isinstance(known, dict):
        yield [name for name in known if name in value], [name for name in value if name in known]
        for name, inner in known.items():
            yield from _orders(inner, value.get(name))
    items = schema.get("items") if isinstance(schema, dict) else None
    for each in value if isinstance(value, list) else ():
        yield from _orders(items, each)


@check("semantics.schema-order", on=_formed("json_schema"))
def schema_order(x: Reading) -> Answer:
    """Members come in the order in which the schema names them; what is not valid by it has a rule
    of its own.
    """
    value, schema = _json_of(x, "a schema"), _schema(x).get("schema")
    orders = list(_orders(schema, value))
    if not any(len(wanted) > 1 for wanted, _ in orders) or not conforms(schema, value):
        yield Undecided("no answer had two members that its schema names")
        return
    for wanted, came in orders:
        if wanted != came:
            yield Deviation(", ".join(wanted), ", ".join(came))
            return


def _parameters(x: Reading) -> dict[str, Any]:
    """The schema of the arguments of each function that the request offers."""
    tools = member(x, "tools")
    found = {}
    for tool in tools if isinstance(tools, list) else ():
        inner = tool.get("function", tool) if isinstance(tool, dict) else None
        if isinstance(inner, dict) and isinstance(inner.get("name"), str):
            found[inner["name"]] = inner.get("parameters")
    return {name: schema for name, schema in found.items() if isinstance(schema, dict)}


def _finished(x: Reading) -> list[tuple[str, Any]]:
    """The calls of an answer that was not cut, with the values of their arguments."""
    answer = said(x)
    done = answer is not None and answer.reason != "length"
    values = [(name, strict_json(text)) for name, text in answer.calls] if answer and done else []
    return [(name, value) for name, value in values if isinstance(value, dict)]


def _arguments(x: Reading) -> Answer:
    """The arguments of a call are valid by the schema of its function."""
    known = _parameters(x)
    called = [(name, value) for name, value in _finished(x) if known.get(name)]
    if not called:
        yield Undecided("no function with a schema was called")
    for name, value in called:
        if not conforms(known[name], value):
            yield Deviation(f"arguments by the schema of {show(name)}", show(value))
            return


for _surface in ("chat", "responses"):
    check(
        f"semantics.{_surface}-arguments",
        on=lambda x: bool(_parameters(x)) and bool((answer := said(x)) and answer.calls),
    )(_arguments)


def _results(x: Reading) -> list[tuple[str, Any]]:
    """The calls in a conversation that ends with their results."""
    messages, items = member(x, "messages"), member(x, "input")
    found = messages if isinstance(messages, list) else items if isinstance(items, list) else []
    entries = [each for each in found if isinstance(each, dict)]
    ended = entries and (
        entries[-1].get("role") == "tool" or entries[-1].get("type") == "function_call_output"
    )
    called = [each for each in entries if each.get("type") == "function_call"]
    for entry in entries:
        inner = entry.get("tool_calls")
        calls = [c for c in inner if isinstance(c, dict)] if isinstance(inner, list) else []
        called += [c["function"] for c in calls if isinstance(c.get("function"), dict)]
    pairs_ = [(each.get("name"), each.get("arguments")) for each in called]
    texts = [(n, strict_json(a)) for n, a in pairs_ if isinstance(n, str) and isinstance(a, str)]
    free = member(x, "tool_choice") in (None, "auto")
    return texts if ended and free and _parameters(x) else []


def _closes(x: Reading) -> Answer:
    """With the result at hand, what gave it is not called once more."""
    again = [call for call in _finished(x) if call in _results(x)]
    if again:
        name, value = again[0]
        yield Deviation("an answer from the result", f"{name} called again with {show(value)}")


for _surface in ("chat", "responses"):
    check(
        f"semantics.{_surface}-tool-loop-closes",
        on=lambda x: said(x) is not None and bool(_results(x)),
    )(_closes)


def _chosen(dialogue: Dialogue) -> Iterator[tuple[Reading, Said, Said]]:
    """Answers to requests that choose a tool, each with that to the request that does not."""
    for x, y in pairs(dialogue, lambda x, y: x.sent == body(y, "tool_choice") != body(y)):
        free, bound = said(x), said(y)
        if free and bound:
            yield y, free, bound


def _chooses(*choices_: Any) -> Any:
    def holds(dialogue: Dialogue) -> bool:
        wanted = [member(x, "tool_choice") for x in dialogue]
        return any(w in choices_ or (dict in choices_ and isinstance(w, dict)) for w in wanted)

    return holds


@relation("semantics.tool-choice-none", on=_chooses("none"))
def tool_choice_none(dialogue: Dialogue) -> Answer:
    """Where the model calls of itself, it does not if that is forbidden."""
    found = [e for e in _chosen(dialogue) if member(e[0], "tool_choice") == "none" and e[1].calls]
    if not found:
        yield Undecided("the model called nothing of itself")
    for y, _, answer in found:
        if answer.calls:
            yield Deviation("no call", show(answer.calls[0][0]), exchange=y.exchange.number)


@relation("semantics.tool-choice-required", on=_chooses("required"))
def tool_choice_required(dialogue: Dialogue) -> Answer:
    """Where the model calls nothing of itself, it does if that is required."""
    found = [
        (y, answer)
        for y, free, answer in _chosen(dialogue)
        if member(y, "tool_choice") == "required" and not free.calls
    ]
    judged = [(y, a) for y, a in found if a.calls or a.reason != "length"]
    if not judged:
        yield Undecided("the model called something of itself, or its answer was cut")
    for y, answer in judged:
        if not answer.calls:
            yield Deviation("a call", show(answer.text), exchange=y.exchange.number)


@relation("semantics.tool-choice-named", on=_chooses(dict))
def tool_choice_named(dialogue: Dialogue) -> Answer:
    """Where the model calls another tool of itself, it calls the one that is named."""
    judged = []
    for y, free, answer in _chosen(dialogue):
        choice = member(y, "tool_choice")
        inner = choice.get("function") if isinstance(choice, dict) else None
        name = inner.get("name") if isinstance(inner, dict) else None
        wanted = isinstance(name, str) and {called for called, _ in free.calls} - {name}
        if wanted and (answer.calls or answer.reason != "length"):
            judged.append((y, name, {called for called, _ in answer.calls}))
    if not judged:
        yield Undecided("the model called no other tool of itself")
    for y, name, called in judged:
        if called != {name} and called <= offered(y):
            observed = ", ".join(sorted(called)) or "no call"
            yield Deviation(f"calls of {name} alone", observed, exchange=y.exchange.number)


def _several(x: Reading) -> bool:
    hot = asked(x, "temperature") in (None, 1) and asked(x, "top_p") in (None, 1)
    several = len(choices(x)) > 1 and asked(x, "n") == len(choices(x))
    return answered(x) and several and hot


@check("semantics.choices-differ", on=_several)
def choices_differ(x: Reading) -> Answer:
    """Several choices are several answers."""
    messages = [entry.get("message") for entry in choices(x)]
    texts = [message.get("content") for message in messages if isinstance(message, dict)]
    if not all(isinstance(text, str) and text for text in texts):
        yield Undecided("a choice had no text")
    elif len(set(texts)) == 1:
        yield Deviation("different texts", show(texts[0]), Place(pointer="/choices"))
