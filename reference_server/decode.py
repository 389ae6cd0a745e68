"""The running batch: sequences join and leave, each step makes one token for each of them.

One task owns the engine. A sequence hands its tokens to a queue; whoever reads the queue and goes
away closes it, and the sequence leaves before the next step.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from reference_server.constrain import Constraint
from reference_server.engine import Engine, Scores
from reference_server.refusal import Refused
from reference_server.sampling import Drawn, Sampler

ROWS = 1024  # sequences under way at most
RETRY = 1  # seconds after which an overloaded server may be asked again
Told = dict["Row", Drawn | Exception]  # by a step
LOG = logging.getLogger("reference_server")


@dataclass(eq=False)
class Row:
    """One sequence under way. `constraint` may be exchanged between two steps; `forced` holds
    tokens that are taken as they are, to learn how likely they were; `made` are those so far.
    """

    prompt: Sequence[int]
    sampler: Sampler
    forced: list[int] = field(default_factory=list)
    made: list[int] = field(default_factory=list)
    state: Any = None
    constraint: Constraint | None = None
    tokens: asyncio.Queue[Drawn | Exception] = field(default_factory=asyncio.Queue)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False


class Batch:
    """The batch of one engine. `rows` bounds how many sequences are under way."""

    def __init__(self, engine: Engine, rows: int = ROWS) -> None:
        self.engine = engine
        self._limit = rows
        self._rows: list[Row] = []
        self._left: list[Row] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopped: Refused | None = None

    @property
    def size(self) -> int:
        """How many sequences are under way."""
        return len(self._rows)

    def admit(self, count: int) -> None:
        """Raise `Refused` if there is no room for so many sequences, or none are taken any more."""
        if self._stopped is not None:
            raise self._stopped
        if len(self._rows) + count > self._limit:
            raise _overloaded("too many requests are under way")

    def stop(self) -> None:
        """End every sequence with an error, and take no more."""
        self._stopped = _overloaded("the server is stopping")
        for row in self._rows:
            row.tokens.put_nowait(self._stopped)

    def join(self, row: Row) -> None:
        """Begin a sequence; it makes a token each time that `next_token` asks. Raises `Refused` as
        `admit` does: others may have come since a request was admitted.
        """
        self.admit(1)
        self._rows.append(row)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def leave(self, row: Row) -> None:
        """End a sequence; what the engine holds for it is freed before the next step."""
        row.closed = True
        if row in self._rows:
            self._rows.remove(row)
            self._left.append(row)
            self._wake.set()

    async def next_token(self, row: Row) -> Drawn:
        """The next token of a sequence."""
        if self._stopped is not None:
            raise self._stopped
        row.waiting.set()
        self._wake.set()
        drawn = await row.tokens.get()
        if isinstance(drawn, Exception):
            raise drawn
        return drawn

    async def _run(self) -> None:
        while True:
            await self._free()
            ready = [row for row in self._rows if row.waiting.is_set()]
            if not ready:
                self._wake.clear()
                await self._wake.wait()
                continue
            for row in ready:
                row.waiting.clear()
            for row, told in (await self._call(self._step, ready)).items():
                row.tokens.put_nowait(told)
            await asyncio.sleep(self.engine.pace)

    async def _free(self) -> None:
        left, self._left = [row for row in self._left if row.state is not None], []
        if left:
            await self._call(_each, lambda row: self.engine.close(row.state), left)

    def _step(self, rows: list[Row]) -> Told:
        """A token for each row; a row that fails is told its error, alone.

        A token is pushed when the next one is asked for: it leaves before that one costs anything.
        """
        told: Told = {}
        fresh = [row for row in rows if row.state is None]
        opened = _live(told, fresh, _each(self._open, fresh))
        pushed = _together(told, self._push, self._again, [row for row in rows if row.made])
        live = [row for row in rows if row in opened or row in pushed]
        scored = _together(told, self._scores, self._alone, live)
        chosen = _live(told, scored, _each(_choose, scored.keys(), scored.values()))
        for row, drawn in chosen.items():
            row.made.append(drawn.token)
        return told | chosen

    def _open(self, row: Row) -> None:
        row.state = self.engine.open(row.prompt)

    def _scores(self, rows: list[Row]) -> Scores:
        return self.engine.scores([row.state for row in rows])

    def _alone(self, row: Row) -> Scores:
        scores: Scores = self._scores([row])[0]
        return scores

    def _push(self, rows: list[Row]) -> list[None]:
        self.engine.push([row.state for row in rows], [row.made[-1] for row in rows])
        return [None] * len(rows)

    def _again(self, row: Row) -> None:
        """Make the state of a sequence anew: what a failed push left of it is unknown."""
        with suppress(Exception):
            self.engine.close(row.state)
        self._open(row)
        for token in row.made:
            self.engine.push([row.state], [token])

    async def _call(self, function: Callable[..., Any], *given: Any) -> Any:
        """Call the engine: a slow one beside the loop that serves requests, a fast one here."""
        return await asyncio.to_thread(function, *given) if self.engine.slow else function(*given)


def _overloaded(said: str) -> Refused:
    return Refused(said, status=503, type="overloaded_error", retry=RETRY)


def _each(function: Callable[..., Any], *given: Iterable[Any]) -> list[Any]:
    """What a function gives for each, or the error that it raised."""
    results: list[Any] = []
    for each in zip(*given, strict=True):
        try:
            results.append(function(*each))
        except Exception as error:  # noqa: BLE001  told to the request that it belongs to
            results.append(error)
    return results


def _together(
    told: Told, function: Callable[[list[Row]], Any], alone: Callable[[Row], Any], rows: list[Row]
) -> dict[Row, Any]:
    """What a function gives for rows together; where that fails, for each alone."""
    if not rows:
        return {}
    try:
        return _live(told, rows, function(rows))
    except Exception:
        LOG.exception("a step failed; its sequences are tried one by one")
        return _live(told, rows, _each(alone, rows))


def _live(told: Told, rows: Iterable[Row], results: Iterable[Any]) -> dict[Row, Any]:
    """The rows that go on, with their results; the others are told their errors."""
    live = {}
    for row, result in zip(rows, results, strict=True):
        if isinstance(result, Exception):
            told[row] = result
        elif not row.closed:
            live[row] = result
    return live


def _choose(row: Row, scores: Scores) -> Drawn:
    if row.forced:
        return row.sampler.report(scores, row.forced.pop(0))
    allowed = row.constraint.allowed() if row.constraint else None
    return row.sampler.choose(scores, allowed)
