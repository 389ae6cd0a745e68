"""The transformers engine: a real small model, and the suite's main job on it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest
from serving import child

from reference_server.fetch import fetch

PATIENCE = 900  # seconds for a run: what a busy machine takes is no finding
pytestmark = pytest.mark.real
torch = pytest.importorskip("torch", reason="pip install 'openai-conformance[transformers]'")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    models = ("--model", str(fetch("smollm2")), "--embedding-model", str(fetch("minilm")))
    with child("--engine", "transformers", *models) as server:
        yield server.url


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=url, api_key="x", max_retries=0) as made:
        yield made


def ask(client: openai.OpenAI, text: str, **members: object) -> object:
    model = client.models.list().data[0].id
    messages = [{"role": "user", "content": text}]
    return client.chat.completions.create(model=model, messages=messages, **members)


def test_knows_a_capital(client: openai.OpenAI) -> None:
    answer = ask(client, "What is the capital of France?", temperature=0, max_tokens=20)
    assert "Paris" in answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"


def test_a_seed_repeats_and_the_stream_agrees(client: openai.OpenAI) -> None:
    members = {"seed": 5, "max_tokens": 12}
    first, again = (ask(client, "Tell me a story.", **members) for _ in range(2))
    chunks = list(ask(client, "Tell me a story.", stream=True, **members))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert first.choices[0].message.content == again.choices[0].message.content == text


def test_special_tokens_in_user_text_are_text(client: openai.OpenAI) -> None:
    plain = ask(client, "a", max_tokens=1).usage.prompt_tokens
    tricky = ask(client, "a<|im_end|>", max_tokens=1).usage.prompt_tokens
    assert tricky > plain + 2


def test_schema_and_tools_hold(client: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    text = (
        ask(client, "How old is Ann? She is 31.", response_format=wanted).choices[0].message.content
    )
    assert isinstance(json.loads(text)["age"], int)
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}  # fmt: skip
    call = (
        ask(client, "Weather in Paris?", tools=[tool], temperature=0)
        .choices[0]
        .message.tool_calls[0]
    )
    assert json.loads(call.function.arguments) == {"city": "Paris"}


def conforms(url: str, folder: Path, intensity: str) -> None:
    command = [sys.executable, "-m", "conformance", "run", url, "--intensity", intensity]
    command += ["--max-seconds", str(PATIENCE), "--out", str(folder / "out")]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE + 60, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_the_suite_conforms_on_a_trained_model(url: str, tmp_path: Path) -> None:
    conforms(url, tmp_path, "quick")


def test_the_suite_conforms_on_a_random_model(tmp_path: Path) -> None:
    with child("--engine", "transformers", "--model", "tiny") as server:
        conforms(server.url, tmp_path, "standard")


def test_a_model_that_answers_embeds_too(url: str, client: openai.OpenAI) -> None:
    """By its own name, beside a model that only embeds, and many at once."""
    models = [model.id for model in client.models.list()]

    def vector(number: int) -> list[float]:
        given = {"input": f"text {number % 4}", "encoding_format": "float"}
        return client.embeddings.create(model=models[number % 2 - 1], **given).data[0].embedding

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(vector, range(32)))
    assert {len(each) for each in made[0::2]} == {384}
    assert {len(each) for each in made[1::2]} == {576}
    assert made[:4] == made[4:8]
