"""From a job to its events."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from reference_server.constrain import Constraints
from reference_server.decode import Batch, Row
from reference_server.job import (
    Arguments,
    Call,
    Event,
    Finish,
    Job,
    Text,
    Think,
    Token,
    Tool,
)
from reference_server.sampling import Drawn, Sampler
from reference_server.scan import Alignment, StopScanner

Events = AsyncGenerator[Event]


@dataclass
class _Run:
    """One choice under way. `done` is true when what was begun is complete."""

    job: Job
    choice: int
    row: Row
    used: int = 0
    thought: int = 0
    done: bool = False
    reason: str = "length"
    tokens: Alignment = field(default_factory=Alignment)

    @property
    def spent(self) -> bool:
        """Whether the limit is reached."""
        return self.used >= self.job.limit

    @property
    def scored(self) -> bool:
        """Whether probabilities were asked for."""
        return self.row.sampler.top is not None


class Generator:
    """Generates the answers of jobs on one batch."""

    def __init__(self, batch: Batch, constraints: Constraints) -> None:
        self._batch = batch
        self._constraints = constraints

    def check(self, job: Job) -> None:
        """Raise `Uncompilable` if a schema of the job cannot be decoded by, `Refused` if there is
        no room.
        """
        if job.schema is not None:
            self._constraints.schema(job.schema, job.where)
        for tools in job.calls:
            self._constraints.choice([tool.name for tool in tools])
            for tool in tools:
                self._constraints.schema(tool.parameters, "tools")
        self._batch.admit(len(job.choices))

    async def events(self, job: Job) -> Events:
        """The events of every choice as they come; closing this generator frees the sequences."""
        queue: asyncio.Queue[Event | Exception | None] = asyncio.Queue()
        tasks = [asyncio.create_task(self._pump(job, n, queue)) for n in range(len(job.choices))]
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
        run = _begin(job, choice)
        try:
            self._batch.join(run.row)
            async with aclosing(self._answer(run)) as events:
                async for event in events:
                    queue.put_nowait(event)
            queue.put_nowait(None)
        except Exception as error:  # noqa: BLE001  raised again where the request is answered
            queue.put_nowait(error)
        finally:
            self._batch.leave(run.row)

    async def _answer(self, run: _Run) -> Events:
        """The parts of an answer, one after the other."""
        job = run.job
        parts = [self._echo] if job.echo else []
        parts += [self._think] if job.think else []
        parts += [self._calls if job.calls else self._text]
        for part in parts:
            async with aclosing(part(run)) as events:
                async for event in events:
                    yield event
        yield Finish(run.choice, run.reason, run.used, run.thought)

    async def _echo(self, run: _Run) -> Events:
        """The prompt; for its probabilities a sequence of its own is taken through it."""
        prompt = run.job.choices[run.choice].prompt
        vocabulary = self._batch.engine.vocabulary
        tokens: list[Token] = []
        if run.scored and prompt:
            row = Row(prompt[:1], run.row.sampler, list(prompt[1:]))
            self._batch.join(row)
            try:
                tokens.append(Token(vocabulary[prompt[0]], None))
                tokens += [self._token(await self._batch.next_token(row)) for _ in prompt[1:]]
            finally:
                self._batch.leave(row)
        text = b"".join(vocabulary[token] for token in prompt).decode("utf-8", "replace")
        yield Text(run.choice, text, tuple(tokens))

    async def _think(self, run: _Run) -> Events:
        """One line of reasoning, by a grammar that ends it on any model."""
        run.row.constraint = self._constraints.line(run.job.think)
        async with aclosing(self._spell(run)) as texts:
            async for text in texts:
                if said := text.rstrip("\n"):
                    yield Think(run.choice, said)
        run.thought, run.tokens, run.row.constraint = run.used, Alignment(), None

    async def _text(self, run: _Run) -> Events:
        schema, scanner = run.job.schema, StopScanner(run.job.stop)
        run.row.constraint = None
        if schema is not None:
            run.row.constraint = self._constraints.schema(schema, run.job.where)
        async with aclosing(self._spell(run)) as texts:
            async for text in texts:
                if safe := scanner.feed(text):
                    yield Text(run.choice, safe, run.tokens.take(safe))
                if scanner.stopped:
                    break
        rest, run.reason = scanner.rest(), "stop" if run.done or scanner.stopped else "length"
        tokens = run.tokens.cut() if scanner.stopped else run.tokens.take(rest)
        if rest or tokens:
            yield Text(run.choice, rest, tokens)

    async def _calls(self, run: _Run) -> Events:
        for number, tools in enumerate(run.job.calls):
            async with aclosing(self._call(run, number, tools)) as events:
                async for event in events:
                    yield event
            if not run.done:
                return
        run.reason = "tool_calls"

    async def _call(self, run: _Run, number: int, tools: Sequence[Tool]) -> Events:
        """One tool call: a choice of the name, then arguments by the schema of that tool."""
        run.row.constraint = self._constraints.choice([tool.name for tool in tools])
        async with aclosing(self._spell(run)) as texts:
            name = "".join([text async for text in texts])
        tool = next((tool for tool in tools if run.done and tool.name == name), None)
        if tool is None:
            return
        yield Call(run.choice, number, f"call_{run.job.id}_{run.choice}_{number}", name)
        run.row.constraint = self._constraints.schema(tool.parameters, "tools")
        async with aclosing(self._spell(run)) as texts:
            async for text in texts:
                if text:
                    yield Arguments(run.choice, number, text)

    async def _spell(self, run: _Run) -> AsyncGenerator[str]:
        """Text as it becomes whole characters; `run.done` tells whether it is complete."""
        engine, row, run.done = self._batch.engine, run.row, False
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while not run.done and not run.spent:
            drawn = await self._batch.next_token(row)
            run.used += 1
            if drawn.token in engine.ends:
                run.done = True
                return
            run.done = row.constraint is not None and row.constraint.push(drawn.token)
            if drawn.token not in engine.special:
                if run.scored:
                    run.tokens.push(self._token(drawn))
                yield decoder.decode(engine.vocabulary[drawn.token])

    def _token(self, drawn: Drawn) -> Token:
        words = self._batch.engine.vocabulary
        top = tuple((words[token], logprob) for token, logprob in drawn.top)
        return Token(words[drawn.token], drawn.logprob, top)


def _begin(job: Job, choice: int) -> _Run:
    asked = job.choices[choice]
    return _Run(job, choice, Row(asked.prompt, Sampler(**asked.sampler)))
