"""Completions: as chat, with prompts as they are, and a text for each prompt and choice."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from reference_server import request
from reference_server.conversation import fitting
from reference_server.engine import Engine
from reference_server.generate import Generator
from reference_server.job import Choice, Finish, Job, Text, Token
from reference_server.refusal import Refused

Json = dict[str, Any]


def job(sent: Json, engine: Engine) -> Job:
    """The job of a valid request: all choices of the first prompt, then those of the next one."""
    top = int(sent["logprobs"]) if "logprobs" in sent else None
    prompts = [_tokens(each, sent.get("suffix", ""), engine) for each in _prompts(sent["prompt"])]
    asked = itertools.product(prompts, range(int(sent.get("n", 1))))
    choices = [Choice(tokens, request.sampler(sent, n, top)) for tokens, n in asked]
    room = engine.context - max(len(tokens) for tokens in prompts)
    limit = int(sent.get("max_tokens", request.LIMIT))
    echo = bool(sent.get("echo"))
    return Job(request.new_id(), tuple(choices), min(limit, room), request.stops(sent), echo=echo)


def _prompts(prompt: Any) -> list[Any]:
    if isinstance(prompt, str) or (prompt and isinstance(prompt[0], int | float)):
        return [prompt]
    return list(prompt)


def _tokens(prompt: Any, suffix: str, engine: Engine) -> tuple[int, ...]:
    """The tokens of one prompt. What is to follow is put in front of it, where any model sees it
    and nothing has to be said about the gap.
    """
    after = engine.encode(f"{suffix}\n") if suffix else []
    if isinstance(prompt, str):
        return fitting(engine, (*after, *engine.encode(prompt)), "prompt")
    tokens = [int(token) for token in prompt]
    if max(tokens) >= len(engine.vocabulary):
        raise Refused(f"prompt: {max(tokens)} is no token of this model", "prompt")
    return fitting(engine, (*after, *tokens), "prompt")


@dataclass(frozen=True)
class Answer:
    """The answer to one request, as it is made. `_offsets` counts the characters of each choice."""

    sent: Json
    job: Job
    generator: Generator
    created: int
    _offsets: dict[int, int] = field(default_factory=dict)

    @classmethod
    def begin(cls, sent: Json, engine: Engine, generator: Generator) -> Answer:
        """An answer that nothing stands in the way of; raises `Refused`."""
        made = job(sent, engine)
        generator.check(made)
        return cls(sent, made, generator, int(time.time()))

    def _chunk(self, choices: list[Json]) -> Json:
        return {
            "id": f"cmpl-{self.job.id}",
            "object": "text_completion",
            "created": self.created,
            "model": self.sent["model"],
            "system_fingerprint": "fp_reference",
            "choices": choices,
        }

    async def chunks(self) -> AsyncGenerator[Json]:
        """Every chunk of the stream."""
        used = 0
        async with aclosing(self.generator.events(self.job)) as events:
            async for event in events:
                match event:
                    case Text(choice, text, tokens):
                        yield self._piece(choice, text, tokens)
                    case Finish(choice, reason, count):
                        used += count
                        yield self._piece(choice, "", (), reason)
        options = self.sent.get("stream_options") or {}
        if options.get("include_usage") or not self.sent.get("stream"):
            yield self._chunk([]) | {"usage": self._usage(used)}

    def _piece(
        self, choice: int, text: str, tokens: Sequence[Token], reason: str | None = None
    ) -> Json:
        logprobs = None
        if "logprobs" in self.sent and reason is None:
            logprobs = _logprobs(tokens, self._offsets.get(choice, 0))
            said = sum(len(offset) for offset in logprobs["tokens"])
            self._offsets[choice] = self._offsets.get(choice, 0) + said
        entry = {"index": choice, "text": text, "logprobs": logprobs, "finish_reason": reason}
        return self._chunk([entry])

    def _usage(self, used: int) -> Json:
        each = len(self.job.choices) // int(self.sent.get("n", 1))
        prompts = self.job.choices[:: int(self.sent.get("n", 1))][:each]
        asked = sum(len(choice.prompt) for choice in prompts)
        return {"prompt_tokens": asked, "completion_tokens": used, "total_tokens": asked + used}

    async def body(self) -> Json:
        """The plain answer: the chunks, folded."""
        async with aclosing(self.chunks()) as chunks:
            return fold([chunk async for chunk in chunks])

    def failure(self, refused: Refused) -> Json:
        """The object that says in the stream that the answer failed."""
        return refused.body()


def _logprobs(tokens: Iterable[Token], offset: int) -> Json:
    """The four lists of the older form; offsets count characters of the text of the choice."""
    lists: Json = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
    for token in tokens:
        lists["tokens"].append(_word(token.data))
        lists["token_logprobs"].append(token.logprob)
        top = {_word(data): logprob for data, logprob in token.top}
        lists["top_logprobs"].append(None if token.logprob is None else top)
        lists["text_offset"].append(offset)
        offset += len(_word(token.data))
    return lists


def _word(data: bytes) -> str:
    """A token as text; one that is a part of a character is spelled by its bytes."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in data)


def fold(chunks: list[Mapping[str, Any]]) -> Json:
    """The plain answer that a stream amounts to."""
    choices: dict[int, Json] = {}
    for entry in itertools.chain.from_iterable(chunk["choices"] for chunk in chunks):
        choice = choices.setdefault(entry["index"], {**entry, "text": "", "logprobs": None})
        choice["text"] += entry["text"]
        choice["finish_reason"] = entry["finish_reason"]
        for name, values in (entry["logprobs"] or {}).items():
            choice["logprobs"] = choice["logprobs"] or {}
            choice["logprobs"].setdefault(name, []).extend(values)
    whole = {**chunks[0], "usage": chunks[-1].get("usage")}
    return whole | {"choices": [choices[index] for index in sorted(choices)]}
