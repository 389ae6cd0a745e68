"""Faults of plain chat."""

from reference_server.faults.chat import answer, request, tools

__all__ = ["answer", "request", "tools"]
