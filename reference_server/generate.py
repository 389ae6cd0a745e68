"""From a job to the events of its answer: text, tool calls, and why it ended.

Both the stream and the plain body are made from these events, so the two cannot disagree.
"""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from reference_server.constrain import Constraints
from reference_server.decode import Batch, Row
from reference_server.sampling import Sampler


@dataclass(frozen=True)
class Text:
    """A piece of text of a choice."""

    choice: int
    text: str


@dataclass(frozen=True)
class Call:
    """A tool call begins."""

    choice: int
    call: int
    id: str
    name: str


@dataclass(frozen=True)
class Arguments:
    """A piece of the arguments of a tool call."""

    choice: int
    call: int
    text: str


@dataclass(frozen=True)
class Finish:
    """A choice ended, and how many tokens it took."""

    choice: int
    reason: str
    tokens: int


Event = Text | Call | Arguments | Finish


@dataclass(frozen=True)
class Tool:
    """A tool that may be called: its name and the schema of its arguments."""

    name: str
    parameters: Any


@dataclass(frozen=True)
class Job:
    """What is to be generated. `schema` constrains the text; with `tools` a call is made in its
    place.
    """

    id: str
    prompt: tuple[int, ...]
    limit: int
    samplers: tuple[dict[str, Any], ...]
    stop: tuple[str, ...] = ()
    schema: Any = None
    tools: tuple[Tool, ...] = ()


@dataclass
class StopScanner:
    """Lets text through up to a stop string, holding back what may become one."""

    stops: Sequence[str]
    _held: str = ""
    stopped: bool = False

    def feed(self, text: str) -> str:
        """The text that is safe to send."""
        self._held += text
        found = [at for stop in self.stops if (at := self._held.find(stop)) >= 0]
        if found:
            self.stopped = True
            self._held, out = "", self._held[: min(found)]
            return out
        keep = max((self._overlap(stop) for stop in self.stops), default=0)
        cut = len(self._held) - keep
        out, self._held = self._held[:cut], self._held[cut:]
        return out

    def _overlap(self, stop: str) -> int:
        sizes = range(min(len(stop) - 1, len(self._held)), 0, -1)
        return next((n for n in sizes if self._held.endswith(stop[:n])), 0)

    def rest(self) -> str:
        """What was held back, when nothing more comes."""
        out, self._held = self._held, ""
        return out


@dataclass
class _Budget:
    """The tokens of one choice."""

    limit: int
    used: int = 0

    @property
    def spent(self) -> bool:
        return self.used >= self.limit


class Generator:
    """Generates the answers of jobs on one batch."""

    def __init__(self, batch: Batch, constraints: Constraints) -> None:
        self._batch = batch
        self._constraints = constraints

    def check(self, job: Job) -> None:
        """Raise `Uncompilable` if a schema of the job cannot be decoded by."""
        if job.schema is not None:
            self._constraints.schema(job.schema)
        for tool in job.tools:
            self._constraints.schema(tool.parameters)

    async def events(self, job: Job) -> AsyncGenerator[Event]:
        """The events of every choice as they come; closing this generator frees the sequences."""
        queue: asyncio.Queue[Event | Exception | None] = asyncio.Queue()
        tasks = [asyncio.create_task(self._pump(job, n, queue)) for n in range(len(job.samplers))]
        running = len(tasks)
        try:
            while running:
                event = await queue.get()
                if isinstance(event, Exception):
                    raise event
                if event is None:
                    running -= 1
                else:
                    yield event
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pump(
        self, job: Job, choice: int, queue: asyncio.Queue[Event | Exception | None]
    ) -> None:
        row = self._batch.join(job.prompt, Sampler(**job.samplers[choice]))
        try:
            source = self._call(job, choice, row) if job.tools else self._text(job, choice, row)
            async with aclosing(source) as events:
                async for event in events:
                    queue.put_nowait(event)
            queue.put_nowait(None)
        except Exception as error:  # noqa: BLE001  raised again where the request is answered
            queue.put_nowait(error)
        finally:
            self._batch.leave(row)

    async def _text(self, job: Job, choice: int, row: Row) -> AsyncGenerator[Event]:
        budget, scanner = _Budget(job.limit), StopScanner(job.stop)
        row.constraint = None if job.schema is None else self._constraints.schema(job.schema)
        reason = "length"
        async with aclosing(self._spell(row, budget)) as texts:
            async for text, done in texts:
                if safe := scanner.feed(text):
                    yield Text(choice, safe)
                if scanner.stopped or done:
                    reason = "stop"
                    break
        if rest := scanner.rest():
            yield Text(choice, rest)
        yield Finish(choice, reason, budget.used)

    async def _call(self, job: Job, choice: int, row: Row) -> AsyncGenerator[Event]:
        """One tool call: a choice of the name, then arguments by the schema of that tool."""
        budget = _Budget(job.limit)
        row.constraint = self._constraints.choice([tool.name for tool in job.tools])
        name = ""
        async with aclosing(self._spell(row, budget)) as texts:
            async for text, _ in texts:
                name += text
        tool = next((tool for tool in job.tools if tool.name == name), None)
        if tool is None:
            yield Finish(choice, "length", budget.used)
            return
        yield Call(choice, 0, f"call_{job.id}_{choice}", name)
        row.constraint = self._constraints.schema(tool.parameters)
        reason = "length"
        async with aclosing(self._spell(row, budget)) as texts:
            async for text, done in texts:
                if text:
                    yield Arguments(choice, 0, text)
                reason = "tool_calls" if done else "length"
        yield Finish(choice, reason, budget.used)

    async def _spell(self, row: Row, budget: _Budget) -> AsyncGenerator[tuple[str, bool]]:
        """Text as it becomes whole characters, and whether it is complete."""
        engine = self._batch.engine
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while not budget.spent:
            token = await self._batch.next_token(row)
            budget.used += 1
            if token in engine.ends:
                yield "", True
                return
            text = "" if token in engine.special else decoder.decode(engine.vocabulary[token])
            complete = row.constraint is not None and row.constraint.push(token)
            yield text, complete
            if complete:
                return
