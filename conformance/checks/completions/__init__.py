"""Completions in both forms: one answer at a time, its options, several beside each other."""

from conformance.checks.completions import answer, options, relations, request

__all__ = ["answer", "options", "relations", "request"]
