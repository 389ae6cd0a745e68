"""The server under thousands of requests, a third of them broken, from clients that vanish.

It answers nothing with 5xx, keeps its memory, and frees every slot.
"""

import json
import random
import socket
import statistics
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from serving import child, eventually, sequences
from traffic import (
    CITY,
    GENERATING,
    Sent,
    addressed,
    chat,
    response,
    schema,
    sent,
    text,
    together,
    tools,
)

AT_ONCE = 16
GROWTH = 0.05  # of the memory that the server takes once it is warm, at the most
STEP = 0.15  # of it that what many large requests at once took may stay with the allocator
PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def picture(url: str) -> list[dict[str, object]]:
    part = {"type": "image_url", "image_url": {"url": url}}
    return [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, part]}]


def embeddings(number: int) -> Sent:
    given = [f"text {number}", [1, 2, number % 250]][number % 2]
    form = {"encoding_format": ["float", "base64"][number % 2], "dimensions": 64}
    return sent("/embeddings", {"input": given, **form})


VALID: Sequence[Callable[[int], Sent]] = (
    *GENERATING,
    embeddings,
    lambda n: sent("/images/generations", {"prompt": f"{n}", "size": "16x16"}),
    lambda n: Sent("/models", None, "GET"),
    lambda n: Sent("/models/library/copy:1b", None, "GET"),
    lambda n: chat(n, messages=picture(PNG)),
)


def raw(path: str, body: bytes, *allowed: int, kind: str = "application/json") -> Sent:
    return Sent(path, body, "POST", (("content-type", kind),), allowed or (400,))


def refused(request: Sent, *allowed: int) -> Sent:
    return replace(addressed(request, "embedded"), allowed=allowed or (400,))


def hello(**members: object) -> bytes:
    return json.dumps(
        {"model": "embedded", "messages": [{"role": "user", "content": "x"}]} | members
    ).encode()


BROKEN: Sequence[Callable[[int], Sent]] = (
    lambda n: raw("/chat/completions", hello()[: n % 40]),
    lambda n: raw("/responses", b'{"model":"embedded","input":"x",}'),
    lambda n: raw("/completions", b"[]"),
    lambda n: refused(chat(n, messages="x")),
    lambda n: refused(chat(n, messages=[])),
    lambda n: refused(chat(n, temperature=[9, "1", True, -1][n % 4])),
    lambda n: refused(chat(n, max_tokens=[0, -1, 1.5, "5", 1e300][n % 5]), 400, 200),
    lambda n: refused(text(n, prompt={"a": 1})),
    lambda n: refused(response(n, input=[{"type": "message", "role": "x", "content": 5}])),
    lambda n: refused(response(n, previous_response_id=f"resp_{n}")),
    lambda n: refused(chat(n, model=f"model-{n}"), 404),
    lambda n: Sent(f"/nothing/{n}", None, ["GET", "POST"][n % 2], allowed=(404,)),
    lambda n: Sent("/chat/completions", b"{}" if n % 2 else None, ["GET", "PUT"][n % 2], allowed=(405,)),
    lambda n: raw("/embeddings", b"input=x", 415, kind="application/x-www-form-urlencoded"),
    lambda n: raw("/chat/completions", hello(), 415, kind="text/plain"),
    lambda n: refused(chat(n, messages=picture("http://127.0.0.1:9/x.png"))),
    lambda n: refused(chat(n, messages=picture("data:image/png;base64,AAAA"))),
    lambda n: refused(chat(n, response_format=schema({"type": "array", "uniqueItems": True}))),
    lambda n: refused(chat(n, tools=tools({"name": "f", "parameters": CITY | {"not": {}}}))),
    lambda n: refused(response(n, text={"format": {"type": "json_schema", "name": "x", "schema": {"$ref": "#"}}})),
    lambda n: raw("/chat/completions", b'{"model":"embedded","messages":' + b"[" * (10_000 + n % 9) + b"}"),
    lambda n: raw("/chat/completions", hello().replace(b'"x"', b'"\\ud800"')),
    lambda n: raw("/completions", b'{"model":"embedded","prompt":"x","temperature":NaN}'),
    lambda n: raw("/completions", b'\xff\xfe{"model":"embedded"}'),
    lambda n: refused(chat(n, messages=[{"role": "user", "content": "x" * 9_000}])),
    lambda n: raw("/chat/completions", b'{"a":"' + b'\\"' * 20_000),
    lambda n: refused(text(n, prompt="x" * 200_000)),
    lambda n: raw("/completions", b'{"model":' + b" " * (17 << 20) + b"}", 413),
)  # fmt: skip


def request(number: int) -> Sent:
    """A request by its number; every third one is broken."""
    if number % 3 == 0:
        return BROKEN[number // 3 % len(BROKEN)](number)
    made = VALID[number % len(VALID)](number)
    return made if made.body is None else addressed(made, "embedded")


def vanish(url: str, number: int) -> None:
    """A client that goes away: in its body, before the answer, or in a stream."""
    where = urlsplit(url)
    body = hello(stream=number % 2 == 0, max_tokens=2000, seed=number)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    with socket.create_connection((where.hostname, where.port)) as client:
        if number % 3 == 0:
            client.sendall(head.encode() + body[: len(body) // 2])
        else:
            client.sendall(head.encode() + body)
        if number % 3 == 2:
            client.settimeout(0.2)
            with suppress(TimeoutError):
                client.recv(1000)
        if number % 4 == 0:  # by a reset, not by an orderly end
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def resident(process: int) -> int:
    """The memory of a process in kB."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        pytest.skip("the memory of a process is read in /proc")
    return int(status.read_text().partition("VmRSS:")[2].split()[0])


def soak(count: int, size: int) -> list[int]:
    """Send so many requests in rounds of one size; the memory of the server after each round."""
    memory: list[int] = []
    with child("--pace", "0") as server:
        for start in range(0, count, size):
            numbers = range(start, start + size)
            for number in random.Random(start).sample(numbers, 8):
                vanish(server.url, number)
            requests = [request(number) for number in numbers]
            wrong = [
                (number, reply.status, reply.body[:200])
                for number, asked, reply in zip(
                    numbers, requests, together(server.url, requests, AT_ONCE), strict=True
                )
                if reply.status not in asked.allowed
            ]
            assert not wrong
            memory.append(resident(server.process.pid))
        assert eventually(lambda: sequences(server.url) == 0)
        assert server.process.poll() is None
    return memory


def growth(memory: Sequence[int]) -> float:
    """The share by which memory grows steadily: the median of all slopes (Theil and Sen), which one
    step of the allocator does not move.
    """
    pairs = combinations(enumerate(memory), 2)
    slope = statistics.median((after - before) / (n - m) for (m, before), (n, after) in pairs)
    return slope * len(memory) / statistics.median(memory)


@pytest.mark.soak
def test_ten_thousand_requests() -> None:
    memory = soak(10_000, 100)
    before, after = memory[30:40], memory[-10:]
    assert growth(memory[30:]) <= GROWTH, memory
    assert statistics.median(after) <= statistics.median(before) * (1 + STEP), memory


def test_a_leak_is_told_from_a_step() -> None:
    """A kilobyte a request, also where only each tenth round shows it; and one step of 8 MB."""
    assert growth([140_000 + 100 * n for n in range(100)]) > GROWTH
    assert growth([140_000 + 1000 * (n // 10) for n in range(100)]) > GROWTH
    assert growth([140_000 + 8_000 * (n > 60) for n in range(100)]) == 0.0


def test_five_hundred_requests() -> None:
    assert len(soak(500, 50)) == 10
