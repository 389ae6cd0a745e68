"""Responses: input items to a conversation, events to a life cycle, and what is remembered."""
