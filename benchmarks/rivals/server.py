"""The reference server, counting: it says where it listens, and GET /spent how many requests came,
how many of them succeeded, and what CPU the process has used so far.

Counting is done here, at the server, so that it costs no tester anything and misses nothing that
one of them sends and does not tell; `GET /spent` itself is not counted.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen

import uvicorn
from starlette.responses import JSONResponse

from reference_server.app import Server, create_app
from reference_server.cli import ALIASES
from reference_server.engine.embedded import Embedded

MODEL = Embedded.name
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Spent:
    """What a server was asked and has used."""

    requests: int
    succeeded: int
    cpu: float

    def since(self, before: Spent) -> Spent:
        """The difference to an earlier time."""
        return Spent(
            self.requests - before.requests,
            self.succeeded - before.succeeded,
            self.cpu - before.cpu,
        )


class Counting:
    """An application that counts what reaches the one below it."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.requests = 0
        self.succeeded = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == "/spent":
            spent = {"requests": self.requests, "succeeded": self.succeeded}
            await JSONResponse(spent | {"cpu": time.process_time()})(scope, receive, send)
        else:
            self.requests += 1
            await self._app(scope, receive, self._seeing(send))

    def _seeing(self, send: Send) -> Send:
        async def seen(message: Message) -> None:
            started = message["type"] == "http.response.start"
            self.succeeded += started and message["status"] < 300
            await send(message)

        return seen


@contextmanager
def serving() -> Iterator[str]:
    """A server in a process of its own: where it listens."""
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603
        try:
            assert child.stdout is not None
            yield child.stdout.readline().strip()
        finally:
            child.kill()


def spent(url: str) -> Spent:
    """What the server at a URL has spent so far."""
    with urlopen(f"{url}/spent", timeout=30) as reply:  # noqa: S310  our own server
        return Spent(**json.load(reply))


def main() -> None:
    """Serve on a free port of the loopback interface until told to stop."""
    engine = Embedded()
    app = Counting(create_app(Server(engine, engine, ALIASES)))
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(app, http="h11", log_level="critical", lifespan="off")
    uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main()
