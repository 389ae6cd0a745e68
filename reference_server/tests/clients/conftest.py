"""The server that the official client talks to, once for each engine.

`embedded` runs everywhere. The transformers engine runs on a random model under the marker `real`, on
trained ones under `trained` as well: what is asserted is form and honoured parameters, never one
model's words.
"""

import base64
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import openai
import pytest
from nodejs import install
from PIL import Image
from serving import child

from reference_server.fetch import fetch

SEQUENCES = 24  # under way at most, so that a test can fill the server


def _embedded() -> tuple[str, ...]:
    return ("--pace", "0.0001")


def _tiny() -> tuple[str, ...]:
    return ("--engine", "transformers", "--model", "tiny")


def _trained() -> tuple[str, ...]:
    model, embedder = str(fetch("smollm2")), str(fetch("minilm"))
    return ("--engine", "transformers", "--model", model, "--embedding-model", embedder)


ENGINES = (
    pytest.param(_embedded, id="embedded"),
    pytest.param(_tiny, id="tiny", marks=pytest.mark.real),
    pytest.param(_trained, id="smollm2", marks=(pytest.mark.real, pytest.mark.trained)),
)


@dataclass(frozen=True)
class Target:
    """A server, the names of the models that it answers with, and a client that believes nothing:
    it validates every reply and every event against its own types.
    """

    url: str
    model: str
    embedder: str
    client: openai.OpenAI

    def chat(self, text: str = "Say hello.", **members: object) -> object:
        """One user message; short and repeatable unless the members say otherwise."""
        messages = [{"role": "user", "content": text}]
        given = {"messages": messages, "max_tokens": 16, "seed": 7} | members
        return self.client.chat.completions.create(model=self.model, **given)

    def complete(self, prompt: object = "Once upon a time", **members: object) -> object:
        """One completion, as short and repeatable."""
        given = {"max_tokens": 16, "seed": 7} | members
        return self.client.completions.create(model=self.model, prompt=prompt, **given)

    def respond(self, given: object = "Say hello.", **members: object) -> object:
        """One response; the operation has no seed."""
        options = {"max_output_tokens": 24} | members
        return self.client.responses.create(model=self.model, input=given, **options)

    def sequences(self) -> int:
        """How many sequences the server has under way."""
        health = httpx.get(f"{self.url.removesuffix('/v1')}/health", timeout=10)
        return int(health.json()["sequences"])


@pytest.fixture(scope="session", params=ENGINES)
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    arguments = request.param()
    options = {"max_retries": 0, "_strict_response_validation": True}
    with (
        child("--sequences", str(SEQUENCES), *arguments) as server,
        openai.OpenAI(base_url=server.url, api_key="x", **options) as client,
    ):
        names = [model.id for model in client.models.list()]  # one that only embeds comes last
        yield Target(server.url, names[0], names[-1] if len(names) > 2 else names[0], client)


@pytest.fixture(scope="session")
def client(target: Target) -> openai.OpenAI:
    return target.client


@pytest.fixture(scope="session")
def plain_client(target: Target) -> Iterator[openai.OpenAI]:
    """A client as it comes, for what its own types do not know: vectors in base64, and in older
    completions the null of a prompt's first probability and of a reason that is still to come.
    """
    with openai.OpenAI(base_url=target.url, api_key="x", max_retries=0) as made:
        yield made


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that uses the official client for Node.js."""
    return install(tmp_path_factory.mktemp("node") / "project")


@pytest.fixture(scope="session")
def picture() -> Callable[..., str]:
    """A picture of one colour in a data URI."""

    def made(kind: str = "png", colour: str = "#204060", size: tuple[int, int] = (6, 4)) -> str:
        out = io.BytesIO()
        Image.new("RGB", size, colour).save(out, kind)
        return f"data:image/{kind};base64,{base64.b64encode(out.getvalue()).decode()}"

    return made
