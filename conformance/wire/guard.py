"""Sockets that keep limits: every read knows its deadline, every byte is counted.

Timeouts of HTTP clients are for one read each, so a server that drips one byte at a time holds them
for ever. Here the network backend itself asks a `Watch` before each read and cuts the exchange.
"""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpcore

from conformance.wire.exchange import STOPPED

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What one exchange may cost us: seconds and bytes."""

    connect: float = 5.0
    first_byte: float = 30.0
    idle: float = 30.0
    total: float = 120.0
    header_bytes: int = 65_536
    body_bytes: int = 16 * MIB
    decoded_bytes: int = 16 * MIB
    line_bytes: int = 2 * MIB  # so that a line of more than 1 MiB is seen, not cut
    event_bytes: int = 4 * MIB
    events: int = 20_000


class Cut(Exception):
    """An exchange was cut; the sentence says by what."""


class Aborted(Cut):
    """The run was stopped."""


@dataclass
class Watch:
    """The limits of one exchange under way."""

    limits: Limits
    clock: Callable[[], float]
    aborted: threading.Event
    began: float = 0.0
    sent: float = 0.0
    received: int = 0
    head_done: bool = False
    connection: int = 0
    reused: bool = False

    def allowed(self) -> tuple[float, str]:
        """Seconds until the next limit, and the sentence for reaching it."""
        if self.aborted.is_set():
            raise Aborted(STOPPED)
        limits, now = self.limits, self.clock()
        waits = (
            (f"nothing came for {limits.idle:g} s (idle limit)", limits.idle)
            if self.received
            else (
                f"no first byte within {limits.first_byte:g} s",
                limits.first_byte - (now - max(self.sent, self.began)),
            )
        )
        total = (
            f"not finished within {limits.total:g} s (total limit)",
            limits.total - (now - self.began),
        )
        said, seconds = min(waits, total, key=lambda pair: pair[1])
        if seconds <= 0:
            raise Cut(said)
        return seconds, said

    def count(self, size: int) -> None:
        """Count bytes that came."""
        if not self.head_done and self.received > self.limits.header_bytes:
            raise Cut(f"a head of more than {self.limits.header_bytes} bytes")
        self.received += size


CURRENT = threading.local()


def current() -> Watch:
    """The watch of the exchange that this thread is in."""
    watch: Watch = CURRENT.watch
    return watch


class Stream(httpcore.NetworkStream):
    """A connection whose reads and writes are watched."""

    def __init__(self, inner: httpcore.NetworkStream, number: int, owner: Backend) -> None:
        self._inner = inner
        self._owner = owner
        self.number = number
        self.used: set[int] = set()
        owner.open.add(self)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read within the limits of the exchange."""
        watch = current()
        seconds, said = watch.allowed()
        try:
            data = self._inner.read(max_bytes, seconds)
        except httpcore.ReadTimeout:
            raise Cut(said) from None
        watch.count(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write within the limits of the exchange, and note which connection carries it."""
        watch = current()
        self.used.add(id(watch))
        watch.connection, watch.reused = self.number, len(self.used) > 1
        try:
            self._inner.write(buffer, watch.limits.idle)
        except httpcore.WriteTimeout:
            raise Cut(f"the request was not taken within {watch.limits.idle:g} s") from None
        watch.sent = watch.clock()

    def close(self) -> None:
        """Close the connection."""
        self._owner.open.discard(self)
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """The same connection, encrypted."""
        inner = self._inner.start_tls(ssl_context, server_hostname, current().limits.connect)
        self._owner.open.discard(self)
        return Stream(inner, self.number, self._owner)

    def get_extra_info(self, info: str) -> Any:
        """What the socket knows."""
        return self._inner.get_extra_info(info)

    def shut(self) -> None:
        """Wake whoever reads; safe in a signal handler."""
        raw = self._inner.get_extra_info("socket")
        with suppress(OSError, AttributeError):
            raw.shutdown(socket.SHUT_RDWR)


class Backend(httpcore.NetworkBackend):
    """Makes watched connections and numbers them."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()
        self._numbers = itertools.count(1)
        self.open: set[Stream] = set()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect within the limit."""
        limit = current().limits.connect
        inner = self._inner.connect_tcp(host, port, limit, local_address, socket_options)
        return Stream(inner, next(self._numbers), self)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        """Not offered."""
        raise NotImplementedError

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._inner.sleep(seconds)
