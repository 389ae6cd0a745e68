"""The answer to one request for a response."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from reference_server import request
from reference_server.conversation import calls, described, plain, prompt
from reference_server.engine import Engine
from reference_server.generate import Generator
from reference_server.job import Choice, Finish, Job
from reference_server.refusal import Refused
from reference_server.responses import items
from reference_server.responses.life import Life
from reference_server.responses.store import Items, Store

Json = dict[str, Any]
DEFAULTS: Json = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
LOGPROBS = "message.output_text.logprobs"
SEALED = "reasoning.encrypted_content"


def job(sent: Json, engine: Engine, conversation: Items) -> Job:
    """The job of a valid request; raises `Refused` if the context does not hold it."""
    tools = sent.get("tools") or []
    choice = sent.get("tool_choice", "auto")
    given = items.messages(conversation)
    asked = given[-1]["content"] if given and given[-1]["role"] == "user" else None
    told = [*described(() if choice == "none" else tools)]
    if "instructions" in sent:
        told.insert(0, {"role": "system", "content": sent["instructions"]})
    messages = [*told, *(plain(message, "input") for message in given)]
    tokens = prompt(engine, messages, "input")
    wanted = (sent.get("text") or {}).get("format") or {}
    top = int(sent.get("top_logprobs", 0)) if LOGPROBS in sent.get("include", ()) else None
    limit = int(sent.get("max_output_tokens", request.LIMIT))
    named = [choice["name"]] if isinstance(choice, dict) else choice
    return Job(
        id=request.new_id(),
        choices=(Choice(tokens, request.sampler(sent, 0, top)),),
        limit=min(limit, engine.context - len(tokens)),
        think=request.thinking((sent.get("reasoning") or {}).get("effort")),
        schema=request.schema(wanted, wanted.get("schema")),
        where="text.format",
        calls=calls(tools, named, asked, parallel=sent.get("parallel_tool_calls", True)),
    )


@dataclass(frozen=True)
class Answer:
    """The answer to one request, as it is made."""

    sent: Json
    job: Job
    generator: Generator
    life: Life
    conversation: Items
    store: Store

    @classmethod
    def begin(cls, sent: Json, engine: Engine, generator: Generator, store: Store) -> Answer:
        """An answer that nothing stands in the way of; raises `Refused` or `Uncompilable`."""
        conversation = [*store.get(sent.get("previous_response_id")), *items.listed(sent["input"])]
        made = job(sent, engine, conversation)
        generator.check(made)
        summary = bool((sent.get("reasoning") or {}).get("summary"))
        life = Life(_response(sent, made), summary, SEALED in sent.get("include", ()))
        return cls(sent, made, generator, life, conversation, store)

    async def chunks(self) -> AsyncGenerator[Json]:
        """Every event of the stream."""
        for event in self.life.begin():
            yield event
        async with aclosing(self.generator.events(self.job)) as made:
            async for each in made:
                for event in self.life.step(each):
                    yield event
                if isinstance(each, Finish):
                    for event in self._end(each):
                        yield event

    def _end(self, finish: Finish) -> list[Json]:
        events = self.life.end(finish.reason, self._usage(finish), int(time.time()))
        if self.sent.get("store", True):
            response = self.life.response
            self.store.put(response["id"], [*self.conversation, *response["output"]])
        return events

    def _usage(self, finish: Finish) -> Json:
        asked = len(self.job.choices[0].prompt)
        return {
            "input_tokens": asked,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": finish.tokens,
            "output_tokens_details": {"reasoning_tokens": finish.thought},
            "total_tokens": asked + finish.tokens,
        }

    async def body(self) -> Json:
        """The plain answer: what the last event of the stream holds."""
        last: Json = {}
        async with aclosing(self.chunks()) as chunks:
            async for event in chunks:
                last = event
        response: Json = last["response"]
        return response

    def failure(self, refused: Refused) -> Json:
        """The event that says that the answer failed."""
        return self.life.fail(refused.message)


def _response(sent: Json, made: Job) -> Json:
    """The response before anything was said: what was asked for, and the defaults."""
    reasoning = sent.get("reasoning") or {}
    text = sent.get("text") or {}
    return {
        "id": f"resp_{made.id}",
        "object": "response",
        "created_at": int(time.time()),
        "completed_at": None,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": sent["model"],
        "output": [],
        "usage": None,
        "reasoning": {name: reasoning.get(name) for name in ("effort", "summary")},
        "text": {"format": text.get("format") or {"type": "text"}},
    } | {name: sent.get(name, default) for name, default in DEFAULTS.items()}
