"""A job is what is to be generated; events are what becomes of it, piece by piece.

Streams and plain bodies are made from the same events, so that the two cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Token:
    """A token of an answer: its bytes, the logarithm of its probability (None for the first token
    of a prompt), and the likeliest tokens in its place.
    """

    data: bytes
    logprob: float | None
    top: tuple[tuple[bytes, float], ...] = ()


@dataclass(frozen=True)
class Think:
    """A piece of the reasoning of a choice."""

    choice: int
    text: str


@dataclass(frozen=True)
class Text:
    """A piece of text of a choice. `tokens` are those that ended in it, if they were asked for."""

    choice: int
    text: str
    tokens: tuple[Token, ...] = ()


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
    """A choice ended: why, how many tokens it took, and how many of them were reasoning."""

    choice: int
    reason: str
    tokens: int
    thought: int = 0


Event = Think | Text | Call | Arguments | Finish


@dataclass(frozen=True)
class Tool:
    """A tool that may be called: its name and the schema of its arguments."""

    name: str
    parameters: Any


@dataclass(frozen=True)
class Choice:
    """One answer to be generated: its prompt in tokens, and what `Sampler` takes."""

    prompt: tuple[int, ...]
    sampler: Mapping[str, Any]


@dataclass(frozen=True)
class Job:
    """What is to be generated.

    `limit` is in tokens and for each choice. `think` is the length of a line of reasoning in front
    of the answer, in characters. `schema` constrains the text; `where` is the member of the request
    that brought it. `calls` are made in place of text, one for each entry; an entry holds the tools
    of which one is chosen. `echo` puts the prompt in front of the text.
    """

    id: str
    choices: tuple[Choice, ...]
    limit: int
    stop: tuple[str, ...] = ()
    think: int = 0
    schema: Any = None
    where: str = "response_format"
    calls: tuple[tuple[Tool, ...], ...] = field(default=())
    echo: bool = False
