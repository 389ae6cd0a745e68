"""What JSON and HTTP leave to the receiver: requests that a server may accept or refuse.

A request of this kind is judged by no rule that wants either outcome; that it must not break the
server holds all the same.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from conformance.wire.exchange import Request

DEEP = 64  # levels of nesting that every reader is expected to take
LONG = 19  # digits of an integer that every reader is expected to take
MARK = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]')
HALF = re.compile(rb"\\u[dD]|\xed")  # what any half of a surrogate pair begins with
MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def leeway(request: Request) -> str:
    """Why either outcome is right for a request, or nothing."""
    body = request.body or b""
    if body.startswith(MARKS):
        return "a byte order mark, or another encoding (RFC 8259 section 8.1)"
    return _of_text(body)


class _Notes(list[str]):
    """What a reader of JSON meets on its way that another reader may refuse."""

    def constant(self, name: str) -> None:
        """NaN and the infinities."""
        self.append(f"{name}, which some readers take (RFC 8259 section 9)")

    def integer(self, digits: str) -> int:
        """Integers, of any length."""
        if len(digits.lstrip("-")) > LONG:
            self.append(f"an integer of more than {LONG} digits (RFC 8259 section 6)")
        return 0

    def real(self, text: str) -> float:
        """Numbers with a fraction or an exponent."""
        if math.isinf(float(text)):
            self.append("a number beyond double precision (RFC 8259 section 6)")
        return 0.0

    def members(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """The members of an object."""
        if len(dict(pairs)) < len(pairs):
            self.append("repeated members (RFC 8259 section 4)")
        return dict(pairs)


def _of_text(body: bytes) -> str:
    if _is_deep(body):
        return f"more than {DEEP} levels of nesting (RFC 8259 section 9)"
    notes = _Notes()
    try:
        value = json.loads(
            body,
            parse_constant=notes.constant,
            parse_int=notes.integer,
            parse_float=notes.real,
            object_pairs_hook=notes.members,
        )
        if HALF.search(body):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return "half of a surrogate pair (RFC 8259 section 8.2)"
    except (ValueError, RecursionError):
        return ""
    return notes[0] if notes else ""


def _is_deep(body: bytes) -> bool:
    """Whether the nesting is deeper than `DEEP`; brackets in strings do not count."""
    depth = 0
    if body.count(b"[") + body.count(b"{") <= DEEP:
        return False
    for mark in MARK.finditer(body):
        depth += (mark[0] in b"[{") - (mark[0] in b"]}")
        if depth > DEEP:
            return True
    return False
