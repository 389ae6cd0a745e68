"""An exchange as evidence: the request as curl, the reply with the place of a finding marked."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from conformance.check import Finding
from conformance.contract.contract import load
from conformance.reading import NotJson, strict_json
from conformance.report.clean import clean, readable
from conformance.wire.exchange import Exchange
from conformance.wire.sse import decode

SHOWN = 6_000  # bytes of a body that are shown; run.jsonl has all of them
AROUND = 1_500  # bytes kept on each side of the place
LARGEST = 100_000  # bytes of a body that a command line takes
EVENTS = 12  # rows of the table of events
METHODS = {
    "/chat/completions": "chat.completions.create",
    "/completions": "completions.create",
    "/embeddings": "embeddings.create",
    "/images/generations": "images.generate",
    "/responses": "responses.create",
}
OWN = frozenset({"host", "connection", "content-length", "accept", "user-agent", "accept-encoding"})


@dataclass(frozen=True)
class Marked:
    """A body in three parts, of which the second is the place; and how many bytes are left out
    before and after.
    """

    before: str
    place: str
    after: str
    skipped_before: int
    skipped_after: int


@dataclass(frozen=True)
class EventRow:
    """An event for the table: number, seconds since the request, data, whether it is the place."""

    number: int
    at: float
    data: str
    marked: bool


def curl(exchange: Exchange, base: str) -> str:
    """A command that sends the same request; the key comes from the environment."""
    request = exchange.request
    words = ["curl", "-sS", "-i", "-N"]
    if request.method != ("GET" if request.body is None else "POST"):
        words += ["-X", request.method]
    if request.pace:
        words += ["--limit-rate", f"{round(len(request.body or b'') / request.pace) or 1}"]
    line = " ".join(shlex.quote(word) for word in (*words, base + request.path))
    for name, value in request.headers:
        if name.lower() == "authorization":
            line += ' \\\n  -H "Authorization: Bearer $OPENAI_API_KEY"'
        elif name.lower() not in OWN:
            line += f" \\\n  -H {shlex.quote(f'{name}: {value}')}"
    return line + _data(request.body)


def _data(body: bytes | None) -> str:
    if body is None:
        return ""
    if len(body) > LARGEST:
        return f" \\\n  --data-binary @body  # {len(body)} bytes, in run.jsonl"
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if text.isprintable() and (text or not body):
        return f" \\\n  --data-binary {shlex.quote(text)}"
    octal = "".join(f"\\{byte:03o}" for byte in body)
    return f" \\\n  --data-binary @<(printf '{octal}')"


def body(exchange: Exchange) -> str:
    """The JSON of a request, one member a line; nothing where it is no JSON."""
    sent = strict_json(exchange.request.body or b"")
    if isinstance(sent, NotJson) or len(exchange.request.body or b"") > LARGEST:
        return ""
    return clean(json.dumps(sent, indent=2, ensure_ascii=False))


def python(exchange: Exchange, base: str) -> str:
    """The same request by openai-python; nothing where the client has no method for it."""
    path, sent = exchange.request.path, strict_json(exchange.request.body or b"")
    if path not in METHODS or not isinstance(sent, dict):
        return ""
    known, more = _arguments(path, sent)
    lines = [f"    {name}={value!r}," for name, value in known.items()]
    lines += [f"    extra_body={more!r},"] if more else []
    made = "\n".join([f"answer = client.{METHODS[path]}(", *lines, ")"])
    told = "print(list(answer))" if sent.get("stream") is True else "print(answer)"
    client = f'client = OpenAI(base_url="{base}")  # the key comes from OPENAI_API_KEY'
    return clean(f"from openai import OpenAI\n\n{client}\n{made}\n{told}\n")


def _arguments(path: str, sent: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The members that are arguments of the client's method, and those that are not."""
    operation = load().judging.route("POST", path)
    assert operation is not None
    assert operation.request is not None
    members = load().document.at(operation.request)["properties"]
    known = {name: value for name, value in sent.items() if name in members}
    return known, {name: value for name, value in sent.items() if name not in members}


def head(exchange: Exchange) -> str:
    """Status line and headers of the reply."""
    reply = exchange.reply
    if reply is None:
        return f"no reply: {exchange.detail}"
    lines = [f"{reply.http_version} {reply.status}", *(f"{k}: {v}" for k, v in reply.headers)]
    return readable("\n".join(lines).encode("utf-8", "backslashreplace"))


def marked(exchange: Exchange, findings: Iterable[Finding]) -> Marked:
    """The body with the place of the first finding that has one."""
    body = exchange.reply.body if exchange.reply else b""
    start, end = next((span for f in findings if (span := _span(exchange, f))), (0, 0))
    if len(body) <= SHOWN:
        low, high = 0, len(body)
    else:
        low, high = max(0, start - AROUND), min(len(body), max(end, start) + AROUND)
    return Marked(
        before=readable(body[low:start]),
        place=readable(body[start : min(end, start + AROUND)]),
        after=readable(body[min(end, start + AROUND) : high]),
        skipped_before=low,
        skipped_after=len(body) - high,
    )


def _span(exchange: Exchange, finding: Finding) -> tuple[int, int] | None:
    """The bytes that a finding means, or None."""
    reply, at = exchange.reply, finding.at
    if reply is None:
        return None
    if at.event is not None:
        events = decode(reply.pieces).events
        if at.event < len(events):
            return events[at.event].start, events[at.event].end
    if at.offset is not None:
        return at.offset, min(len(reply.body), at.offset + 16)
    name = at.pointer.rpartition("/")[2].encode("utf-8", "replace")
    found = reply.body.find(b'"' + name + b'"') if name and not name.isdigit() else -1
    return (found, found + len(name) + 2) if found >= 0 else None


def events(exchange: Exchange, findings: Iterable[Finding]) -> Iterator[EventRow]:
    """The events around the places of some findings; none where the reply is no stream."""
    reply = exchange.reply
    if reply is None or not (reply.header("content-type") or "").startswith("text/event-stream"):
        return
    places = {finding.at.event for finding in findings}
    found = decode(reply.pieces).events
    first = min((place for place in places if place is not None), default=0)
    low = max(0, min(first - EVENTS // 2, len(found) - EVENTS))
    for number, event in list(enumerate(found))[low : low + EVENTS]:
        data = readable(event.data.encode("utf-8", "backslashreplace"))
        yield EventRow(number, event.at - exchange.started, data, number in places)
