"""Chat completions: a request becomes a job, events become chunks, and chunks fold to a body."""

from __future__ import annotations

import itertools
import json
import time
import uuid
import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from reference_server.contract import Refused
from reference_server.engine import Engine
from reference_server.generate import Arguments, Call, Event, Finish, Generator, Job, Text, Tool

LIMIT = 256  # tokens of an answer when the request says nothing
OBJECT: dict[str, Any] = {"type": "object"}


def job(sent: dict[str, Any], engine: Engine) -> Job:
    """The job of a valid request; raises `Refused` if the context does not hold it."""
    prompt = tuple(engine.render([_message(message) for message in _messages(sent)]))
    limit = int(sent.get("max_completion_tokens") or sent.get("max_tokens") or LIMIT)
    if len(prompt) >= engine.context:
        raise Refused(
            f"{len(prompt)} tokens are more than the context of {engine.context}",
            "messages",
            "context_length_exceeded",
        )
    stop = sent.get("stop", ())
    return Job(
        id=uuid.uuid4().hex[:24],
        prompt=prompt,
        limit=min(limit, engine.context - len(prompt)),
        samplers=tuple(_sampler(sent, n) for n in range(sent.get("n", 1))),
        stop=tuple(s for s in ((stop,) if isinstance(stop, str) else stop) if s),
        schema=_schema(sent),
        tools=_tools(sent),
    )


def _messages(sent: dict[str, Any]) -> list[dict[str, Any]]:
    """The conversation, with the tools described in front of it."""
    tools = sent.get("tools")
    if not tools or sent.get("tool_choice") == "none":
        return list(sent["messages"])
    described = "Tools: " + json.dumps([tool["function"] for tool in tools], ensure_ascii=False)
    return [{"role": "system", "content": described}, *sent["messages"]]


def _message(message: dict[str, Any]) -> dict[str, Any]:
    """A message with plain text for its content."""
    content = message.get("content") or ""
    if isinstance(content, list):
        content = "\n".join(part.get("text", "") for part in content)
    for call in message.get("tool_calls") or ():
        content += json.dumps(call.get("function") or {}, ensure_ascii=False)
    role = "system" if message["role"] == "developer" else message["role"]
    return {"role": "user" if role == "tool" else role, "content": content}


def _sampler(sent: dict[str, Any], choice: int) -> dict[str, Any]:
    """What `Sampler` takes; without a seed one is made from the request."""
    without = zlib.crc32(json.dumps(sent, sort_keys=True).encode())
    seed = int(sent.get("seed", without)) + choice
    names = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
    return {name: float(sent[name]) for name in names if name in sent} | {"seed": seed}


def _schema(sent: dict[str, Any]) -> Any:
    wanted = sent.get("response_format") or {}
    if wanted.get("type") == "json_object":
        return OBJECT | {
            "properties": {},
            "additionalProperties": {"type": "string"},
            "maxProperties": 3,
        }
    if wanted.get("type") == "json_schema":
        return wanted["json_schema"].get("schema", OBJECT)
    return None


def _tools(sent: dict[str, Any]) -> tuple[Tool, ...]:
    """The tools of which one is called. With `auto` a user's message is answered by a call, a
    tool's result by text: a rule that any model can follow.
    """
    choice = sent.get("tool_choice", "auto")
    offered = [tool["function"] for tool in sent.get("tools") or ()]
    if isinstance(choice, dict):
        offered = [f for f in offered if f["name"] == choice["function"]["name"]]
    elif choice == "none" or (choice == "auto" and sent["messages"][-1]["role"] != "user"):
        return ()
    return tuple(Tool(f["name"], f.get("parameters") or OBJECT) for f in offered if f["name"])


@dataclass(frozen=True)
class Answer:
    """The answer to one request, as it is made."""

    sent: dict[str, Any]
    job: Job
    generator: Generator
    created: int

    @classmethod
    def begin(cls, sent: dict[str, Any], engine: Engine, generator: Generator) -> Answer:
        """An answer that nothing stands in the way of; raises `Refused` or `Uncompilable`."""
        made = job(sent, engine)
        generator.check(made)
        return cls(sent, made, generator, int(time.time()))

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{self.job.id}",
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.sent["model"],
            "system_fingerprint": "fp_reference",
            "choices": choices,
        }

    async def chunks(self) -> AsyncGenerator[dict[str, Any]]:
        """Every chunk of the stream."""
        used = 0
        for choice in range(len(self.job.samplers)):
            yield self._delta(choice, {"role": "assistant", "content": ""})
        async with aclosing(self.generator.events(self.job)) as events:
            async for event in events:
                yield self._event(event)
                used += event.tokens if isinstance(event, Finish) else 0
        options = self.sent.get("stream_options") or {}
        if options.get("include_usage") or not self.sent.get("stream"):
            yield self._chunk([]) | {"usage": self._usage(used)}

    def _event(self, event: Event) -> dict[str, Any]:
        match event:
            case Text(choice, text):
                return self._delta(choice, {"content": text})
            case Call(choice, call, id_, name):
                function = {"name": name, "arguments": ""}
                opened = {"index": call, "id": id_, "type": "function", "function": function}
                return self._delta(choice, {"tool_calls": [opened]})
            case Arguments(choice, call, text):
                piece = {"index": call, "function": {"arguments": text}}
                return self._delta(choice, {"tool_calls": [piece]})
            case Finish(choice, reason, _):
                return self._delta(choice, {}, reason)

    def _delta(
        self, choice: int, delta: dict[str, Any], reason: str | None = None
    ) -> dict[str, Any]:
        entry = {"index": choice, "delta": delta, "logprobs": None, "finish_reason": reason}
        return self._chunk([entry])

    def _usage(self, used: int) -> dict[str, int]:
        asked = len(self.job.prompt)
        return {"prompt_tokens": asked, "completion_tokens": used, "total_tokens": asked + used}

    async def body(self) -> dict[str, Any]:
        """The plain answer: the chunks, folded."""
        async with aclosing(self.chunks()) as chunks:
            return fold([chunk async for chunk in chunks])


def fold(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """The plain answer that a stream amounts to."""
    choices: dict[int, dict[str, Any]] = {}
    for entry in itertools.chain.from_iterable(chunk["choices"] for chunk in chunks):
        message = {"role": "assistant", "content": ""}
        empty = {"index": entry["index"], "message": message, "logprobs": None}
        choice = choices.setdefault(entry["index"], empty | {"finish_reason": None})
        choice["finish_reason"] = choice["finish_reason"] or entry["finish_reason"]
        choice["message"]["content"] += entry["delta"].get("content") or ""
        for piece in entry["delta"].get("tool_calls", ()):
            _fold_call(choice["message"], piece)
    for choice in choices.values():
        if choice["message"].get("tool_calls"):
            choice["message"]["content"] = choice["message"]["content"] or None
    whole = {**chunks[0], "object": "chat.completion", "usage": chunks[-1].get("usage")}
    return whole | {"choices": [choices[index] for index in sorted(choices)]}


def _fold_call(message: dict[str, Any], piece: dict[str, Any]) -> None:
    calls = message.setdefault("tool_calls", [])
    if "id" in piece:
        calls.append({"id": piece["id"], "type": "function", "function": dict(piece["function"])})
    else:
        calls[piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]
