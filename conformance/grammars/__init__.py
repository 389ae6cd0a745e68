"""The stream grammars, one module for each kind of stream: tables, and how a stream is labelled.

A machine runs once for each key: once for the stream, once for each choice, once for each tool
call. Labels are made from events; what is malformed gets none, and such a stream is not run.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from conformance.grammar import Machine
from conformance.grammars import chat_stream, completions_stream, responses

MACHINES: Mapping[str, tuple[Machine, ...]] = MappingProxyType(
    {
        "chat-stream": chat_stream.MACHINES,
        "completions-stream": completions_stream.MACHINES,
        "responses-stream": responses.MACHINES,
    }
)
