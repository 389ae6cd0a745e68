"""The target: its base URL, what a first look at it shows, and the one that we start ourselves."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from queue import Empty, Queue
from typing import IO
from urllib.parse import urlsplit, urlunsplit

from conformance.errors import Defect, Misconfigured
from conformance.wire.exchange import Exchange

START = 30.0  # seconds that the embedded server may take to listen


def bases(url: str) -> tuple[str, ...]:
    """The base URLs that a URL may mean: as it is, and with `/v1`; one of them works."""
    text = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise Misconfigured(f"{url} is no URL: {error}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise Misconfigured(f"{url} is no http or https URL", "as in http://localhost:11434/v1")
    if parts.username or parts.password:
        raise Misconfigured(
            "the URL carries a password", "give the key by --api-key or OPENAI_API_KEY"
        )
    where = f"[{host}]" if ":" in host else host
    netloc = where if port is None else f"{where}:{port}"
    base = urlunsplit((parts.scheme, netloc, parts.path.rstrip("/"), "", ""))
    last = base.rpartition("/")[2]
    return (base,) if last == "v1" else (f"{base}/v1", base)


def seen(exchange: Exchange) -> tuple[str, str]:
    """What a failed first request showed, and what to try."""
    reply = exchange.reply
    if reply is None:
        return exchange.detail or "no reply", _hint(exchange.detail)
    kind = (reply.header("content-type") or "no media type").partition(";")[0]
    start = reply.body[:80].decode("utf-8", "replace").replace("\n", " ")
    what = f"{reply.status} {kind} {start!r}"
    if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return what, "give the key by --api-key or OPENAI_API_KEY"
    if kind == "text/html":
        return what, "this is a web page; give the base URL of the API, as in http://host:port/v1"
    if reply.status == HTTPStatus.NOT_FOUND:
        return (
            what,
            "nothing is served there; check the path of the base URL, and that models are listed",
        )
    return what, "check that the URL is the base of an OpenAI-compatible API"


def _hint(detail: str) -> str:
    hints = {
        "refused": "is the server running, and on this port?",
        "name": "check the spelling of the host name",
        "TLS": "check the certificate, or http instead of https",
        "first byte": "the server accepts connections but does not answer; is it still loading?",
    }
    found = (hint for word, hint in hints.items() if word.lower() in detail.lower())
    return next(found, "check host, port and path")


@contextmanager
def embedded(*arguments: str) -> Iterator[str]:
    """The embedded reference server as a child process: its base URL.

    It listens on a free port of the loopback interface, and ends with the block or with us.
    """
    command = [sys.executable, "-m", "reference_server", "--port", "0", "--stdin-guard", *arguments]
    child = subprocess.Popen(  # noqa: S603  our own module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        yield _listening(child.stdout)
    finally:
        if child.stdin is not None:
            child.stdin.close()
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _listening(output: IO[str]) -> str:
    """The URL in the line by which the server says that it is ready."""
    lines: Queue[str] = Queue()

    def pump() -> None:
        for line in output:
            lines.put(line)
        lines.put("")

    threading.Thread(target=pump, daemon=True).start()
    try:
        while line := lines.get(timeout=START):
            if line.startswith("listening on "):
                return line.removeprefix("listening on ").strip()
    except Empty:
        raise Defect(f"the embedded server did not start within {START:.0f} s") from None
    raise Defect("the embedded server ended before it listened")
