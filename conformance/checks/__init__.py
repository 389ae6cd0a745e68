"""The checks, one module for each file of requirements. Importing this package registers them."""

from conformance.checks import chat, chat_stream, errors, http, models, odd, robustness, sse

__all__ = ["chat", "chat_stream", "errors", "http", "models", "odd", "robustness", "sse"]
