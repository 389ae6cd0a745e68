"""Chat completions: a request becomes a job, events become chunks, and chunks fold to a body."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from reference_server import request
from reference_server.conversation import calls, described, plain, prompt
from reference_server.engine import Engine
from reference_server.generate import Generator
from reference_server.job import Arguments, Call, Choice, Event, Finish, Job, Text, Think, Token
from reference_server.refusal import Refused

Json = dict[str, Any]


def job(sent: Json, engine: Engine) -> Job:
    """The job of a valid request; raises `Refused` if the context does not hold it."""
    tools = [tool["function"] for tool in sent.get("tools") or ()]
    choice = sent.get("tool_choice", "auto")
    given = [plain(message, f"messages[{n}]") for n, message in enumerate(sent["messages"])]
    asked = given[-1]["content"] if sent["messages"][-1]["role"] == "user" else None
    tokens = prompt(engine, [*described(() if choice == "none" else tools), *given], "messages")
    limit = int(sent.get("max_completion_tokens") or sent.get("max_tokens") or request.LIMIT)
    top = int(sent.get("top_logprobs", 0)) if sent.get("logprobs") else None
    wanted = sent.get("response_format") or {}
    named = [choice["function"]["name"]] if isinstance(choice, dict) else choice
    parallel = sent.get("parallel_tool_calls", True)
    return Job(
        id=request.new_id(),
        choices=tuple(
            Choice(tokens, request.sampler(sent, n, top)) for n in range(int(sent.get("n", 1)))
        ),
        limit=min(limit, engine.context - len(tokens)),
        stop=request.stops(sent),
        think=request.thinking(sent.get("reasoning_effort")),
        schema=request.schema(
            wanted, (wanted.get("json_schema") or {}).get("schema", request.OBJECT)
        ),
        calls=calls(tools, named, asked, parallel=parallel),
    )


@dataclass(frozen=True)
class Answer:
    """The answer to one request, as it is made."""

    sent: Json
    job: Job
    generator: Generator
    created: int

    @classmethod
    def begin(cls, sent: Json, engine: Engine, generator: Generator) -> Answer:
        """An answer that nothing stands in the way of; raises `Refused` or `Uncompilable`."""
        made = job(sent, engine)
        generator.check(made)
        return cls(sent, made, generator, int(time.time()))

    def _chunk(self, choices: list[Json]) -> Json:
        return {
            "id": f"chatcmpl-{self.job.id}",
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.sent["model"],
            "system_fingerprint": "fp_reference",
            "choices": choices,
        }

    async def chunks(self) -> AsyncGenerator[Json]:
        """Every chunk of the stream."""
        ends: list[Finish] = []
        for choice in range(len(self.job.choices)):
            yield self._delta(choice, {"role": "assistant", "content": "", "refusal": None})
        async with aclosing(self.generator.events(self.job)) as events:
            async for event in events:
                yield self._event(event)
                ends += [event] if isinstance(event, Finish) else []
        options = self.sent.get("stream_options") or {}
        if options.get("include_usage") or not self.sent.get("stream"):
            yield self._chunk([]) | {"usage": self._usage(ends)}

    def _event(self, event: Event) -> Json:
        match event:
            case Think(choice, text):
                return self._delta(choice, {"reasoning": text})
            case Text(choice, text, tokens):
                return self._delta(choice, {"content": text}, logprobs=self._logprobs(tokens))
            case Call(choice, call, id_, name):
                function = {"name": name, "arguments": ""}
                opened = {"index": call, "id": id_, "type": "function", "function": function}
                return self._delta(choice, {"tool_calls": [opened]})
            case Arguments(choice, call, text):
                piece = {"index": call, "function": {"arguments": text}}
                return self._delta(choice, {"tool_calls": [piece]})
            case Finish(choice, reason):
                return self._delta(choice, {}, reason)

    def _delta(
        self, choice: int, delta: Json, reason: str | None = None, logprobs: Any = None
    ) -> Json:
        entry = {"index": choice, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
        return self._chunk([entry])

    def _logprobs(self, tokens: Iterable[Token]) -> Json | None:
        if not self.sent.get("logprobs"):
            return None
        return {"content": [record(token) for token in tokens], "refusal": None}

    def _usage(self, ends: Sequence[Finish]) -> Json:
        asked, used = len(self.job.choices[0].prompt), sum(end.tokens for end in ends)
        usage: Json = {"prompt_tokens": asked, "completion_tokens": used}
        usage["total_tokens"] = asked + used
        usage["prompt_tokens_details"] = {"cached_tokens": 0}  # nothing is remembered
        if self.job.think:
            thought = sum(end.thought for end in ends)
            usage["completion_tokens_details"] = {"reasoning_tokens": thought}
        return usage

    async def body(self) -> Json:
        """The plain answer: the chunks, folded."""
        async with aclosing(self.chunks()) as chunks:
            return fold([chunk async for chunk in chunks])

    def failure(self, refused: Refused) -> Json:
        """The object that says in the stream that the answer failed."""
        return refused.body()


def record(token: Token) -> Json:
    """A token of an answer, as clients read it."""
    top = [_likely(data, logprob) for data, logprob in token.top]
    return _likely(token.data, token.logprob) | {"top_logprobs": top}


def _likely(data: bytes, logprob: float | None) -> Json:
    return {"token": data.decode("utf-8", "replace"), "logprob": logprob, "bytes": list(data)}


def fold(chunks: list[Json]) -> Json:
    """The plain answer that a stream amounts to."""
    choices: dict[int, Json] = {}
    for entry in itertools.chain.from_iterable(chunk["choices"] for chunk in chunks):
        message = {"role": "assistant", "content": ""}
        empty = {"index": entry["index"], "message": message, "logprobs": None}
        choice = choices.setdefault(entry["index"], empty | {"finish_reason": None})
        choice["finish_reason"] = choice["finish_reason"] or entry["finish_reason"]
        _fold_delta(choice, entry)
    for choice in choices.values():
        if choice["message"].get("tool_calls"):
            choice["message"]["content"] = choice["message"]["content"] or None
    whole = {**chunks[0], "object": "chat.completion", "usage": chunks[-1].get("usage")}
    return whole | {"choices": [choices[index] for index in sorted(choices)]}


def _fold_delta(choice: Json, entry: Json) -> None:
    message, delta = choice["message"], entry["delta"]
    message["content"] += delta.get("content") or ""
    if "reasoning" in delta:
        message["reasoning"] = message.get("reasoning", "") + delta["reasoning"]
    if entry["logprobs"]:
        choice["logprobs"] = choice["logprobs"] or {"content": [], "refusal": None}
        choice["logprobs"]["content"] += entry["logprobs"]["content"]
    for piece in delta.get("tool_calls", ()):
        _fold_call(message.setdefault("tool_calls", []), piece)


def _fold_call(calls: list[Json], piece: Json) -> None:
    if "id" in piece:
        calls.append({"id": piece["id"], "type": "function", "function": dict(piece["function"])})
    else:
        calls[piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]
