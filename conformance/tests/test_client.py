"""Whatever a server does is an exchange, within the limits."""

import gzip
import threading
import time
from collections.abc import Callable

import pytest
from answers import reply, reply_json

from conformance.ledger import dump, load
from conformance.probes.probe import Abandoned
from conformance.wire.client import Client, Limits
from conformance.wire.exchange import End, Exchange, Request

SMALL = Limits(connect=1, first_byte=0.5, idle=0.5, total=1.2, header_bytes=4096, body_bytes=100_000,
               decoded_bytes=200_000, line_bytes=5000, event_bytes=9000, events=50)  # fmt: skip
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"


def ask(
    url: str, *, key: str | None = None, cut_after: int | None = None, times: int = 1
) -> Exchange:
    client = Client(url, key=key, limits=SMALL, clock=time.monotonic)
    for number in range(times):
        request = Request("POST", "/x", (), b'{"a": 1}')
        exchange = client.send(request, number=number, dialogue="d", step=0, cut_after=cut_after)
    client.close()
    return exchange


def drip(connection: object, data: bytes) -> None:
    for _ in range(100):
        connection.sendall(data)
        time.sleep(0.05)


def forever(connection: object, data: bytes) -> None:
    while True:
        connection.sendall(data)


ENDLESS = {
    "silent": (lambda c: time.sleep(3), "first byte"),
    "slow head": (lambda c: drip(c, b"H"), "total"),
    "slow header": (lambda c: (c.sendall(HEAD), drip(c, b"x")), "total"),
    "slow body": (
        lambda c: (c.sendall(HEAD + b"content-length: 999\r\n\r\n"), drip(c, b"x")),
        "total",
    ),
    "idle": (lambda c: (c.sendall(HEAD + b"content-length: 9\r\n\r\nx"), time.sleep(3)), "idle"),
    "endless 100": (lambda c: drip(c, b"HTTP/1.1 100 Continue\r\n\r\n"), "total"),
    "endless body": (lambda c: (c.sendall(HEAD + b"\r\n"), forever(c, b"x" * 999)), "body of more"),
    "endless header": (
        lambda c: (c.sendall(HEAD + b"x: "), forever(c, b"x" * 999)),
        "head of more",
    ),
    "long line": (lambda c: (c.sendall(STREAM), drip(c, b"x" * 999)), "line of more"),
    "long event": (lambda c: (c.sendall(STREAM), drip(c, b"data: x\n" * 99)), "event of more"),
    "many events": (
        lambda c: (c.sendall(STREAM), drip(c, b"data: x\n\n" * 9)),
        "more than 50 events",
    ),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_limit_cuts(raw: Callable, name: str) -> None:
    behave, words = ENDLESS[name]
    began = time.monotonic()
    exchange = ask(raw(behave))
    assert time.monotonic() - began < SMALL.total + 1
    assert (exchange.end, words in exchange.detail) == (End.LIMIT, True), exchange.detail


BROKEN = {
    "closed": (lambda c: c.close(), "HTTP"),
    "short body": (lambda c: (c.sendall(HEAD + b"content-length: 9\r\n\r\nx"), c.close()), "HTTP"),
    "bad chunk": (
        lambda c: (c.sendall(HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n"), c.close()),
        "HTTP",
    ),
    "no HTTP": (lambda c: (c.sendall(b"SSH-2.0-x\r\n\r\n"), c.close()), "HTTP"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_replies_are_outcomes(raw: Callable, name: str) -> None:
    behave, words = BROKEN[name]
    exchange = ask(raw(behave))
    assert exchange.end is End.BROKEN
    assert words in exchange.detail


def test_says_what_kept_it_from_connecting(raw: Callable) -> None:
    assert ask("http://127.0.0.1:9/v1").detail == "connection refused"
    assert ask("http://nonexistent.invalid/v1").detail == "the host name is not known"


def test_a_small_body_that_inflates_is_cut(serve: Callable) -> None:
    bomb = gzip.compress(b"x" * 10_000_000)

    def respond(handler: object, _: bytes) -> None:
        handler.send_response(200)
        handler.send_header("content-encoding", "gzip")
        handler.send_header("content-length", str(len(bomb)))
        handler.end_headers()
        handler.wfile.write(bomb)

    exchange = ask(serve(respond))
    assert (exchange.end, "inflates" in exchange.detail) == (End.LIMIT, True)


def test_redirects_are_replies_and_the_key_stays_here(serve: Callable) -> None:
    seen = []
    there = serve(lambda h, b: (seen.append(b), reply_json(h, 200, {})))

    def respond(handler: object, _: bytes) -> None:
        handler.send_response(307)
        handler.send_header("location", there)
        handler.send_header("content-length", "0")
        handler.end_headers()

    exchange = ask(serve(respond), key="sk-very-secret-key")
    assert (exchange.reply.status, seen) == (307, [])


def test_proxies_of_the_environment_are_not_used(
    serve: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert ask(serve(lambda h, b: reply_json(h, 200, {}))).reply.status == 200


def test_an_echoed_key_is_hidden(serve: Callable) -> None:
    key = "sk-very-secret-key"
    exchange = ask(
        serve(lambda h, b: reply(h, 401, "text/plain", h.headers["authorization"].encode())),
        key=key,
    )
    assert key not in repr(exchange)
    assert exchange.reply.body == b"Bearer " + b"*" * len(key)


def test_an_idle_connection_that_was_closed_is_no_finding(raw: Callable) -> None:
    answer = HEAD + b"content-length: 2\r\n\r\n{}"

    def behave(connection: object) -> None:
        connection.sendall(answer)
        connection.recv(65536)
        connection.close()

    exchange = ask(raw(behave), times=2)
    assert (exchange.end, exchange.resent) == (End.COMPLETE, True)


def test_pieces_keep_the_times_at_which_they_came(raw: Callable) -> None:
    def behave(connection: object) -> None:
        connection.sendall(STREAM)
        for n in range(5):
            time.sleep(0.03)
            connection.sendall(b"data: %d\n\n" % n)
        connection.close()

    pieces = ask(raw(behave)).reply.pieces
    assert len(pieces) == 5
    assert pieces[-1].at - pieces[0].at > 0.1


def test_a_cut_on_purpose_says_so(raw: Callable) -> None:
    exchange = ask(raw(lambda c: (c.sendall(STREAM), drip(c, b"data: x\n\n"))), cut_after=2)
    assert (exchange.end, len(exchange.reply.body)) == (End.CANCELED, 18)


def test_abort_wakes_whoever_waits(raw: Callable) -> None:
    limits = Limits(first_byte=20)
    client = Client(raw(lambda c: time.sleep(3)), key=None, limits=limits, clock=time.monotonic)
    threading.Timer(0.2, client.abort).start()
    began = time.monotonic()
    exchange = client.send(Request("GET", "/x"), number=0, dialogue="d", step=0)
    assert time.monotonic() - began < 2
    assert (exchange.end, exchange.detail) == (End.CANCELED, "the run was stopped")


def test_a_slow_target_is_given_the_time_that_its_pace_needs(
    serve: Callable[[object], str],
) -> None:
    """Seen on a server that takes half a second a token: a plain answer of 128 was cut."""

    def late(handler: object, _: bytes) -> None:
        time.sleep(0.8)
        reply_json(handler, 200, {})

    client = Client(serve(late), key=None, limits=SMALL, clock=time.monotonic)
    request = Request("POST", "/x", (), b"{}")
    assert client.send(request, number=0, dialogue="d", step=0).end is End.LIMIT
    client.allow(2.0)
    assert client.send(request, number=1, dialogue="d", step=0).end is End.COMPLETE
    client.close()


def test_a_slow_body_comes_whole_and_over_its_time(serve: Callable[..., str]) -> None:
    received: list[tuple[bytes, str | None, float]] = []

    def respond(handler: object, data: bytes) -> None:
        took = time.monotonic() - began
        received.append((data, handler.headers["content-length"], took))
        reply_json(handler, 200, {"ok": True})

    client = Client(serve(respond), key=None, limits=SMALL, clock=time.monotonic)
    body = b'{"a": "some words"}'
    for n in range(2):
        began = time.monotonic()
        request = Request("POST", "/x", (), body, pace=0.3)
        exchange = client.send(request, number=n, dialogue="d", step=n)
        assert (exchange.end, exchange.request.pace) == (End.COMPLETE, 0.3)
    client.close()
    assert [(data, length) for data, length, _ in received] == [(body, str(len(body)))] * 2
    assert all(took >= 0.3 for _, _, took in received)


def test_what_is_recorded_of_a_request_is_what_a_record_can_hold(
    serve: Callable[[object], str],
) -> None:
    """That a stream is to be left is our purpose, and no part of what was sent."""
    client = Client(
        serve(lambda h, _: reply_json(h, 200, {})), key=None, limits=SMALL, clock=time.monotonic
    )
    left = Abandoned("POST", "/x", (), b"{}")
    exchange = client.send(left, number=0, dialogue="d", step=0)
    client.close()
    assert load(dump(exchange)) == exchange
