"""The life of a response: items open, grow and close, each step an event with its number.

The response object is built from the same steps, so that the last event holds what the stream said.
"""

from __future__ import annotations

import base64
import copy
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from reference_server.chat import record
from reference_server.job import Arguments, Call, Event, Finish, Text, Think, Token

Json = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """How a part of an item is told: the member of the item that holds it, the events around it,
    the events of its text, the name of its index, and the part while it is empty.
    """

    member: str
    frame: str
    text: str
    index: str
    empty: Json


PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "text": Part(
            "content",
            "response.content_part",
            "response.output_text",
            "content_index",
            {"type": "output_text", "text": "", "annotations": [], "logprobs": []},
        ),
        "summary": Part(
            "summary",
            "response.reasoning_summary_part",
            "response.reasoning_summary_text",
            "summary_index",
            {"type": "summary_text", "text": ""},
        ),
        "reasoning": Part(
            "content",
            "response.content_part",
            "response.reasoning_text",
            "content_index",
            {"type": "reasoning_text", "text": ""},
        ),
    }
)
REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}


@dataclass
class Life:
    """One response under way. `summary` tells where reasoning goes, `sealed` whether an opaque
    form of it is asked for.
    """

    response: Json
    summary: bool = False
    sealed: bool = False
    _number: int = 0
    _part: Part | None = None
    _value: Json = field(default_factory=dict)  # the part under way

    def begin(self) -> list[Json]:
        """The first events."""
        return [
            self._event("response.created", response=self.response),
            self._event("response.in_progress", response=self.response),
        ]

    def step(self, event: Event) -> list[Json]:
        """What an event of the model amounts to; the end of the model is no end of the response."""
        match event:
            case Think(_, text):
                kind = "summary" if self.summary else "reasoning"
                return [*self._enter("reasoning", kind), *self._say(text)]
            case Text(_, text, tokens):
                return [*self._enter("message", "text"), *self._say(text, tokens)]
            case Call(_, _, id_, name):
                return [*self._leave(), *self._open_call(id_, name)]
            case Arguments(_, _, text):
                self._item["arguments"] += text
                return [self._inner("response.function_call_arguments.delta", delta=text)]
            case Finish():
                return []

    def end(self, reason: str, usage: Json, at: int) -> list[Json]:
        """The last events: what is open is closed, then the whole response, once."""
        cut = REASONS.get(reason)
        status = "incomplete" if cut else "completed"
        events = [] if self._is_open or self.response["output"] else self._enter("message", "text")
        events += self._leave(status)
        details = {"incomplete_details": {"reason": cut}} if cut else {"completed_at": at}
        self.response |= {"status": status, "usage": usage} | details
        return [*events, self._event(f"response.{status}", response=self.response)]

    def fail(self, message: str) -> Json:
        """The last event of a response that failed."""
        error = {"code": "server_error", "message": message}
        self.response |= {"status": "failed", "error": error}
        return self._event("response.failed", response=self.response)

    @property
    def _item(self) -> Json:
        item: Json = self.response["output"][-1]
        return item

    @property
    def _is_open(self) -> bool:
        output = self.response["output"]
        return bool(output) and output[-1]["status"] == "in_progress"

    def _event(self, type_: str, **members: Any) -> Json:
        event = {"type": type_, "sequence_number": self._number, **copy.deepcopy(members)}
        self._number += 1
        return event

    def _inner(self, type_: str, **members: Any) -> Json:
        """An event inside the item under way."""
        index = len(self.response["output"]) - 1
        return self._event(type_, item_id=self._item["id"], output_index=index, **members)

    def _open(self, kind: str, prefix: str, members: Json) -> Json:
        output = self.response["output"]
        id_ = f"{prefix}_{self.response['id'].partition('_')[2]}_{len(output)}"
        output.append({"id": id_, "type": kind, "status": "in_progress", **members})
        return self._event(
            "response.output_item.added", output_index=len(output) - 1, item=self._item
        )

    def _enter(self, kind: str, part: str) -> list[Json]:
        """Open an item and its part, unless it is the one under way."""
        if self._is_open and self._item["type"] == kind:
            return []
        members: Json = {"role": "assistant", "content": []}
        if kind == "reasoning":
            members = {"summary": []} if part == "summary" else {"summary": [], "content": []}
        events = [*self._leave(), self._open(kind, "msg" if kind == "message" else "rs", members)]
        self._part, self._value = PARTS[part], copy.deepcopy(PARTS[part].empty)
        self._item[self._part.member].append(self._value)
        index = {self._part.index: 0}
        return [*events, self._inner(f"{self._part.frame}.added", **index, part=self._value)]

    def _say(self, text: str, tokens: Iterable[Token] = ()) -> list[Json]:
        assert self._part is not None
        self._value["text"] += text
        more: Json = {}
        if "logprobs" in self._value:
            more = {"logprobs": [record(token) for token in tokens]}
            self._value["logprobs"] += more["logprobs"]
        index = {self._part.index: 0}
        return [self._inner(f"{self._part.text}.delta", **index, delta=text, **more)]

    def _open_call(self, id_: str, name: str) -> list[Json]:
        self._part = None
        return [self._open("function_call", "fc", {"call_id": id_, "name": name, "arguments": ""})]

    def _leave(self, status: str = "completed") -> list[Json]:
        """Close the item under way."""
        if not self._is_open:
            return []
        events = self._close_call() if self._part is None else self._close_part(self._part)
        self._item["status"] = status
        if self.sealed and self._item["type"] == "reasoning":
            digest = hashlib.sha256(self._value["text"].encode()).digest()
            self._item["encrypted_content"] = base64.b64encode(digest).decode("ascii")
        index = len(self.response["output"]) - 1
        done = self._event("response.output_item.done", output_index=index, item=self._item)
        return [*events, done]

    def _close_part(self, part: Part) -> list[Json]:
        index = {part.index: 0}
        said = {key: self._value[key] for key in ("text", "logprobs") if key in self._value}
        return [
            self._inner(f"{part.text}.done", **index, **said),
            self._inner(f"{part.frame}.done", **index, part=self._value),
        ]

    def _close_call(self) -> list[Json]:
        said = {key: self._item[key] for key in ("name", "arguments")}
        return [self._inner("response.function_call_arguments.done", **said)]
