"""Every permitted way to answer that the server can take, one module for each file of requirements.

Importing this package registers them.
"""

from reference_server.variants import (
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
    responses,
    responses_stream,
    semantics,
    sse,
)
from reference_server.variants.variant import VARIANTS, Variant

__all__ = [
    "VARIANTS",
    "Variant",
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
    "responses",
    "responses_stream",
    "semantics",
    "sse",
]
