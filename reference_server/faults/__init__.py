"""Every fault that the server can commit, one module for each module of checks."""

from reference_server.faults import chat, chat_stream, errors, http, models, odd, robustness, sse
from reference_server.faults.fault import BROKEN, FAULTS, Fault

__all__ = [
    "BROKEN",
    "FAULTS",
    "Fault",
    "chat",
    "chat_stream",
    "errors",
    "http",
    "models",
    "odd",
    "robustness",
    "sse",
]
