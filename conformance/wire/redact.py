"""Redaction at recording time, by value, before anything is judged.

Every byte of the key becomes `*` wherever it stands, in each form in which it can travel, so that
lengths, offsets and the borders of pieces stay. A key under 12 characters (`ollama`, `EMPTY`) is no
secret: it is hidden in request headers and never searched for in bodies.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from urllib.parse import quote, quote_plus

from conformance.wire.exchange import Exchange, Headers, Piece, Reply, Request
from conformance.wire.marks import WRONG_KEY

SECRET = 12  # characters from which on a key is searched for in bodies
PRIVATE = frozenset({"authorization", "proxy-authorization", "api-key", "x-api-key", "cookie"})


class Redactor:
    """Hides one key."""

    def __init__(self, key: str | None) -> None:
        self._key = key or ""
        secret = len(self._key) >= SECRET
        forms = sorted(set(_forms(self._key)), key=len, reverse=True) if secret else []
        self._pattern = re.compile(b"|".join(map(_pattern, forms))) if forms else None

    def data(self, data: bytes) -> bytes:
        """The same number of bytes, every byte of the key a `*`."""
        if self._pattern is None:
            return data
        return self._pattern.sub(lambda match: b"*" * len(match.group()), data)

    def text(self, text: str) -> str:
        """The same for text."""
        return self.data(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def pieces(self, pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
        """The same for a body in pieces, a key across two of them included."""
        if self._pattern is None:
            return pieces
        body = self.data(b"".join(piece.data for piece in pieces))
        ends = list(accumulate(len(piece.data) for piece in pieces))
        return tuple(
            replace(piece, data=body[end - len(piece.data) : end])
            for piece, end in zip(pieces, ends, strict=True)
        )

    def request_headers(self, headers: Headers) -> Headers:
        """Headers that were sent: private values hidden whole but for the scheme."""
        return tuple((name, self._private(name, value)) for name, value in headers)

    def _private(self, name: str, value: str) -> str:
        if name.lower() not in PRIVATE:
            return self.text(value)
        scheme, blank, rest = value.rpartition(" ")
        if rest == WRONG_KEY:
            return value
        return f"{scheme}{blank}{'*' * len(rest)}"

    def exchange(self, exchange: Exchange) -> Exchange:
        """An exchange as it may be kept."""
        return replace(
            exchange,
            request=self._request(exchange.request),
            reply=exchange.reply and self._reply(exchange.reply),
            detail=self.text(exchange.detail),
        )

    def _request(self, request: Request) -> Request:
        return replace(
            request,
            path=self.text(request.path),
            headers=self.request_headers(request.headers),
            body=None if request.body is None else self.data(request.body),
        )

    def _reply(self, reply: Reply) -> Reply:
        headers = tuple((self.text(name), self.text(value)) for name, value in reply.headers)
        return replace(reply, headers=headers, pieces=self.pieces(reply.pieces))


def _forms(key: str) -> Iterator[bytes]:
    """The key as it is, percent-encoded, in JSON, and in base64 at each of the three alignments."""
    raw = key.encode("utf-8", "surrogatepass")
    yield raw
    for quoted in (quote(key, safe=""), quote_plus(key), quote(key)):
        yield quoted.encode()
    yield "".join(f"%{byte:02X}" for byte in raw).encode()
    yield json.dumps(key)[1:-1].encode()
    yield json.dumps(key, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass")
    yield json.dumps(key)[1:-1].replace("/", "\\/").encode()
    yield "".join(f"\\u{unit:04x}" for unit in _units(key)).encode()
    for shift in range(3):
        yield from _shifted(raw, shift)


def _units(key: str) -> Iterator[int]:
    data = key.encode("utf-16-be", "surrogatepass")
    yield from (int.from_bytes(data[n : n + 2], "big") for n in range(0, len(data), 2))


def _shifted(raw: bytes, shift: int) -> Iterator[bytes]:
    """What stands in base64 for the key when so many bytes come before it, without the characters
    that depend on its neighbours.
    """
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        coded = encode(b"\0" * shift + raw).rstrip(b"=")
        first = (shift * 8 + 5) // 6
        whole = (shift + len(raw)) * 8 // 6
        yield coded[first:whole]


def _pattern(form: bytes) -> bytes:
    """A form as a pattern; the hex digits of an escape stand in either case."""
    if b"%" in form or b"\\u" in form:
        return re.sub(
            rb"(?<=%)[0-9A-Fa-f]{2}|(?<=\\\\u)[0-9A-Fa-f]{4}",
            lambda match: b"(?i:" + match.group() + b")",
            re.escape(form),
        )
    return re.escape(form)
