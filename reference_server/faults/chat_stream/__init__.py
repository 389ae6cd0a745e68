"""Faults of the stream of chat completion chunks, by theme."""

from reference_server.faults.chat_stream import chunks, text, tools, usage

__all__ = ["chunks", "text", "tools", "usage"]
