"""The running batch: sequences join and leave, each step makes one token for each of them.

One task owns the engine. A sequence hands its tokens to a queue; whoever reads the queue and goes
away closes it, and the sequence leaves before the next step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from reference_server.constrain import Constraint
from reference_server.engine import Engine
from reference_server.sampling import Sampler


@dataclass(eq=False)
class Row:
    """One sequence under way. `constraint` may be exchanged between two steps."""

    prompt: Sequence[int]
    sampler: Sampler
    state: Any = None
    constraint: Constraint | None = None
    tokens: asyncio.Queue[int | Exception] = field(default_factory=asyncio.Queue)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False


class Batch:
    """The batch of one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._rows: list[Row] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def join(self, tokens: Sequence[int], sampler: Sampler) -> Row:
        """Begin a sequence; it makes a token each time that `next_token` asks."""
        row = Row(tokens, sampler)
        self._rows.append(row)
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return row

    def leave(self, row: Row) -> None:
        """End a sequence."""
        row.closed = True
        if row in self._rows:
            self._rows.remove(row)
            if row.state is not None:
                self.engine.close(row.state)

    async def next_token(self, row: Row) -> int:
        """The next token of a sequence."""
        row.waiting.set()
        self._wake.set()
        token = await row.tokens.get()
        if isinstance(token, Exception):
            raise token
        return token

    async def _run(self) -> None:
        while True:
            ready = [row for row in self._rows if row.waiting.is_set()]
            if not ready:
                self._wake.clear()
                await self._wake.wait()
                continue
            for row in ready:
                row.waiting.clear()
            await self._step(ready)
            await asyncio.sleep(self.engine.pace)

    async def _step(self, rows: list[Row]) -> None:
        """One token for each row; a row that fails fails alone."""
        for row in rows:
            if row.state is None:
                row.state = await self._call(self.engine.open, row.prompt)
        scores = await self._call(self.engine.scores, [row.state for row in rows])
        chosen: list[tuple[Row, int]] = []
        for row, each in zip(rows, scores, strict=True):
            try:
                allowed = row.constraint.allowed() if row.constraint else None
                chosen.append((row, row.sampler.choose(each, allowed)))
            except Exception as error:  # noqa: BLE001  told to the request that it belongs to
                row.tokens.put_nowait(error)
        live = [(row, token) for row, token in chosen if not row.closed]
        if live:
            states, tokens = [row.state for row, _ in live], [token for _, token in live]
            await self._call(self.engine.push, states, tokens)
        for row, token in live:
            row.tokens.put_nowait(token)

    async def _call(self, function: Callable[..., Any], *given: Any) -> Any:
        """Call the engine: a fast one here, a slow one beside the loop that serves requests."""
        if self.engine.pace:
            return function(*given)
        return await asyncio.to_thread(function, *given)
