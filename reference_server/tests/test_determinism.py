"""A seed means the same whatever runs beside it: every answer is what it is alone, byte for byte."""

import pytest
from serving import child
from traffic import differing

from reference_server.fetch import fetch


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
    pytest.importorskip("torch", reason="pip install 'openai-conformance[transformers]'")
    model = fetch("smollm2")
    with child("--engine", "transformers", "--model", str(model), "--device", "cpu") as server:
        assert differing(server.url, model.stem, 24) == []


@pytest.mark.real
def test_scores_do_not_depend_on_what_runs_beside_them_by_one_bit() -> None:
    pytest.importorskip("torch", reason="pip install 'openai-conformance[transformers]'")
    from reference_server.engine.tiny import tiny

    engine = tiny("cpu")
    state = engine.open(b"the sea")
    alone = []
    for token in b", and the wind":
        engine.push([state], [token])
        alone.append(engine.scores([state])[0])
    states = [engine.open(b"x" * length) for length in (1, 30)] + [engine.open(b"the sea")]
    for step, token in enumerate(b", and the wind"):
        states += [engine.open(b"late")]
        engine.push(states, [token] * len(states))
        assert (engine.scores(states)[2] == alone[step]).all()
