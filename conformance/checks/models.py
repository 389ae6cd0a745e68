"""Listing and retrieving models."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from conformance.check import Answer, Deviation, Dialogue, Place, Undecided, check, relation, show
from conformance.contract.document import pointer
from conformance.reading import JSON, Reading


def is_list(x: Reading) -> bool:
    """A list of models was asked for and came."""
    return (
        x.operation is not None
        and x.operation.answer.get(False) == "data"
        and x.answered
        and _json(x)
    )


def is_retrieval(x: Reading) -> bool:
    """One model was asked for, and a reply came."""
    return x.operation is not None and "{" in x.operation.path and x.status > 0


def _json(x: Reading) -> bool:
    return x.media_type == JSON and x.status == HTTPStatus.OK


def models(x: Reading) -> list[dict[str, Any]]:
    """The models of a list that have an id."""
    data = x.json.get("data") if isinstance(x.json, dict) else None
    items = data if isinstance(data, list) else []
    return [item for item in items if isinstance(item, dict) and isinstance(item.get("id"), str)]


def asked(x: Reading) -> str:
    """The id that a retrieval asks for."""
    assert x.operation is not None
    match = x.operation.pattern.fullmatch(x.exchange.request.path)
    return unquote(match[1]) if match else ""


@check("models.unique-ids", on=lambda x: x.surface == "models" and is_list(x))
def unique_ids(x: Reading) -> Answer:
    """No id stands twice in the list."""
    ids = [model["id"] for model in models(x)]
    if not ids:
        yield Undecided("the list has no model")
    for n, id_ in enumerate(ids):
        if id_ in ids[:n]:
            yield Deviation("each id once", f"{show(id_)} again", Place(pointer=pointer("data", n)))
            return


def lists_then_retrieves(dialogue: Dialogue) -> bool:
    """A list, then retrievals."""
    return (
        len(dialogue) > 1
        and dialogue[0].surface == "models"
        and is_list(dialogue[0])
        and all(is_retrieval(x) for x in dialogue[1:])
    )


def listed(dialogue: Dialogue) -> Iterator[tuple[Reading, dict[str, Any]]]:
    """The retrievals of models that the list has, each with its entry."""
    entries = {model["id"]: model for model in models(dialogue[0]) if model["id"]}
    for x in dialogue[1:]:
        if asked(x) in entries:
            yield x, entries[asked(x)]


@relation("models.retrievable", on=lists_then_retrieves)
def retrievable(dialogue: Dialogue) -> Answer:
    """Every listed id that was asked for gives its model, in one form of the path or the other."""
    forms: dict[str, list[Reading]] = {}
    for x, model in listed(dialogue):
        forms.setdefault(model["id"], []).append(x)
    if not forms:
        yield Undecided("no model of the list was asked for")
    for id_, tries in forms.items():
        if not any(200 <= x.status < 300 or x.status >= 500 for x in tries):
            number = tries[-1].exchange.number
            yield Deviation(f"the model {show(id_)}", f"{tries[-1].status}", exchange=number)


@relation("models.retrieve-same", on=lists_then_retrieves)
def retrieve_same(dialogue: Dialogue) -> Answer:
    """A retrieved model has the members that the list gives."""
    pairs = [(x, m) for x, m in listed(dialogue) if x.answered and _json(x)]
    if not pairs:
        yield Undecided("no model of the list was retrieved")
    for x, model in pairs:
        for name in ("id", "created", "owned_by"):
            if name in model and name in x.json and x.json[name] != model[name]:
                yield Deviation(
                    f"{show(model[name])} as in the list",
                    show(x.json[name]),
                    Place(pointer=pointer(name)),
                    x.exchange.number,
                )


@relation("models.unknown-is-404", on=lists_then_retrieves)
def unknown_is_404(dialogue: Dialogue) -> Answer:
    """A model that the list does not have is not found."""
    known = {model["id"] for model in models(dialogue[0])}
    unknown = [x for x in dialogue[1:] if asked(x) not in known and x.status < 500]
    retrieved = [x for x, _ in listed(dialogue) if x.answered]
    if not unknown or not retrieved:
        yield Undecided("no listed model could be retrieved beside the unknown one")
        return
    for x in unknown:
        if x.status != HTTPStatus.NOT_FOUND:
            yield Deviation("404", f"{x.status}", exchange=x.exchange.number)


def lists_twice(dialogue: Dialogue) -> bool:
    """Two lists in a row."""
    return len(dialogue) == 2 and all(x.surface == "models" and is_list(x) for x in dialogue)


@relation("models.stable", on=lists_twice)
def stable(dialogue: Dialogue) -> Answer:
    """Both lists have the same ids."""
    first, second = ({model["id"] for model in models(x)} for x in dialogue)
    if first != second:
        changed = show(sorted(first ^ second))
        yield Deviation("the same ids", f"{changed} in one list only", Place(pointer="/data"))


@check("models.owner-is-namespace", on=lambda x: x.surface == "models" and is_list(x))
def owner_is_namespace(x: Reading) -> Answer:
    """A bare name belongs to the library."""
    bare = [(n, m) for n, m in enumerate(models(x)) if "/" not in m["id"] and "owned_by" in m]
    if not bare:
        yield Undecided("no model of the list has a bare name")
    for n, model in bare:
        if model["owned_by"] != "library":
            place = Place(pointer=pointer("data", n, "owned_by"))
            yield Deviation("library", f"{show(model['owned_by'])} for {show(model['id'])}", place)
            return


def _answers_then_lists(dialogue: Dialogue) -> bool:
    """A model was asked by its name and answered, then the models were listed."""
    named = [x for x in dialogue[:-1] if isinstance(x.sent, dict) and x.answered]
    return bool(named) and dialogue[-1].surface == "models" and is_list(dialogue[-1])


@relation("models.lists-what-answers", on=_answers_then_lists)
def lists_what_answers(dialogue: Dialogue) -> Answer:
    """The name by which a model answered is in the list."""
    if not isinstance(dialogue[-1].json["data"], list):
        yield Undecided("the list has no data")
        return
    known = {_bare(model["id"]) for model in models(dialogue[-1])}
    for x in dialogue[:-1]:
        name = x.sent.get("model") if isinstance(x.sent, dict) else None
        if x.answered and isinstance(name, str) and _bare(name) not in known:
            observed = f"{len(known)} other models"
            yield Deviation(f"{show(name)} in the list", observed, Place(pointer="/data"))
            return


def _bare(id_: str) -> str:
    return id_.removesuffix(":latest")


@relation("models.encoded-colon", on=lists_then_retrieves)
def encoded_colon(dialogue: Dialogue) -> Answer:
    """Where one form gives the model, the other does too."""
    forms: dict[tuple[str, str], dict[bool, Reading]] = {}
    for x, model in listed(dialogue):
        path = x.exchange.request.path
        rest = path.replace("%3A", ":").replace("%3a", ":")
        if ":" in model["id"]:
            forms.setdefault((model["id"], rest), {})[rest != path] = x
    pairs = [found for found in forms.values() if len(found) == 2]
    if not any(x.answered for found in pairs for x in found.values()):
        yield Undecided("no model with a colon in its id was retrieved in both forms")
        return
    for found in pairs:
        plain, encoded = found[False], found[True]
        if plain.answered != encoded.answered and max(plain.status, encoded.status) < 500:
            observed = f"{plain.status} for `:`, {encoded.status} for `%3A`"
            yield Deviation("the model", observed, exchange=encoded.exchange.number)
            return
