"""Faults of the stream of a response: its events, its items, its parts and texts."""

from reference_server.faults.responses_stream import events, items, parts

__all__ = ["events", "items", "parts"]
