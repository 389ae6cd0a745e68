"""Other ways to make pictures."""

from __future__ import annotations

from typing import Any

from reference_server.variants.variant import variant

Json = dict[str, Any]


@variant(on="images", rulings={"RUL-01", "RUL-34"}, norms={"IMG-04"})
def extra_members(body: Json) -> Json:
    """Adds members of its own, a null address and the prompt as it was understood among them."""
    more = {"url": None, "revised_prompt": "A red square."}
    data = [picture | more for picture in body["data"]]
    return body | {"data": data, "size": "256x256", "usage": {"total_tokens": 1}}
