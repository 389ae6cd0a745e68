"""Rows of levels: first every level of every factor by itself, then every pair of two of them.

A factor is a member of a request, a level one kind of its value; level 0 is the plainest, for an
optional member its absence. Pairs are covered greedily, so that the first rows cover the most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from random import Random

Row = tuple[int, ...]
Allowed = Callable[[Row], bool]
Pair = tuple[int, int, int, int]  # factor, level, another factor, its level


def alone(sizes: Sequence[int]) -> Iterator[Row]:
    """The plainest row, then one row for each other level, in turn through the factors."""
    plain = (0,) * len(sizes)
    yield plain
    for level in range(1, max(sizes, default=1)):
        for factor, size in enumerate(sizes):
            if level < size:
                yield (*plain[:factor], level, *plain[factor + 1 :])


def together(sizes: Sequence[int], allowed: Allowed, random: Random) -> Iterator[Row]:
    """Rows until every pair of levels that is allowed stood in one."""
    pairs = {
        (a, x, b, y)
        for a, b in combinations(range(len(sizes)), 2)
        for x in range(sizes[a])
        for y in range(sizes[b])
    }
    left = {pair for pair in pairs if allowed(_just(pair, len(sizes)))}
    while left:
        row = _greedy(sizes, min(left), left, allowed, random)
        left.difference_update(_pairs(row))
        yield row


def anyhow(sizes: Sequence[int], allowed: Allowed, random: Random) -> Iterator[Row]:
    """Random rows, without end."""
    while True:
        row = tuple(random.randrange(size) for size in sizes)
        if allowed(row):
            yield row


def _just(pair: Pair, length: int) -> Row:
    a, x, b, y = pair
    return tuple(x if n == a else y if n == b else 0 for n in range(length))


def _pairs(row: Row) -> Iterator[Pair]:
    return ((a, row[a], b, row[b]) for a, b in combinations(range(len(row)), 2))


def _greedy(
    sizes: Sequence[int], first: Pair, left: set[Pair], allowed: Allowed, random: Random
) -> Row:
    """A row around one pair; each further factor takes the level that covers most of what is left,
    of several the one that chance prefers.
    """
    row = list(_just(first, len(sizes)))
    fixed = [first[0], first[2]]
    others = [n for n in range(len(sizes)) if n not in fixed]
    random.shuffle(others)
    for factor in others:
        chances = []
        for level in range(sizes[factor]):
            row[factor] = level
            if allowed(tuple(row)):
                gain = sum(_pair(factor, level, other, row[other]) in left for other in fixed)
                chances.append((gain, random.random(), level))
        row[factor] = max(chances)[2] if chances else 0
        fixed.append(factor)
    return tuple(row)


def _pair(a: int, x: int, b: int, y: int) -> Pair:
    return (a, x, b, y) if a < b else (b, y, a, x)
