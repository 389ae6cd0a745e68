"""Errors by the official client: each status becomes its class, in streams too, and a server that
is full is asked again when it said so.
"""

import contextlib
import threading
import time
from collections.abc import Iterator

import openai
import pytest

from conformance.target import embedded

LONG = {"type": "string", "minLength": 1500, "maxLength": 1500}  # keeps any model busy
BUSY = {"type": "json_schema", "json_schema": {"name": "x", "schema": LONG}}
ALL = 24  # the sequences that the server takes


def refused(error: openai.APIStatusError) -> dict:
    """The body of an error, after what the client makes of every one was looked at."""
    assert error.body.keys() == {"message", "type", "param", "code"}
    assert error.body["message"] in str(error)
    assert error.response.headers["content-type"] == "application/json"
    return error.body


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"temperature": 9}, "temperature"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"n": 129}, "n"),
        ({"logit_bias": {"x": 1}}, "logit_bias"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"stop": 5}, "stop"),
        ({"reasoning_effort": "huge"}, "reasoning_effort"),
    ],
    ids=str,
)
def test_400_names_what_is_wrong(target, members: dict, param: str, stream: object) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        target.chat(stream=stream, **members)
    assert refused(caught.value)["type"] == "invalid_request_error"
    assert caught.value.param == param


def test_400_when_the_context_does_not_hold_the_prompt(target) -> None:
    for ask in (target.chat, target.complete, target.respond):
        with pytest.raises(openai.BadRequestError) as caught:
            ask("word " * 20_000)
        assert refused(caught.value)["code"] == "context_length_exceeded"


def test_404_for_models_and_paths(target) -> None:
    client = target.client
    asks = (
        lambda: client.chat.completions.create(
            model="none", messages=[{"role": "user", "content": "x"}]
        ),
        lambda: client.chat.completions.create(
            model="none", messages=[{"role": "user", "content": "x"}], stream=True
        ),
        lambda: client.completions.create(model="none", prompt="x"),
        lambda: client.embeddings.create(model="none", input="x"),
        lambda: client.images.generate(model="none", prompt="x"),
        lambda: client.responses.create(model="none", input="x"),
    )
    for ask in asks:
        with pytest.raises(openai.NotFoundError) as caught:
            ask()
        assert refused(caught.value)["code"] == "model_not_found"
    with pytest.raises(openai.NotFoundError) as caught:
        client.files.list()
    assert refused(caught.value)["type"] == "not_found_error"


@pytest.mark.parametrize(("path", "method"), [("/chat/completions", "POST"), ("/models", "GET")])
def test_405_for_methods(target, path: str, method: str) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        target.client.delete(path, cast_to=object)
    assert caught.value.status_code == 405
    assert method in caught.value.response.headers["allow"].split(", ")
    assert refused(caught.value)["type"] == "invalid_request_error"


@pytest.mark.parametrize("size", [17, 40])
def test_413_for_bodies_that_are_too_large(target, size: int) -> None:
    """The connection is not cut while the rest is on its way, or nobody would read the refusal."""
    for _ in range(3):
        with pytest.raises(openai.APIStatusError) as caught:
            target.chat("x" * (size * 1024 * 1024))
        assert (caught.value.status_code, refused(caught.value)["param"]) == (413, None)
    assert target.chat(max_tokens=1)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
def test_415_for_bodies_of_another_kind(target, kind: str) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        target.chat(extra_headers={"Content-Type": kind})
    assert caught.value.status_code == 415
    refused(caught.value)


def settle(target, count: int, patience: float) -> None:
    """Wait until so many sequences are under way."""
    end = time.monotonic() + patience
    while (seen := target.sequences()) != count:
        assert time.monotonic() < end, f"{seen} sequences are under way, not {count}"
        time.sleep(0.01)


@contextlib.contextmanager
def full(target) -> Iterator[openai.Stream]:
    """A server that is as busy as it may be, until the stream is closed."""
    settle(target, 0, 10)
    with target.chat(
        "Tell me a story.", stream=True, n=ALL, response_format=BUSY, max_tokens=1500
    ) as stream:
        settle(target, ALL, 10)
        yield stream


def test_a_stream_that_is_closed_early_frees_its_place(target) -> None:
    with full(target) as stream:
        next(iter(stream))
    settle(target, 0, 2)


@pytest.mark.parametrize("name", ["chat", "complete", "respond"])
def test_503_says_when_to_come_again(target, name: str) -> None:
    with full(target), pytest.raises(openai.InternalServerError) as caught:
        getattr(target, name)()
    assert caught.value.status_code == 503
    assert refused(caught.value)["type"] == "overloaded_error"
    assert int(caught.value.response.headers["retry-after"]) >= 1


def test_503_is_tried_again_after_the_time_that_was_said(target) -> None:
    """Left to itself the client would wait half a second at most."""
    with full(target) as stream:
        threading.Timer(0.3, stream.close).start()
        begin = time.monotonic()
        raw = target.client.with_options(max_retries=2).chat.completions.with_raw_response.create(
            model=target.model, messages=[{"role": "user", "content": "Hello"}], max_tokens=2
        )
    assert raw.retries_taken == 1
    assert time.monotonic() - begin >= 1
    assert raw.parse().choices[0].finish_reason


def test_other_refusals_are_not_tried_again(target) -> None:
    client = target.client.with_options(max_retries=2)
    for members in ({"temperature": 9}, {"messages": []}):
        begin = time.monotonic()
        given = {"messages": [{"role": "user", "content": "x"}]} | members
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model=target.model, **given)
        assert time.monotonic() - begin < 0.3


@pytest.fixture
def slow() -> Iterator[tuple[openai.OpenAI, contextlib.ExitStack]]:
    """A client of a server that has a tenth of a second for each token, and what stops the server."""
    with contextlib.ExitStack() as server:
        url = server.enter_context(embedded("--pace", "0.1"))
        with openai.OpenAI(base_url=url, api_key="x", max_retries=0) as client:
            yield client, server


def test_a_stream_that_fails_says_so(slow) -> None:
    """A server that is stopped ends its streams with an error; the client raises it."""
    client, server = slow
    messages = [{"role": "user", "content": "Tell me a story."}]
    chat = client.chat.completions.create(
        model="embedded", messages=messages, stream=True, response_format=BUSY, max_tokens=1500
    )
    response = client.responses.create(
        model="embedded", input="Story.", stream=True, text={"format": {**BUSY, **BUSY["json_schema"]}}
    )  # fmt: skip
    with chat, response:
        next(iter(chat))
        stop = threading.Thread(target=server.close)
        stop.start()
        with pytest.raises(openai.APIError, match="the server is stopping"):
            list(chat)
        last = list(response)[-1]
        stop.join()
    assert (last.type, last.response.status) == ("response.failed", "failed")
    assert last.response.error.code == "server_error"


def test_clients_that_go_away_are_nothing_to_report(capfd: pytest.CaptureFixture[str]) -> None:
    """A server that wrote on without looking up was told so by its loop, line by line."""
    messages = [{"role": "user", "content": "Tell me a story."}]
    with embedded() as url, openai.OpenAI(base_url=url, api_key="x", max_retries=0) as client:
        for _ in range(3):
            with client.chat.completions.create(
                model="embedded", messages=messages, stream=True, n=64, response_format=BUSY
            ) as stream:
                for _chunk in range(200):
                    next(iter(stream))
    assert capfd.readouterr().err == ""
