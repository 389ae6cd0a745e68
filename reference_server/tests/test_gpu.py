"""The transformers engine on CUDA gives what it gives on the CPU."""

import pytest

from conformance.target import embedded
from reference_server.fetch import fetch

pytestmark = pytest.mark.gpu


def test_the_capital_of_france_is_paris_on_cuda() -> None:
    torch = pytest.importorskip("torch", reason="pip install 'openai-conformance[transformers]'")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    import openai

    model = str(fetch("smollm2"))
    with embedded("--engine", "transformers", "--model", model, "--device", "cuda") as url:
        client = openai.OpenAI(base_url=url, api_key="x")
        name = client.models.list().data[0].id
        messages = [{"role": "user", "content": "What is the capital of France?"}]
        answer = client.chat.completions.create(
            model=name, messages=messages, temperature=0, max_tokens=20
        )
    assert "Paris" in answer.choices[0].message.content
