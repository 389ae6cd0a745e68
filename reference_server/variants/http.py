"""Other ways to use HTTP."""

from __future__ import annotations

from dataclasses import replace

from conformance.wire.exchange import Reply
from reference_server.variants.variant import variant


@variant(on="*", norms={"HTTP-24"})
def request_id(reply: Reply) -> Reply:
    """Gives every reply an id and other headers of its own."""
    more = (
        ("x-request-id", "req_0123456789abcdef"),
        ("openai-processing-ms", "12"),
        ("x-ratelimit-remaining-requests", "59"),
        ("set-cookie", "a=b; Path=/"),
    )
    return replace(reply, headers=(*reply.headers, *more))
