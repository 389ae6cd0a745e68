"""Other ways to list and to show models."""

from __future__ import annotations

from typing import Any

from reference_server.variants.variant import variant

ON = "models"
Json = dict[str, Any]


@variant(on=ON, norms={"MDL-15"}, rulings={"RUL-01"})
def extra_members(body: Json) -> Json:
    """Adds members of its own to the list and to each model."""
    more: Json = {
        "root": "x",
        "parent": None,
        "permission": [{}],
        "max_model_len": 4096,
        "meta": {},
    }
    if "data" not in body:
        return body | more
    models = [model | more for model in body["data"]]
    return body | {"data": models, "has_more": False, "first_id": models[0]["id"], "models": []}
