"""Who shares an engine: nobody waits for tokens that nobody reads, nobody fails with a neighbour."""

import json
import re
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any

import pytest
from serving import Inside, ask, connect, eventually, inside, sequences

from reference_server.engine import Scores
from reference_server.engine.embedded import Embedded

TOKEN = re.compile(rb'"(?:content|text|delta)":"[^"]')
PATIENCE = 10.0  # seconds for what happens at once
BODIES = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "Go on: 1 2 3"}]},
    "/v1/completions": {"prompt": "Go on: 1 2 3"},
    "/v1/responses": {"input": "Go on: 1 2 3"},
}


class Stepped(Embedded):
    """An engine that works only when it is told to, and counts what it does."""

    slow = True

    def __init__(self) -> None:
        super().__init__(0.0)
        self.steps = threading.Semaphore(0)
        self.opened = self.scored = self.closed = 0

    def open(self, tokens: Sequence[int]) -> Any:
        assert self.steps.acquire(timeout=PATIENCE)
        self.opened += 1
        return super().open(tokens)

    def scores(self, states: Sequence[Any]) -> Scores:
        self.scored += 1
        return super().scores(states)

    def push(self, states: Sequence[Any], tokens: Sequence[int]) -> None:
        assert self.steps.acquire(timeout=PATIENCE)
        super().push(states, tokens)

    def close(self, state: Any) -> None:
        self.closed += 1


class Failing(Embedded):
    """An engine that fails in `method` for texts with a bomb in them, after some tokens."""

    def __init__(self, method: str, after: int) -> None:
        super().__init__(0.0)
        self._method, self._after = method, after

    def _try(self, method: str, states: Sequence[Any]) -> None:
        for state in states:
            if (
                method == self._method
                and b"bomb" in state.source
                and len(state.written) >= self._after
            ):
                raise RuntimeError("the bomb went off at /secret/path")

    def open(self, tokens: Sequence[int]) -> Any:
        state = super().open(tokens)
        self._try("open", [state])
        return state

    def scores(self, states: Sequence[Any]) -> Scores:
        self._try("scores", states)
        return super().scores(states)

    def push(self, states: Sequence[Any], tokens: Sequence[int]) -> None:
        for state, token in zip(states, tokens, strict=True):
            super().push([state], [token])  # what came before the failure has been done
            self._try("push", [state])

    def close(self, state: Any) -> None:
        self._try("close", [state])


@pytest.fixture
def engine() -> Stepped:
    return Stepped()


@pytest.fixture
def server(engine: Stepped) -> Iterator[Inside]:
    with inside(engine, rows=4) as made:
        yield made
        engine.steps.release(100_000)


def body(path: str, **members: object) -> bytes:
    return json.dumps({"model": "embedded", "temperature": 0} | BODIES[path] | members).encode()


def begin(server: Inside, path: str, **members: object) -> HTTPConnection:
    """Send a request, and do not wait for anything."""
    connection = connect(server.url, PATIENCE)
    connection.request("POST", path, body(path, **members), {"content-type": "application/json"})
    return connection


def leave(connection: HTTPConnection, *, reset: bool = False) -> None:
    if reset:
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("path", BODIES)
def test_a_token_leaves_before_the_next_one_is_made(
    engine: Stepped, server: Inside, path: str
) -> None:
    reply = begin(server, path, stream=True).getresponse()
    said = b""
    for step in range(1, 6):
        engine.steps.release()
        while len(TOKEN.findall(said)) < step:
            said += reply.read1()
        assert engine.scored == step


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("reset", [True, False])
def test_a_client_that_goes_away_frees_its_slot_within_one_step(
    engine: Stepped, server: Inside, path: str, *, stream: bool, reset: bool
) -> None:
    connection = begin(server, path, stream=stream)
    engine.steps.release(3)
    assert eventually(lambda: engine.scored == 3, PATIENCE)
    assert sequences(server.url) == 1
    leave(connection, reset=reset)
    assert eventually(lambda: sequences(server.url) == 0)  # while a step is under way
    engine.steps.release()  # that step
    assert eventually(lambda: engine.closed == engine.opened == 1)
    engine.steps.release(5)
    assert not eventually(lambda: engine.scored > 3, 0.1)


def test_choices_of_a_client_that_goes_away_all_leave(engine: Stepped, server: Inside) -> None:
    connection = begin(server, "/v1/completions", prompt=["a", "b"], n=2, max_tokens=50)
    engine.steps.release(4)
    assert eventually(lambda: engine.opened == sequences(server.url) == 4, PATIENCE)
    leave(connection)
    assert eventually(lambda: sequences(server.url) == 0)
    engine.steps.release()
    assert eventually(lambda: engine.closed == 4)


def test_an_overloaded_server_says_when_to_come_again(engine: Stepped, server: Inside) -> None:
    kept = [begin(server, path) for path in [*BODIES, "/v1/responses"]]
    assert eventually(lambda: sequences(server.url) == 4, PATIENCE)
    for path in BODIES:
        for stream in (True, False):
            reply = ask(connect(server.url), "POST", path, body(path, stream=stream))
            assert (reply.status, reply.headers["retry-after"]) == (503, "1")
            assert json.loads(reply.body)["error"].keys() == {"message", "type", "param", "code"}
    engine.steps.release(10_000)
    assert [connection.getresponse().status for connection in kept] == [200] * 4
    again = ask(
        connect(server.url), "POST", "/v1/completions", body("/v1/completions", max_tokens=2)
    )
    assert again.status == 200


def test_no_more_sequences_than_allowed_are_ever_under_way(engine: Stepped, server: Inside) -> None:
    engine.steps.release(100_000)
    sizes = []
    open_ = engine.open
    engine.open = lambda tokens: (sizes.append(server.batch.size), open_(tokens))[1]
    with ThreadPoolExecutor(32) as pool:
        path = "/v1/completions"
        replies = list(
            pool.map(
                lambda _: ask(connect(server.url), "POST", path, body(path, max_tokens=4)),
                range(100),
            )
        )
    assert {reply.status for reply in replies} == {200, 503}
    assert max(sizes) <= 4


METHODS = ("open", "scores", "push", "close")


@pytest.mark.parametrize("method", METHODS)
def test_a_request_that_fails_in_the_engine_fails_alone(method: str) -> None:
    text = {"temperature": 0.8, "seed": 3, "max_tokens": 12}
    with inside(Failing(method, 0 if method == "open" else 3)) as server:

        def one(number: int) -> tuple[int, bytes]:
            prompt = "a bomb" if number % 4 == 1 else f"hello {number % 4}"
            reply = ask(
                connect(server.url),
                "POST",
                "/v1/completions",
                body("/v1/completions", prompt=prompt, **text),
            )
            return reply.status, json.loads(reply.body).get("choices", [{}])[0].get("text")

        alone = [one(number) for number in range(4)]
        with ThreadPoolExecutor(8) as pool:
            beside = list(pool.map(one, range(48)))
        assert sequences(server.url) == 0
    assert [status for status, _ in alone] == [200, 200 if method == "close" else 500, 200, 200]
    assert beside == [alone[number % 4] for number in range(48)]


@pytest.mark.parametrize("path", BODIES)
def test_a_failure_in_mid_stream_is_told_in_the_stream(path: str) -> None:
    bomb = {
        "messages": [{"role": "user", "content": "a bomb"}],
        "prompt": "a bomb",
        "input": "a bomb",
    }
    given = {key: bomb[key] for key in BODIES[path]}
    with inside(Failing("scores", 3)) as server:
        reply = ask(connect(server.url), "POST", path, body(path, stream=True, **given))
        assert (reply.status, sequences(server.url)) == (200, 0)
    assert b"[DONE]" not in reply.body
    assert b"secret" not in reply.body
    *events, last = [
        json.loads(block.partition(b"data: ")[2]) for block in reply.body.split(b"\n\n")[:-1]
    ]
    assert (
        sum(
            "delta" in str(event) or event.get("choices", [{}])[0].get("text", "") != ""
            for event in events
        )
        >= 3
    )
    if path == "/v1/responses":
        assert last["type"] == "response.failed"
        assert (last["response"]["status"], last["response"]["error"]["code"]) == (
            "failed",
            "server_error",
        )
        assert [event["sequence_number"] for event in [*events, last]] == list(
            range(len(events) + 1)
        )
    else:
        assert last["error"]["type"] == "server_error"
        assert not any(choice["finish_reason"] for event in events for choice in event["choices"])


def test_a_failure_before_the_answer_is_a_500_with_the_envelope() -> None:
    with inside(Failing("open", 0)) as server:
        reply = ask(
            connect(server.url), "POST", "/v1/completions", body("/v1/completions", prompt="bomb")
        )
    assert reply.status == 500
    assert json.loads(reply.body)["error"]["type"] == "server_error"
    assert b"secret" not in reply.body
