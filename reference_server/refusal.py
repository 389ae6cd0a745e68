"""A request that is refused, and the envelope that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class Refused(Exception):
    """A request that is refused: status and the members of the error envelope.

    `retry` is the number of seconds after which it may be tried again, for `Retry-After`.
    """

    message: str
    param: str | None = None
    code: str | None = None
    status: int = 400
    type: str = "invalid_request_error"
    retry: int | None = None

    def body(self) -> dict[str, Any]:
        """The envelope."""
        error = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return {"error": error}


def failed(message: str) -> Refused:
    """A failure of the server itself, in words that tell nothing about it."""
    return Refused(message, status=500, type="server_error", code="server_error")
