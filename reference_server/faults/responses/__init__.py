"""Faults of responses: what is accepted, what is honoured, what an answer has."""

from reference_server.faults.responses import answer, honoured, request

__all__ = ["answer", "honoured", "request"]
