"""Faults in listing and retrieving models."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from conformance.wire.exchange import Piece, Reply, Request
from reference_server.faults.fault import behaviour, compact, fault
from reference_server.faults.replies import JSON, at, error

ON = "models"


def _each(body: Any, change: dict[str, Any]) -> Any:
    """A list or a single model, with members of each model changed."""
    if "data" in body:
        return body | {"data": [model | change for model in body["data"]]}
    return body | change


@fault(breaks={"http.schema"}, on=ON, field="MO-06")
def lists_null(body: Any) -> Any:
    """Sends null for the list of models."""
    return body | {"data": None} if "data" in body else None


@fault(breaks={"models.list-members"}, on=ON)
def forgets_the_kind_of_list(body: Any) -> Any:
    """Leaves `object` out of the list."""
    return {k: v for k, v in body.items() if k != "object"} if "data" in body else None


@fault(breaks={"models.model-members"}, on=ON)
def forgets_the_owner(body: Any) -> Any:
    """Leaves `owned_by` out of every model."""
    models = body.get("data", [body])
    for model in models:
        model.pop("owned_by", None)
    return body


@fault(breaks={"models.id-not-empty"}, on=ON)
def lists_a_nameless_model(body: Any) -> Any:
    """Lists one more model, without a name."""
    if "data" not in body:
        return None
    return body | {"data": [*body["data"], body["data"][0] | {"id": ""}]}


@fault(breaks={"models.created-is-time"}, on=ON)
def dates_models_before_1970(body: Any) -> Any:
    """Sends -1 for a time that it does not know."""
    return _each(body, {"created": -1})


@fault(breaks={"models.unique-ids"}, on=ON)
def lists_twice(body: Any) -> Any:
    """Lists the first model twice."""
    return body | {"data": [*body["data"], body["data"][0]]} if "data" in body else None


@fault(breaks={"models.retrievable"}, on=ON, field="MO-01")
def retrieves_nothing(reply: Reply) -> Reply | None:
    """Knows no model by its id."""
    listed = reply.status != 200 or b'"list"' in reply.body
    return None if listed else error(reply, 404, "no such model")


@fault(breaks={"models.retrieve-same"}, on=ON)
def retrieves_another_date(body: Any) -> Any:
    """Dates a model differently when it is retrieved."""
    return body | {"created": body["created"] + 1} if "data" not in body else None


@fault(breaks={"models.unknown-is-404"}, on=ON)
def refuses_unknown_models(reply: Reply) -> Reply | None:
    """Answers 400 for a model that it does not have."""
    return error(reply, 400, "no such model") if reply.status == 404 else None


@fault(breaks={"models.created-is-time"}, on=ON)
def dates_models_in_milliseconds(body: Any) -> Any:
    """Sends the time of a model in milliseconds."""
    models = body.get("data", [body])
    for model in models:
        model["created"] *= 1000
    return body


@fault(breaks={"models.owner-is-namespace"}, on=ON)
def owns_all_models(body: Any) -> Any:
    """Names itself as the owner of every model."""
    return _each(body, {"owned_by": "server"})


@fault(breaks={"models.encoded-colon"}, on=ON)
def compares_paths_as_sent(request: Request, reply: Reply) -> Reply | None:
    """Does not know a model by the percent-encoded form of its colon."""
    return error(reply, 404, "no such model") if "%3A" in request.path else None


def _file(id_: str) -> str:
    """The file of a model with a bare name."""
    return id_ if "/" in id_ else f"/models/{id_}.gguf"


@fault(breaks={"models.lists-what-answers"}, on=ON)
def hides_what_is_loaded(request: Request, reply: Reply) -> Reply | None:
    """Lists and shows only the models that are not loaded."""
    body = json.loads(reply.body) if reply.status == 200 else {}
    if "data" in body:
        kept = [model for model in body["data"] if "/" in model["id"]]
        return reply.with_body(compact(body | {"data": kept}))
    return error(reply, 404, "no such model") if "/" not in body.get("id", "/") else None


@fault(breaks={"models.lists-what-answers"}, on=ON, field="MO-05")
def lists_files(request: Request, reply: Reply) -> Reply | None:
    """Lists and shows models by the paths of their files, by which no request may name them."""
    body = json.loads(reply.body)
    if "data" in body:
        models = [model | {"id": _file(model["id"])} for model in body["data"]]
        return reply.with_body(compact(body | {"data": models}))
    id_ = unquote(request.path.removeprefix("/models/"))
    if id_.endswith(".gguf"):
        shown = {"id": id_, "object": "model", "created": 1700000000, "owned_by": "library"}
        return Reply(200, JSON, (Piece(at(reply), compact(shown)),))
    return error(reply, 404, "no such model") if "/" not in id_ else None


behaviour(
    "models.lists_in_turn",
    "Leaves the last model out of every second list.",
    breaks={"models.stable"},
    on=ON,
)
