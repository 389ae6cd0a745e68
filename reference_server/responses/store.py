"""What the server remembers of responses, so that a later request can go on from one."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

from reference_server.refusal import Refused

ENTRIES = 256
BYTES = 8 * 1024 * 1024  # of all items together, as JSON
Items = list[dict[str, Any]]


class Store:
    """The latest conversations, in memory, within fixed bounds."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[int, Items]] = OrderedDict()
        self._size = 0

    def put(self, id_: str, items: Items) -> None:
        """Remember the items up to and with a response; the oldest ones are forgotten."""
        size = len(json.dumps(items))
        self._kept[id_] = (size, items)
        self._size += size
        while self._kept and (len(self._kept) > ENTRIES or self._size > BYTES):
            self._size -= self._kept.popitem(last=False)[1][0]

    def get(self, id_: str | None) -> Items:
        """The items up to and with a response; none for None. Raises `Refused`."""
        if id_ is None:
            return []
        if id_ not in self._kept:
            said = f"no response {id_[:100]!r} is stored"
            raise Refused(said, "previous_response_id", "previous_response_not_found")
        return self._kept[id_][1]
