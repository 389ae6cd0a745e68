"""Other ways to list and to show models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.wire.exchange import Reply, Request
from reference_server.faults.replies import error
from reference_server.variants.variant import tolerated, variant

ON = "models"
Json = dict[str, Any]


def _each(body: Json, change: Callable[[Json], Json]) -> Json:
    """Every model of a list, or the one that was retrieved."""
    return body | {"data": [change(m) for m in body["data"]]} if "data" in body else change(body)


@variant(on=ON, norms={"MDL-15"}, rulings={"RUL-01"})
def extra_members(body: Json) -> Json:
    """Adds members of its own to the list and to each model."""
    more: Json = {"root": "x", "parent": None, "permission": [{}], "max_model_len": 4096}
    changed = _each(body, lambda model: model | more)
    return changed | {"has_more": False, "first_id": "x", "models": [], "shutdown_date": None}


@variant(on=ON, norms={"MDL-06"})
def made_at_zero(body: Json) -> Json:
    """Does not know when a model was made, and says 0."""
    return _each(body, lambda model: model | {"created": 0})


@variant(on=ON, norms={"MDL-07", "MDL-08"}, warns={"models.owner-is-namespace"})
def owners(body: Json) -> Json:
    """Names owners that nobody else has."""
    return _each(body, lambda model: model | {"owned_by": "organization-owner / ü"})


@variant(on=ON, norms={"HTTP-33"})
def backwards(body: Json) -> Json:
    """Lists models in another order."""
    return body | {"data": body["data"][::-1]} if "data" in body else body


def _not_found(reply: Reply, *, bad: bool) -> Reply | None:
    return error(reply, 404, "no such model", "not_found_error") if bad else None


@variant(on=ON, norms={"MDL-11", "MDL-13"}, rulings={"RUL-33"}, wire=True)
def slashes_as_they_are(request: Request, reply: Reply) -> Reply | None:
    """Finds a model whose id has a slash by the plain path only."""
    return _not_found(reply, bad="%2f" in request.path.lower())


@variant(on=ON, norms={"MDL-11", "MDL-13"}, rulings={"RUL-33"}, profiles="ollama",
         warns={"models.retrievable"})  # fmt: skip
def no_slashes(request: Request, reply: Reply) -> Reply | None:
    """Finds no model whose id has a slash."""
    path = request.path.lower()
    return _not_found(reply, bad="%2f" in path or path.count("/") > 2)


@variant(on=ON, norms={"MDL-12"}, warns={"models.retrieve-same"})
def canonical_names(request: Request, body: Json) -> Json:
    """Gives the full name of a model that is retrieved by its short one."""
    return body if "data" in body else body | {"id": f"{body['id']}:latest"}


@variant(on=ON, norms={"MDL-02"}, warns={"models.list-members"}, profiles="seed")
def bare_list(body: Json) -> Json:
    """Lists models without saying that this is a list."""
    return {"data": body["data"]} if "data" in body else body


tolerated("models.hides-what-is-loaded", norms={"MDL-10"}, traps={"FA-17"})
