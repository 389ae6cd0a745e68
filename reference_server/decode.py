"""The running batch: sequences join and leave, each step makes one token for each of them.

One task owns the engine. A sequence hands its tokens to a queue; whoever reads the queue and goes
away closes it, and the sequence leaves before the next step.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from reference_server.constrain import Constraint
from reference_server.engine import Engine, Scores
from reference_server.refusal import Refused, failed
from reference_server.sampling import Drawn, Sampler

ROWS = 1024  # sequences under way at most
RETRY = 1  # seconds after which an overloaded server may be asked again
LOG = logging.getLogger("reference_server")


@dataclass(eq=False)
class Row:
    """One sequence under way. `constraint` may be exchanged between two steps; `forced` holds
    tokens that are taken as they are, to learn how likely they were.
    """

    prompt: Sequence[int]
    sampler: Sampler
    forced: list[int] = field(default_factory=list)
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
        if self._stopped is not None or len(self._rows) + count > self._limit:
            said = "the server is stopping" if self._stopped else "too many requests are under way"
            raise Refused(said, status=503, type="overloaded_error", retry=RETRY)

    def stop(self) -> None:
        """End every sequence with an error, and take no more."""
        self._stopped = failed("the server is stopping")
        for row in self._rows:
            row.tokens.put_nowait(self._stopped)

    def join(self, row: Row) -> None:
        """Begin a sequence; it makes a token each time that `next_token` asks."""
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
            self._free()
            ready = [row for row in self._rows if row.waiting.is_set()]
            if not ready:
                self._wake.clear()
                await self._wake.wait()
                continue
            for row in ready:
                row.waiting.clear()
            await self._step(ready)
            await asyncio.sleep(self.engine.pace)

    def _free(self) -> None:
        while self._left:
            row = self._left.pop()
            if row.state is not None:
                self.engine.close(row.state)

    async def _step(self, rows: list[Row]) -> None:
        """One token for each row; a row that fails fails alone."""
        opened = _live(rows, await self._call(_each, self._open, [(row,) for row in rows]))
        scores = await self._score([row for row, _ in opened])
        chosen = _live([row for row, _ in scores], await self._call(_each, _choose, scores))
        if chosen:
            await self._push([row for row, _ in chosen], [drawn for _, drawn in chosen])

    def _open(self, row: Row) -> None:
        if row.state is None:
            row.state = self.engine.open(row.prompt)

    async def _score(self, rows: list[Row]) -> list[tuple[Row, Scores]]:
        if not rows:
            return []
        try:
            scores = await self._call(self.engine.scores, [row.state for row in rows])
            return list(zip(rows, scores, strict=True))
        except Exception:
            LOG.exception("a step failed; its sequences are tried one by one")
            alone = await self._call(_each, self._alone, [(row,) for row in rows])
            return _live(rows, alone)

    def _alone(self, row: Row) -> Scores:
        scores: Scores = self.engine.scores([row.state])[0]
        return scores

    async def _push(self, rows: list[Row], drawn: list[Drawn]) -> None:
        try:
            tokens = [each.token for each in drawn]
            await self._call(self.engine.push, [row.state for row in rows], tokens)
        except Exception as error:
            LOG.exception("a step failed")
            drawn = [error] * len(rows)  # type: ignore[list-item]
        for row, each in zip(rows, drawn, strict=True):
            row.tokens.put_nowait(each)

    async def _call(self, function: Callable[..., Any], *given: Any) -> Any:
        """Call the engine: a fast one here, a slow one beside the loop that serves requests."""
        if self.engine.pace:
            return function(*given)
        return await asyncio.to_thread(function, *given)


def _each(function: Callable[..., Any], given: Sequence[tuple[Any, ...]]) -> list[Any]:
    """What a function gives for each, or the error that it raised."""
    results: list[Any] = []
    for each in given:
        try:
            results.append(function(*each))
        except Exception as error:  # noqa: BLE001  told to the request that it belongs to
            results.append(error)
    return results


def _live(rows: Sequence[Row], results: Sequence[Any]) -> list[tuple[Row, Any]]:
    """The rows that go on, with their results; the others are told their errors."""
    live = []
    for row, result in zip(rows, results, strict=True):
        if isinstance(result, Exception):
            row.tokens.put_nowait(result)
        elif not row.closed:
            live.append((row, result))
    return live


def _choose(row: Row, scores: Scores) -> Drawn:
    if row.forced:
        return row.sampler.report(scores, row.forced.pop(0))
    allowed = row.constraint.allowed() if row.constraint else None
    return row.sampler.choose(scores, allowed)
