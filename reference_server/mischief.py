"""What behaviour faults do to requests of chat where it takes a memory; without one, nothing."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response, StreamingResponse

from reference_server.refusal import failed

Json = dict[str, Any]
IGNORED: Mapping[str, str] = {  # members that a fault overlooks
    "responses.goes-on-from-nothing": "previous_response_id",
    "responses.reads-no-instructions": "instructions",
    "semantics.overlooks-stops": "stop",
}


def ignoring(faults: Collection[str], sent: Json) -> Json:
    """A request without what the faults overlook."""
    names = {member for fault, member in IGNORED.items() if fault in faults}
    return {name: value for name, value in sent.items() if name not in names}


@dataclass
class Mischief:
    """Remembers what the faults need to know of earlier requests."""

    left: bool = False
    trips: int = 0
    before: Json = field(default_factory=dict)

    def read(self, faults: Collection[str], sent: Json, under_way: int) -> Json:
        """The request that is answered in place of one; `under_way` counts those beside it."""
        if not faults:
            return sent
        if "http.trips-over-disconnects" in faults and self.left:
            self.left, self.trips = False, self.trips + 1
            raise failed("internal error")
        if "http.fails-beside-others" in faults and under_way:
            raise failed("the engine is in use")
        before, self.before = self.before, sent
        if "semantics.goes-on-with-what-was-left" in faults and self.left and before:
            return sent | {"messages": before["messages"]}
        mixed = "http.mixes-prompts" in faults and under_way and before
        return sent | {"messages": before["messages"]} if mixed else ignoring(faults, sent)

    def watch(self, faults: Collection[str], reply: Response) -> Response:
        """The same reply; whether its client leaves is remembered."""
        if faults and isinstance(reply, StreamingResponse):
            reply.body_iterator = self._watched(reply.body_iterator)
        return reply

    async def _watched(self, pieces: AsyncIterable[Any]) -> AsyncIterator[Any]:
        whole, trips = False, self.trips
        try:
            async for piece in pieces:
                yield piece
            whole = True
        finally:
            if trips == self.trips:  # one stumble is for all that were begun before it
                self.left = self.left or not whole
