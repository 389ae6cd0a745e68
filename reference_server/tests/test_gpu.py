"""The transformers engine on CUDA gives what it gives on the CPU, and keeps what it promises.

The random model `tiny` is built in code; the trained ones are used where they can be fetched. Where
torch finds no CUDA device, every test here is skipped and says so.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from serving import ask, child, connect
from traffic import BOOK, CITY, NEAR, WEATHER, addressed, chat, differing, schema, sent, tools

from reference_server.fetch import Unfetched, fetch

pytestmark = pytest.mark.gpu

DEVICE, BESIDE = "cuda", "cpu"
PROMPTS = (
    "What is the capital of France?", "Tell me about the sea.", "List three colours.",
    "Go on: 1 2 3", "日本 und Übermut 😀", "Write one sentence about a dog.",
)  # fmt: skip
ALIKE = ("a cat sat on a mat", "the harbour at night", "日本", "", "1 2 3 " * 60)


@dataclass(frozen=True)
class Pair:
    """One model on both devices: its name, what embeds, and the two servers."""

    model: str
    embedder: str
    cuda: str
    cpu: str


@pytest.fixture(scope="module", autouse=True)
def device() -> None:
    torch = pytest.importorskip("torch", reason="pip install 'openai-conformance[transformers]'")
    if DEVICE == "cuda" and not torch.cuda.is_available():
        pytest.skip("torch finds no CUDA device")


def _fetched(name: str) -> str:
    try:
        return str(fetch(name))
    except Unfetched as error:
        pytest.skip(f"the model {name} is not here: {error}")


MODELS = {
    "tiny": lambda: ("--model", "tiny"),
    "smollm2": lambda: ("--model", _fetched("smollm2")),
    "minilm": lambda: ("--model", "tiny", "--embedding-model", _fetched("minilm")),
}
CAUSAL = pytest.mark.parametrize("pair", ["tiny", "smollm2"], indirect=True)


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest, device: None) -> Iterator[Pair]:
    arguments = ("--engine", "transformers", *MODELS[request.param](), "--device")
    with ExitStack() as stack:
        urls = [stack.enter_context(child(*arguments, on)).url for on in (DEVICE, BESIDE)]
        names = [each["id"] for each in get(urls[0], "/models")["data"]]
        yield Pair(names[0], names[-1] if len(names) > 2 else names[0], *urls)


def get(url: str, path: str) -> Any:
    return json.loads(ask(connect(url), "GET", f"/v1{path}").body)


def post(url: str, model: str, request: Any) -> Any:
    request = addressed(request, model)
    reply = ask(connect(url, 120), "POST", f"/v1{request.path}", request.body)
    assert reply.status == 200, reply.body[:500]
    return json.loads(reply.body)


def said(url: str, model: str, text: str, **members: object) -> Any:
    """The first choice of an answer to one message."""
    messages = [{"role": "user", "content": text}]
    return post(url, model, chat(7, messages=messages, **members))["choices"][0]


@pytest.mark.parametrize("pair", ["smollm2"], indirect=True)
def test_the_capital_of_france_is_paris(pair: Pair) -> None:
    answer = said(pair.cuda, pair.model, PROMPTS[0], temperature=0)
    assert "Paris" in answer["message"]["content"]
    assert answer["finish_reason"] == "stop"


def test_a_model_is_where_it_is_told(device: None) -> None:
    """What the other tests compare is indeed two devices."""
    from reference_server.engine.tiny import tiny

    engine = tiny(DEVICE)
    assert engine._model.device.type == DEVICE
    assert engine.open([1, 2, 3]).cache.layers[0].keys.device.type == DEVICE


@CAUSAL
def test_greedy_text_is_that_of_the_cpu(pair: Pair) -> None:
    """Up to the first tie, every token is the same, and as likely."""
    members = {"temperature": 0, "max_tokens": 32, "logprobs": True, "top_logprobs": 2}
    compared = 0
    for text in PROMPTS:
        here, there = (said(url, pair.model, text, **members) for url in (pair.cuda, pair.cpu))
        for one, other in zip(
            here["logprobs"]["content"], there["logprobs"]["content"], strict=False
        ):
            best, second = (each["logprob"] for each in other["top_logprobs"])
            if best - second < NEAR:
                break
            assert one["bytes"] == other["bytes"]
            assert abs(one["logprob"] - other["logprob"]) < NEAR
            compared += 1
    assert compared > 60


@CAUSAL
def test_seeds_repeat_whatever_runs_beside_them(pair: Pair) -> None:
    """Exact on the CPU. The bound for single precision is that of batches, run before on CUDA."""
    tipped = 0 if pair.model == "tiny" else 2
    assert len(differing(pair.cuda, pair.model, 40, exactly=False)) <= tipped


@CAUSAL
def test_a_stream_is_sent_as_it_is_made(pair: Pair) -> None:
    members = {"stream": True, "temperature": 0, "max_tokens": 60}
    text = "Write a long story about the sea."
    request = addressed(
        chat(1, messages=[{"role": "user", "content": text}], **members), pair.model
    )
    connection = connect(pair.cuda)
    connection.request("POST", "/v1/chat/completions", request.body, {"content-type": "application/json"})  # fmt: skip
    reply, pieces, began = connection.getresponse(), [], time.monotonic()
    while piece := reply.read1():
        pieces.append((time.monotonic() - began, piece))
    assert b"".join(piece for _, piece in pieces).endswith(b"data: [DONE]\n\n")
    assert len(pieces) > 15
    assert pieces[len(pieces) // 4][0] < 0.6 * pieces[-1][0]


@CAUSAL
def test_constraints_hold(pair: Pair) -> None:
    def book(seed: int) -> None:
        wanted = schema(BOOK)
        text = said(pair.cuda, pair.model, "A book", response_format=wanted, max_tokens=200, seed=seed)  # fmt: skip
        jsonschema.validate(json.loads(text["message"]["content"]), BOOK)

    def weather(seed: int) -> None:
        given = {"tools": tools(WEATHER), "tool_choice": "required", "max_tokens": 200}
        (call,) = said(pair.cuda, pair.model, "Weather in Oslo?", seed=seed, **given)["message"]["tool_calls"]  # fmt: skip
        assert call["function"]["name"] == WEATHER["name"]
        jsonschema.validate(json.loads(call["function"]["arguments"]), CITY)

    with ThreadPoolExecutor(8) as pool:
        for kind in (book, weather):
            list(pool.map(kind, range(12)))


@pytest.mark.parametrize("pair", ["tiny", "minilm"], indirect=True)
def test_vectors_are_those_of_the_cpu(pair: Pair) -> None:
    asked = sent("/embeddings", {"input": [text for text in ALIKE if text]})
    here, there = (
        np.array([each["embedding"] for each in post(url, pair.embedder, asked)["data"]])
        for url in (pair.cuda, pair.cpu)
    )
    for one, other in zip(here, there, strict=True):
        assert one @ other / (np.linalg.norm(one) * np.linalg.norm(other)) > 0.9999
    assert here[0] @ here[1] < 0.99  # texts that differ are told apart


@CAUSAL
def test_the_suite_conforms_on_it(pair: Pair, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "conformance", "run", pair.cuda]
    command += ["--intensity", "quick", "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
