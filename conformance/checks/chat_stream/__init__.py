"""The stream of chat completion chunks, by theme. Importing this package registers its checks."""

from conformance.checks.chat_stream import answer, chunks, text, tools, twins, usage

__all__ = ["answer", "chunks", "text", "tools", "twins", "usage"]
