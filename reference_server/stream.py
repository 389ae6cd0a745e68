"""Answers on their way out: as a stream of events, or as one body."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Protocol

from reference_server.refusal import Refused, failed

Json = dict[str, Any]
DONE = b"data: [DONE]\n\n"
LOG = logging.getLogger("reference_server")


class Answer(Protocol):
    """The answer to one request, as it is made."""

    def chunks(self) -> AsyncGenerator[Json]:
        """The JSON objects of the stream."""
        ...

    async def body(self) -> Json:
        """The plain answer."""
        ...

    def failure(self, refused: Refused) -> Json:
        """The object that says in the stream that the answer failed."""
        ...


async def blocks(answer: Answer, end: bytes = DONE) -> AsyncGenerator[bytes]:
    """The stream: a block for each object, then the end mark. A failure is told in the stream, and
    no end mark hides it. After each block the loop has its turn, or a client that went away would
    be noticed only when everything that waits was written to it.
    """
    try:
        async with aclosing(answer.chunks()) as chunks:
            async for chunk in chunks:
                yield block(chunk)
                await asyncio.sleep(0)
    except Refused as refused:
        yield block(answer.failure(refused))
        return
    except Exception:
        LOG.exception("a stream failed")
        yield block(answer.failure(failed("the model failed")))
        return
    if end:
        yield end


def block(value: Json) -> bytes:
    """One event; objects that have a type carry it as their event's name."""
    name = f"event: {value['type']}\n" if "type" in value else ""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"{name}data: {text}\n\n".encode()
