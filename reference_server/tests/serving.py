"""Servers for tests: a child process whose memory and end can be watched, and one in a thread."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from json import loads
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from reference_server.app import Server, create_app
from reference_server.cli import _listener
from reference_server.decode import ROWS, Batch
from reference_server.engine.embedded import Embedded


@dataclass(frozen=True)
class Child:
    """A server in a process of its own."""

    url: str
    process: subprocess.Popen[str]


@contextmanager
def child(*arguments: str) -> Iterator[Child]:
    """A reference server as a child process; it is killed at the end."""
    command = [sys.executable, "-m", "reference_server", "--port", "0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield Child(process.stdout.readline().removeprefix("listening on ").strip(), process)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@dataclass(frozen=True)
class Inside:
    """A server in a thread of the test, with its engine within reach."""

    url: str
    batch: Batch


@contextmanager
def inside(engine: Embedded, rows: int = ROWS) -> Iterator[Inside]:
    """A reference server in a thread, on an engine of the test's own."""
    server = Server(engine, engine, (), rows)
    config = uvicorn.Config(create_app(server), http="h11", log_level="critical", lifespan="off")
    listener = _listener("127.0.0.1", 0)
    serving = uvicorn.Server(config)
    thread = threading.Thread(target=serving.run, args=([listener],))
    thread.start()
    try:
        yield Inside(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", server.batch)
    finally:
        serving.should_exit = serving.force_exit = True
        thread.join(10)


@dataclass(frozen=True)
class Reply:
    """A reply, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes


def connect(url: str, timeout: float = 60) -> HTTPConnection:
    """A connection to the host of a URL."""
    return HTTPConnection(urlsplit(url).netloc, timeout=timeout)


def ask(connection: HTTPConnection, method: str, path: str, body: bytes | None = None,
        headers: dict[str, str] | None = None) -> Reply:  # fmt: skip
    """One request and its reply."""
    kind = {"content-type": "application/json"} if body is not None else {}
    connection.request(method, path, body, kind | (headers or {}))
    reply = connection.getresponse()
    names = {name.lower(): value for name, value in reply.getheaders()}
    return Reply(reply.status, names, reply.read())


def sequences(url: str) -> int:
    """How many sequences are under way."""
    return loads(ask(connect(url), "GET", "/health").body)["sequences"]


def eventually(true: Callable[[], Any], within: float = 1.0) -> bool:
    """Whether something becomes true within so many seconds."""
    end = time.monotonic() + within
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.005)
    return bool(found)
