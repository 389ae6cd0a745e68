"""The embedded engine's manners, requests that the server must refuse, and live faults."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest

from conformance.target import embedded


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with embedded() as base:
        yield base


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=url, api_key="x", max_retries=0) as made:
        yield made


def chat(client: openai.OpenAI, text: str = "Say hello.", **members: object) -> object:
    messages = [{"role": "user", "content": text}]
    return client.chat.completions.create(model="embedded", messages=messages, **members)


def test_the_first_token_leaves_before_the_last_is_made(url: str) -> None:
    body = {"model": "embedded", "messages": [{"role": "user", "content": "1 2 3"}],
            "max_tokens": 100, "temperature": 0, "stream": True}  # fmt: skip
    with httpx.stream("POST", f"{url}/chat/completions", json=body) as response:
        pieces = list(response.iter_raw())
    assert len(pieces) > 20


def test_goes_on_counting(client: openai.OpenAI) -> None:
    answer = chat(client, "Go on: 1 2 3", temperature=0, max_tokens=12)
    assert answer.choices[0].message.content.split()[:4] == ["4", "5", "6", "7"]


def test_a_seed_means_the_same_whatever_else_runs(client: openai.OpenAI) -> None:
    def text(seed: int) -> str:
        return (
            chat(client, f"Tell me {seed % 7}", seed=seed, max_tokens=12).choices[0].message.content
        )

    alone = [text(seed) for seed in range(40)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(text, range(40))) == alone


REFUSED = {
    "no JSON": (b"{", 400),
    "no object": (b"[]", 400),
    "not UTF-8": (b"\xff\xfe", 400),
    "NaN": (
        b'{"model":"embedded","messages":[{"role":"user","content":"x"}],"temperature":NaN}',
        400,
    ),
    "lone surrogate": (
        b'{"model":"embedded","messages":[{"role":"user","content":"\\ud800"}]}',
        400,
    ),
    "deep": (b"[" * 100_000, 400),
    "huge number": (b'{"model":"embedded","messages":' + b"9" * 5000 + b"}", 400),
    "no messages": (b'{"model":"embedded"}', 400),
    "unknown model": (b'{"model":"x","messages":[{"role":"user","content":"x"}]}', 404),
    "range": (
        b'{"model":"embedded","messages":[{"role":"user","content":"x"}],"temperature":9}',
        400,
    ),
    "remote image": (
        b'{"model":"embedded","messages":[{"role":"user","content":[{"type":"image_url",'
        b'"image_url":{"url":"http://127.0.0.1/x.png"}}]}]}',
        400,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_with_the_envelope(url: str, name: str) -> None:
    body, status = REFUSED[name]
    headers = {"content-type": "application/json"}
    reply = httpx.post(f"{url}/chat/completions", content=body, headers=headers)
    assert reply.status_code == status
    assert reply.json()["error"].keys() == {"message", "type", "param", "code"}


def test_routing_answers_with_the_envelope(url: str) -> None:
    wrong = httpx.put(f"{url}/models")
    assert (wrong.status_code, "GET" in wrong.headers["allow"]) == (405, True)
    for reply in (wrong, httpx.get(f"{url}/nothing"), httpx.get(f"{url}/models/none")):
        assert reply.json()["error"]["message"]


def test_a_client_that_goes_away_frees_its_slot(url: str) -> None:
    body = {"model": "embedded", "messages": [{"role": "user", "content": "1 2 3"}],
            "max_tokens": 4000, "temperature": 0, "stream": True}  # fmt: skip

    def leave() -> None:
        with httpx.stream("POST", f"{url}/chat/completions", json=body) as response:
            next(response.iter_raw())

    threads = [threading.Thread(target=leave) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    reply = httpx.post(
        f"{url}/chat/completions", json=body | {"stream": False, "max_tokens": 5}, timeout=3
    )
    assert reply.status_code == 200


def test_variants_are_served_below_their_path(url: str) -> None:
    base = url.removesuffix("/v1")
    listed = httpx.get(f"{base}/variant/models.extra-members/v1/models")
    assert (listed.status_code, "has_more" in listed.json()) == (200, True)
    assert "has_more" not in httpx.get(f"{url}/models").json()
    unknown = httpx.get(f"{base}/variant/no-such/v1/models")
    assert (unknown.status_code, "no variant" in unknown.text) == (404, True)


def test_faults_are_served_below_their_path(url: str) -> None:
    base = url.removesuffix("/v1")
    body = {
        "model": "embedded",
        "messages": [{"role": "user", "content": "x"}],
        "stream": True,
        "max_tokens": 3,
    }
    clean = httpx.post(f"{url}/chat/completions", json=body).text
    faulty = httpx.post(
        f"{base}/fault/chat-stream.forgets-done/v1/chat/completions", json=body
    ).text
    assert clean.endswith("data: [DONE]\n\n")
    assert "[DONE]" not in faulty
    assert httpx.get(f"{base}/fault/no-such/v1/models").status_code == 404
