"""The client: sends a request, keeps every byte that comes back with its time, and never raises
for what a server does.

httpx over our own transport, whose sockets keep limits (`guard`). No redirects, no proxies or netrc
from the environment, no cookies; TLS is verified. What is recorded has gone through redaction.
"""

from __future__ import annotations

import importlib.metadata
import re
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpcore
import httpx

from conformance.wire.exchange import STOPPED, End, Exchange, Headers, Piece, Reply, Request
from conformance.wire.guard import CURRENT, Aborted, Backend, Cut, Limits, Watch
from conformance.wire.redact import Redactor
from conformance.wire.sse import Decoder

__all__ = ["Client", "Limits"]

KEEP_ALIVE = 5.0  # seconds that an idle connection is kept
PIECES = 5  # of a body that is sent slowly
CODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 47}  # window bits of zlib


class _Body(httpx.SyncByteStream):
    def __init__(self, inner: httpcore.Response) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        yield from self._inner.iter_stream()

    def close(self) -> None:
        self._inner.close()


class _Slow:
    """A body in some pieces, with pauses between them."""

    def __init__(self, body: bytes, pace: float) -> None:
        size = max(1, -(-len(body) // PIECES))
        self._pieces = [body[n : n + size] for n in range(0, len(body), size)]
        self._pause = pace / max(1, len(self._pieces) - 1)

    def __iter__(self) -> Iterator[bytes]:
        for n, piece in enumerate(self._pieces):
            if n:
                time.sleep(self._pause)
            yield piece


class Transport(httpx.BaseTransport):
    """httpx on a connection pool of httpcore with watched sockets."""

    def __init__(self, connections: int) -> None:
        self.backend = Backend()
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=KEEP_ALIVE,
            network_backend=self.backend,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the body is left to be read."""
        url = request.url
        assert isinstance(request.stream, httpx.SyncByteStream)
        reply = self._pool.handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
            )
        )
        return httpx.Response(
            reply.status, headers=reply.headers, stream=_Body(reply), extensions=reply.extensions
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


@dataclass
class _Attempt:
    """What one try has brought so far."""

    head: httpx.Response | None = None
    pieces: list[Piece] = field(default_factory=list)
    end: End = End.COMPLETE
    detail: str = ""


class Client:
    """A client for one base URL, safe to share between threads.

    `clock` gives seconds since the run began; `limits` hold for each exchange.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: str | None,
        limits: Limits,
        clock: Callable[[], float],
        max_connections: int = 4,
    ) -> None:
        self._base = base_url
        self._limits = limits
        self._clock = clock
        self._redactor = Redactor(key)
        self._aborted = threading.Event()
        self._transport = Transport(max_connections + 1)
        self._client = httpx.Client(
            transport=self._transport,
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers=_headers(key),
        )

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def allow(self, seconds: float) -> None:
        """Wait at least so long for the first byte of a reply, and then as long again as before."""
        self._limits = replace(
            self._limits,
            first_byte=max(self._limits.first_byte, seconds),
            total=max(self._limits.total, seconds + self._limits.first_byte),
        )

    def abort(self) -> None:
        """End what is under way and refuse what comes; safe in a signal handler."""
        self._aborted.set()
        for stream in tuple(self._transport.backend.open):
            stream.shut()

    def send(
        self,
        request: Request,
        *,
        number: int,
        dialogue: str,
        step: int,
        cut_after: int | None = None,
    ) -> Exchange:
        """One exchange. `cut_after` closes the connection on purpose after so many events.

        Nothing is sent twice but a request on a reused connection that got no byte back.
        """
        started = self._clock()
        built = self._build(request)
        attempt, watch = self._try(built, cut_after)
        resent = watch.reused and not watch.received and attempt.end is End.BROKEN
        if resent:
            attempt, watch = self._try(built, cut_after)
        headers = _pairs(built.headers.raw)
        sent = Request(request.method, request.path, headers, request.body, request.pace)
        return self._redactor.exchange(
            Exchange(
                number=number,
                dialogue=dialogue,
                step=step,
                request=sent,
                reply=_reply(attempt),
                end=attempt.end,
                detail=attempt.detail,
                connection=watch.connection,
                resent=resent,
                started=started,
                ended=self._clock(),
            )
        )

    def _build(self, request: Request) -> httpx.Request:
        headers = dict(request.headers)
        if request.body is not None:
            headers = {"Content-Type": "application/json", **headers}
        content: bytes | Iterable[bytes] | None = request.body
        if request.body is not None and request.pace:
            headers["Content-Length"] = str(len(request.body))
            content = _Slow(request.body, request.pace)
        url = httpx.URL(self._base + request.path)
        return self._client.build_request(request.method, url, headers=headers, content=content)

    def _try(self, built: httpx.Request, cut_after: int | None) -> tuple[_Attempt, Watch]:
        attempt = _Attempt()
        watch = Watch(self._limits, self._clock, self._aborted, began=self._clock())
        CURRENT.watch = watch
        try:
            watch.allowed()
            attempt.head = self._client.send(built, stream=True)
            watch.head_done = True
            self._read(attempt, cut_after)
        except Exception as error:  # noqa: BLE001  whatever a server does is an outcome
            attempt.end, attempt.detail = self._outcome(error)
        finally:
            if attempt.head is not None:
                attempt.head.close()
        return attempt, watch

    def _outcome(self, error: Exception) -> tuple[End, str]:
        if isinstance(error, Aborted) or self._aborted.is_set():
            return End.CANCELED, STOPPED
        if isinstance(error, Cut):
            return End.LIMIT, str(error)
        return End.BROKEN, _words(error)

    def _read(self, attempt: _Attempt, cut_after: int | None) -> None:
        """Read the body piece by piece, keeping each with its time."""
        head = attempt.head
        assert head is not None
        stream = head.headers.get("content-type", "").lower().startswith("text/event-stream")
        meter = _Meter(self._limits, stream=stream)
        decode = _decoder(head, self._limits)
        decoder = Decoder()
        events = 0
        for raw in head.stream if isinstance(head.stream, httpx.SyncByteStream) else ():
            data = decode(raw)
            at = self._clock()
            if data:
                attempt.pieces.append(Piece(at, data))
            meter.count(raw, data)
            if cut_after is not None:
                events += len(decoder.feed(data, at))
                if events >= cut_after:
                    attempt.end, attempt.detail = End.CANCELED, f"cut by us after {events} events"
                    return


@dataclass
class _Meter:
    """The sizes of one body."""

    limits: Limits
    stream: bool
    wire: int = 0
    line: int = 0
    event: int = 0
    events: int = 0

    def count(self, raw: bytes, data: bytes) -> None:
        self.wire += len(raw)
        if self.wire > self.limits.body_bytes:
            raise Cut(f"a body of more than {self.limits.body_bytes} bytes")
        if self.stream:
            self._count_lines(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))

    def _count_lines(self, data: bytes) -> None:
        self.line = _since(self.line, data, b"\n")
        self.event = _since(self.event, data, b"\n\n")
        self.events += data.count(b"\n\n")
        for size, most, what in (
            (self.line, self.limits.line_bytes, "a line of more than {} bytes"),
            (self.event, self.limits.event_bytes, "an event of more than {} bytes"),
            (self.events, self.limits.events, "more than {} events"),
        ):
            if size > most:
                raise Cut(what.format(most))


def _since(before: int, data: bytes, mark: bytes) -> int:
    found = data.rfind(mark)
    return before + len(data) if found < 0 else len(data) - found - len(mark)


def _decoder(head: httpx.Response, limits: Limits) -> Callable[[bytes], bytes]:
    """Undoes one content coding that nobody asked for, within the limit; others stay."""
    bits = CODINGS.get(head.headers.get("content-encoding", "").strip().lower())
    if bits is None:
        return lambda data: data
    inflate = zlib.decompressobj(bits)
    left = limits.decoded_bytes

    def decode(data: bytes) -> bytes:
        nonlocal left
        decoded = inflate.decompress(data, left + 1)
        left -= len(decoded)
        if left < 0:
            raise Cut(f"a body that inflates to more than {limits.decoded_bytes} bytes")
        return decoded

    return decode


def _headers(key: str | None) -> dict[str, str]:
    try:
        version = importlib.metadata.version("openai-conformance")
    except importlib.metadata.PackageNotFoundError:
        version = "0"
    headers = {
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "User-Agent": f"openai-conformance/{version}",
    }
    return headers | {"Authorization": f"Bearer {key}"} if key else headers


def _pairs(raw: list[tuple[bytes, bytes]]) -> Headers:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)


def _reply(attempt: _Attempt) -> Reply | None:
    head = attempt.head
    if head is None:
        return None
    return Reply(
        status=head.status_code,
        headers=_pairs(head.headers.raw),
        pieces=tuple(attempt.pieces),
        http_version=head.extensions.get("http_version", b"HTTP/1.1").decode("ascii", "replace"),
    )


WORDS: tuple[tuple[type[Exception], str, str], ...] = (
    (httpcore.ConnectTimeout, "", "no connection within the limit"),
    (httpcore.ConnectError, r"refused", "connection refused"),
    (httpcore.ConnectError, r"name|nodename|getaddrinfo|resolution", "the host name is not known"),
    (httpcore.ConnectError, r"ssl|certificate", "TLS failed: {}"),
    (httpcore.ConnectError, "", "no connection: {}"),
    (httpcore.RemoteProtocolError, "", "broken HTTP: {}"),
    (httpcore.ReadError, "", "the connection was reset: {}"),
    (httpcore.WriteError, "", "the connection was reset: {}"),
    (zlib.error, "", "broken content coding: {}"),
)


def _words(error: Exception) -> str:
    """What broke an exchange, in words that say where to look."""
    text = str(error) or type(error).__name__
    for kind, pattern, words in WORDS:
        if isinstance(error, kind) and re.search(pattern, text.lower()):
            return words.format(text)
    return f"{type(error).__name__}: {text}"
