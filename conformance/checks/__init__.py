"""The checks, one module for each file of requirements. Importing this package registers them."""

from conformance.checks import (
    chat,
    chat_stream,
    completions,
    completions_stream,
    embeddings,
    errors,
    http,
    images,
    models,
    neighbours,
    odd,
    responses,
    responses_stream,
    robustness,
    semantics,
    sse,
)

__all__ = [
    "chat",
    "chat_stream",
    "completions",
    "completions_stream",
    "embeddings",
    "errors",
    "http",
    "images",
    "models",
    "neighbours",
    "odd",
    "responses",
    "responses_stream",
    "robustness",
    "semantics",
    "sse",
]
