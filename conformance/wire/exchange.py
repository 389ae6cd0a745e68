"""What crossed the wire, as frozen values, and nothing about what is expected.

An `Exchange` is one request and its reply exactly as they were sent and received. The runner makes
them, the ledger keeps them, checks read them, faults change copies of them. All times are seconds
on one monotonic clock that starts with the run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

Headers = tuple[tuple[str, str], ...]
STOPPED = "the run was stopped"  # the detail of an exchange that the end of the run cut


class End(StrEnum):
    """How an exchange ended."""

    COMPLETE = "complete"  # the message ended as HTTP frames it
    LIMIT = "limit"  # cut by one of our limits
    CANCELED = "canceled"  # cut by us on purpose
    BROKEN = "broken"  # no answer, a reset, a short body, bytes that are no HTTP


@dataclass(frozen=True)
class Piece:
    """Bytes of a body that arrived together, and when (seconds since the run began)."""

    at: float
    data: bytes


@dataclass(frozen=True)
class Request:
    """A request as it was sent.

    `path` is the part of the request target below the base URL, with its query, as in
    `/chat/completions`; `body` is None for a request that carries none; `pace` is the time in
    seconds over which it was spread on purpose.
    """

    method: str
    path: str
    headers: Headers = ()
    body: bytes | None = None
    pace: float = 0.0


@dataclass(frozen=True)
class Reply:
    """The final response: its head, and its body in the pieces in which it arrived.

    Pieces carry the content: transfer coding removed, and content coding too where the server
    applied one unasked (the header that says so stays).
    """

    status: int
    headers: Headers = ()
    pieces: tuple[Piece, ...] = ()
    http_version: str = "HTTP/1.1"

    @cached_property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(piece.data for piece in self.pieces)

    def with_body(self, body: bytes) -> Reply:
        """The reply with another body, in pieces cut where the old ones were."""
        pieces, offset = [], 0
        for n, piece in enumerate(self.pieces):
            last = n == len(self.pieces) - 1
            end = len(body) if last else min(len(body), offset + len(piece.data))
            pieces.append(Piece(piece.at, body[offset:end]))
            offset = end
        headers = tuple(
            (k, str(len(body)) if k.lower() == "content-length" else v) for k, v in self.headers
        )
        kept = tuple(p for p in pieces if p.data) or (Piece(0.0, body),)
        return replace(self, pieces=kept, headers=headers)

    def header(self, name: str) -> str | None:
        """The first header field of that name, in any case, or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


@dataclass(frozen=True)
class Exchange:
    """One request, its reply if any byte of one came, and how it ended.

    `dialogue` and `step` say in which conversation it stood, `connection` which connection carried
    it (equal numbers: the same one). `detail` is a sentence on any end but `complete`. `resent` is
    true if the first copy met a reused connection that the server had closed without one byte.
    `neighbours` counts the other exchanges that were under way at any time of this one.
    """

    number: int
    dialogue: str
    step: int
    request: Request
    reply: Reply | None
    end: End
    detail: str = ""
    connection: int = 0
    resent: bool = False
    neighbours: int = 0
    started: float = 0.0
    ended: float = 0.0
