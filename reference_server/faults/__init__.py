"""Every fault that the server can commit, one module for each module of checks."""

from reference_server.faults import (
    chat,
    chat_stream,
    completions,
    completions_stream,
    embeddings,
    errors,
    http,
    images,
    models,
    odd,
    particular,
    responses,
    responses_stream,
    robustness,
    semantics,
    sse,
)
from reference_server.faults.fault import BROKEN, FAULTS, Fault

__all__ = [
    "BROKEN",
    "FAULTS",
    "Fault",
    "chat",
    "chat_stream",
    "completions",
    "completions_stream",
    "embeddings",
    "errors",
    "http",
    "images",
    "models",
    "odd",
    "particular",
    "responses",
    "responses_stream",
    "robustness",
    "semantics",
    "sse",
]
