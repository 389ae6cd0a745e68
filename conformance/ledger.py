"""The ledger: the append-only record of a run, one JSON value a line, redacted, with full bodies.

The first line says what was planned and against what, each further line is one exchange, the last
says how the run ended. A ledger without a last line is of a run that was killed. Whatever is known
of a run later (verdicts, reports, comparisons) is made from this file alone.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock
from typing import IO, Any

from conformance.errors import Misconfigured
from conformance.wire.exchange import End, Exchange, Headers, Piece, Reply, Request

FORMAT = 1


@dataclass(frozen=True)
class Head:
    """The first line: target, choices, plan.

    `planned` counts the exchanges planned for each surface; `unsent` holds for each operation the
    place, the kind of value and the reason of what no plan sends; `declared` holds the capabilities
    that the vendor's file claims (true) or disclaims (false); `waivers` maps requirement ids (or
    `surface::id`) to reasons.
    """

    target: str
    model: str
    profile: str
    intensity: str
    seed: int
    suite: str
    document: str
    edition: str = "draft"
    embedding_model: str = ""
    started: str = ""
    only: tuple[str, ...] = ()
    planned: Mapping[str, int] = field(default_factory=dict)
    unsent: Mapping[str, tuple[tuple[str, str, str], ...]] = field(default_factory=dict)
    declared: Mapping[str, bool] = field(default_factory=dict)
    waivers: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    format: int = FORMAT


@dataclass(frozen=True)
class Tail:
    """The last line: why the run ended (`complete`, `requests`, `seconds`, `tokens`, `interrupted`,
    `unusable`, `lost`), a sentence on it, and how long it took in seconds.
    """

    reason: str
    detail: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Recording:
    """A ledger, read. `tail` is None if the run was killed."""

    head: Head
    exchanges: tuple[Exchange, ...]
    tail: Tail | None

    def dialogues(self) -> Iterator[tuple[Exchange, ...]]:
        """The exchanges of each dialogue in the order of their steps."""
        groups: dict[str, list[Exchange]] = {}
        for exchange in self.exchanges:
            groups.setdefault(exchange.dialogue, []).append(exchange)
        for group in groups.values():
            yield tuple(sorted(group, key=lambda exchange: exchange.step))


class Ledger:
    """Writes a ledger line by line; each line is flushed before the next request is judged."""

    def __init__(self, path: Path, head: Head) -> None:
        self.path = path
        self._lock = Lock()
        self._file: IO[str] = path.open("w", encoding="utf-8", newline="\n")
        self._line({"kind": "head", **asdict(head)})

    def write(self, *exchanges: Exchange) -> None:
        """Append exchanges."""
        for exchange in exchanges:
            self._line(dump(exchange))

    def close(self, tail: Tail) -> None:
        """Append the last line."""
        self._line({"kind": "tail", **asdict(tail)})
        with self._lock:
            os.fsync(self._file.fileno())
            self._file.close()

    def _line(self, value: Mapping[str, Any]) -> None:
        text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
        with self._lock:
            self._file.write(text + "\n")
            self._file.flush()


def dump(exchange: Exchange) -> dict[str, Any]:
    """An exchange as JSON: bytes as text where they are UTF-8, else in base64."""
    request, reply = exchange.request, exchange.reply
    return {
        "kind": "exchange",
        "number": exchange.number,
        "dialogue": exchange.dialogue,
        "step": exchange.step,
        "request": {
            "method": request.method,
            "path": request.path,
            "headers": [list(pair) for pair in request.headers],
            **({} if request.body is None else _bytes(request.body)),
            **({"pace": request.pace} if request.pace else {}),
        },
        "reply": reply
        and {
            "status": reply.status,
            "http_version": reply.http_version,
            "headers": [list(pair) for pair in reply.headers],
            "pieces": [{"at": p.at, **_bytes(p.data)} for p in reply.pieces],
        },
        "end": exchange.end.value,
        "detail": exchange.detail,
        "connection": exchange.connection,
        "resent": exchange.resent,
        "neighbours": exchange.neighbours,
        "started": exchange.started,
        "ended": exchange.ended,
    }


def _bytes(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _unbytes(value: Mapping[str, Any]) -> bytes | None:
    if "base64" in value:
        return base64.b64decode(value["base64"])
    return value["text"].encode("utf-8") if "text" in value else None


def load(value: Mapping[str, Any]) -> Exchange:
    """The exchange of one line."""
    request, reply = value["request"], value["reply"]
    return Exchange(
        number=value["number"],
        dialogue=value["dialogue"],
        step=value["step"],
        request=Request(
            request["method"],
            request["path"],
            _headers(request["headers"]),
            _unbytes(request),
            request.get("pace", 0.0),
        ),
        reply=reply
        and Reply(
            reply["status"],
            _headers(reply["headers"]),
            tuple(Piece(piece["at"], _unbytes(piece) or b"") for piece in reply["pieces"]),
            reply["http_version"],
        ),
        end=End(value["end"]),
        detail=value["detail"],
        connection=value["connection"],
        resent=value["resent"],
        neighbours=value["neighbours"],
        started=value["started"],
        ended=value["ended"],
    )


def _headers(pairs: list[list[str]]) -> Headers:
    return tuple((name, value) for name, value in pairs)


def read(path: Path) -> Recording:
    """Read a ledger; a last line that was cut in writing is left out."""
    head: Head | None = None
    tail: Tail | None = None
    exchanges: list[Exchange] = []
    for number, value in _lines(path):
        match value.pop("kind", None):
            case "head":
                head = _head(path, value)
            case "exchange":
                exchanges.append(load(value))
            case "tail":
                tail = Tail(**value)
            case kind:
                raise Misconfigured(f"{path}:{number}: a line of unknown kind {kind!r}")
    if head is None:
        raise Misconfigured(f"{path} is no ledger", "give the run.jsonl that a run has written")
    return Recording(head, tuple(exchanges), tail)


def _head(path: Path, value: dict[str, Any]) -> Head:
    if value.get("format") != FORMAT:
        raise Misconfigured(
            f"{path} has ledger format {value.get('format')}, this version reads {FORMAT}",
            "judge it with the version of the suite named in its first line",
        )
    return Head(**{**value, "only": tuple(value["only"])})


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read: {error}") from None
    for number, line in enumerate(lines, 1):
        try:
            yield number, json.loads(line)
        except json.JSONDecodeError:
            if number < len(lines):
                raise Misconfigured(f"{path}:{number} is no JSON") from None
