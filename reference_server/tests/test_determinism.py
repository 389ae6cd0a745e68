"""A seed means the same whatever runs beside it: every answer is what it is alone, byte for byte."""

import pytest
from serving import child
from traffic import differing

from reference_server.fetch import fetch

TIPPED = 2


def test_a_thousand_requests_on_the_embedded_engine() -> None:
    with child("--pace", "0") as server:
        assert differing(server.url, "embedded", 1000) == []


@pytest.mark.real
def test_three_hundred_requests_on_a_random_model() -> None:
    pytest.importorskip("torch", reason="pip install 'openai-conformance[transformers]'")
    with child("--engine", "transformers", "--model", "tiny") as server:
        assert differing(server.url, "tiny", 300) == []


@pytest.mark.real
def test_a_few_requests_on_a_trained_model() -> None:
    """In single precision probabilities are the same but for their last digits, and those may tip
    a draw: a text of rare tokens has a thousand bounds between them, each moved by a millionth.
    """
    pytest.importorskip("torch", reason="pip install 'openai-conformance[transformers]'")
    model = fetch("smollm2")
    with child("--engine", "transformers", "--model", str(model), "--device", "cpu") as server:
        assert len(differing(server.url, model.stem, 24, exactly=False)) <= TIPPED
