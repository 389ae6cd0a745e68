"""Tokens from scores."""

import numpy as np
import pytest

from reference_server.sampling import Sampler


@pytest.mark.parametrize("top_p", [1.0, 0.9])
def test_the_last_bits_of_scores_do_not_choose_the_token(top_p: float) -> None:
    """They depend on what else runs; tokens alike once changed places with them."""
    random = np.random.Generator(np.random.PCG64(1))
    one, other = (Sampler(temperature=1.5, top_p=top_p, seed=7) for _ in range(2))
    for _ in range(50):
        scores = random.normal(0.0, 2.0, 20_000)
        noisy = scores + random.normal(0.0, 1e-5, 20_000)
        assert one.choose(scores, None) == other.choose(noisy, None)


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    scores = np.log(np.array([0.1, 0.6, 0.05, 0.25]))
    drawn = [Sampler(seed=seed).choose(scores, None).token for seed in range(4000)]
    assert np.bincount(drawn) / 4000 == pytest.approx([0.1, 0.6, 0.05, 0.25], abs=0.03)


@pytest.mark.parametrize(
    ("top_p", "kept"),
    [(0.0, {1}), (0.6, {1}), (0.7, {1, 3}), (0.9, {0, 1, 3}), (1.0, {0, 1, 2, 3})],
)
def test_the_likeliest_tokens_that_reach_top_p_are_kept(top_p: float, kept: set[int]) -> None:
    scores = np.log(np.array([0.1, 0.6, 0.05, 0.25]))
    drawn = {Sampler(seed=n, top_p=top_p).choose(scores, None).token for n in range(300)}
    assert drawn == kept
