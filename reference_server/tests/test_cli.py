"""The command `reference-server`, as those see it who run it."""

import asyncio
import json
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from serving import Reply, ask, child, connect, eventually, sequences

from reference_server.cli import GRACE, _listener

CHAT = {"messages": [{"role": "user", "content": "Go on: 1 2 3"}], "max_tokens": 4000}
ENDLESS = {
    "chat": ("/v1/chat/completions", CHAT | {"stream": True}),
    "completions": ("/v1/completions", {"prompt": "Go on: 1 2 3", "max_tokens": 4000, "stream": True}),
    "responses": ("/v1/responses", {"input": "Go on: 1 2 3", "max_output_tokens": 4000, "stream": True}),
    "plain": ("/v1/chat/completions", CHAT),
    "short": ("/v1/chat/completions", CHAT | {"stream": True, "max_tokens": 15}),
}  # fmt: skip


def test_small_writes_leave_at_once() -> None:
    """Without TCP_NODELAY an answer waits 40 ms for the client to acknowledge its headers."""

    async def delayed() -> int:
        made = asyncio.get_running_loop().create_future()
        listener = _listener("127.0.0.1", 0)
        server = await asyncio.start_server(lambda _, out: made.set_result(out), sock=listener)
        async with server:
            _, there = await asyncio.open_connection(*listener.getsockname())
            here = await made
            accepted = here.get_extra_info("socket")
            option = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            for end in (here, there):
                end.close()
                await end.wait_closed()
        return option

    assert asyncio.run(delayed())


def test_a_server_that_is_stopped_ends_every_answer_in_words() -> None:
    with child("--pace", "0.1") as server:

        def begin(name: str) -> Reply:
            path, members = ENDLESS[name]
            body = json.dumps({"model": "embedded", "temperature": 0} | members).encode()
            return ask(connect(server.url), "POST", path, body)

        with ThreadPoolExecutor(8) as pool, connect_half(server.url):
            asked = {name: pool.submit(begin, name) for name in ENDLESS}
            assert eventually(lambda: sequences(server.url) == len(ENDLESS), 10)
            server.process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            replies = {name: reply.result(20) for name, reply in asked.items()}
            assert server.process.wait(20) == -signal.SIGTERM
        assert time.monotonic() - began < GRACE + 3
    last = {name: reply.body.split(b"\n\n")[-2:-1] for name, reply in replies.items()}
    assert last["short"] == [b"data: [DONE]"]
    for name in ("chat", "completions"):
        assert (
            json.loads(last[name][0].removeprefix(b"data: "))["error"]["type"] == "overloaded_error"
        )
    assert last["responses"][0].startswith(b"event: response.failed\n")
    assert replies["plain"].status == 503
    assert json.loads(replies["plain"].body)["error"]["message"] == "the server is stopping"


@pytest.mark.parametrize("after", [0, 0.01, 0.3])
def test_an_interrupt_is_no_accident(after: float, capfd: pytest.CaptureFixture[str]) -> None:
    """Also between the line that says it listens and the first turn of its loop."""
    with child() as server:
        time.sleep(after)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(20) == 130
    assert capfd.readouterr().err == ""


def connect_half(url: str) -> socket.socket:
    """A client that sends half a request and waits."""
    connection = connect(url)
    connection.connect()
    connection.sock.sendall(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{"
    )
    return connection.sock


def test_a_second_server_on_the_same_port_says_so() -> None:
    with child() as first:
        port = first.url.rpartition(":")[2].partition("/")[0]
        with child("--port", port) as second:
            assert second.process.wait(20) == 2
