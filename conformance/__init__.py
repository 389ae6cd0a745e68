"""Conformance suite for OpenAI-compatible servers."""
