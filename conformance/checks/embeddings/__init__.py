"""Embeddings: vectors for texts, one answer at a time and several beside each other."""

from conformance.checks.embeddings import answer, relations, request

__all__ = ["answer", "relations", "request"]
