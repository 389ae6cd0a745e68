"""Plain chat: what answers look like, what tool calls say, what becomes of requests."""

from conformance.checks.chat import answer, request, tools

__all__ = ["answer", "request", "tools"]
