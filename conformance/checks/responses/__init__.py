"""Responses: what is accepted and refused, what is honoured, and what an answer has."""

from conformance.checks.responses import answer, honoured, request

__all__ = ["answer", "honoured", "request"]
