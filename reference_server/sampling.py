"""From scores to a token: bias, penalties, temperature, top_p, a seeded draw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from reference_server.engine import Scores

SEEDS = 2**63
COLD = 1e-4  # a temperature below which the best token is taken
LEAST = -9999.0  # what stands for the logarithm of nothing
DIGITS = 8  # of a logarithm: the last bits depend on what else runs


@dataclass(frozen=True)
class Drawn:
    """A token, the logarithm of its probability, and the likeliest tokens with theirs.

    Probabilities are those of the model after bias, penalties and constraint, before temperature
    and top_p; they are worked out only if asked for.
    """

    token: int
    logprob: float = 0.0
    top: tuple[tuple[int, float], ...] = ()


@dataclass
class Sampler:
    """Chooses the tokens of one sequence. One uniform number is drawn for each token, so that a
    seed means the same whatever else runs. `top` is the number of likeliest tokens to report, None
    for no probabilities at all.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    seed: int = 0
    bias: Mapping[int, float] = field(default_factory=dict)
    top: int | None = None
    _counts: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = np.random.Generator(np.random.PCG64(self.seed % SEEDS))

    def choose(self, scores: Scores, allowed: npt.NDArray[np.bool_] | None) -> Drawn:
        """The next token; `allowed` says which ones a constraint admits."""
        scores = scores.astype(np.float64, copy=True)
        for token, weight in self.bias.items():
            scores[token] += weight
        for token, count in self._counts.items():
            scores[token] -= self.frequency_penalty * count + self.presence_penalty
        if allowed is not None:
            scores[~allowed] = -np.inf
        draw = self._random.random()
        token = int(np.argmax(scores)) if self.temperature < COLD else self._draw(scores, draw)
        self._counts[token] += 1
        return self.report(scores, token)

    def report(self, scores: Scores, token: int) -> Drawn:
        """A token with what was asked about its probability."""
        if self.top is None:
            return Drawn(token)
        scores = scores - scores.max()
        logs = np.maximum(scores - np.log(np.exp(scores).sum()), LEAST).round(DIGITS) + 0.0
        best = np.argsort(-logs, kind="stable")[: self.top]
        return Drawn(token, float(logs[token]), tuple((int(n), float(logs[n])) for n in best))

    def _draw(self, scores: Scores, draw: float) -> int:
        """The token that a number from 0 to 1 falls on. They lie side by side in the order of the
        vocabulary: in the order of their chances, those that are alike would change places with the
        last bits of the scores, which depend on what else runs.
        """
        scores = (scores - scores.max()) / self.temperature
        chances = np.exp(scores)
        chances /= chances.sum()
        order = np.argsort(-chances, kind="stable")
        summed = np.cumsum(chances[order])
        kept = np.sort(order[: int(np.searchsorted(summed, self.top_p, side="left")) + 1])
        summed = np.cumsum(chances[kept])
        at = int(np.searchsorted(summed, draw * summed[-1], side="right"))
        return int(kept[min(at, len(kept) - 1)])
