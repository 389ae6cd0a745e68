"""The stream of a response: its events, its items, and that everything is said alike each time."""

from conformance.checks.responses_stream import events, items, texts

__all__ = ["events", "items", "texts"]
