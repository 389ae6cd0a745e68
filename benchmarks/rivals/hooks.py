"""What schemathesis is told by its own means, a hook before every call.

The model is the target's own wherever it is a string; on a surface that streams, `stream` is true
wherever it could be; a request that is valid by the schema gets an ordinary prompt in place of a
random one, and not more tokens than it needs. Without this nearly every request is refused: by 404
for its model, or by 400 for its prompt.
"""

from __future__ import annotations

import json
import os
from itertools import count
from typing import Any

import schemathesis

MODEL = os.environ["RIVAL_MODEL"]
STREAMED = os.environ["RIVAL_STREAMED"] == "1"
PROMPTS = json.loads(os.environ["RIVAL_PROMPTS"])
TOKENS = {
    "/chat/completions": ("max_tokens", 8),
    "/completions": ("max_tokens", 8),
    "/responses": ("max_output_tokens", 16),
}  # and how many at the least; up to eight more
NUMBER = count()


@schemathesis.hook
def before_call(_: Any, case: Any, __: Any) -> None:
    """Change a request before it is sent; schemathesis looks again whether it is valid."""
    if isinstance(case.body, dict):
        _body(case)
    elif case.path_parameters and _sound(case) and next(NUMBER) % 2:
        case.path_parameters["model"] = MODEL


def _body(case: Any) -> None:
    body = case.body
    if isinstance(body.get("model"), str):
        body["model"] = MODEL
    if STREAMED and isinstance(body.get("stream", False), bool):
        body["stream"] = True
    if not _sound(case):
        return
    number = next(NUMBER)
    for name in body.keys() & PROMPTS.get(case.path, {}).keys():
        values = PROMPTS[case.path][name]
        body[name] = values[number % len(values)]
    if case.path in TOKENS:
        name, least = TOKENS[case.path]
        body[name] = least + number % 8


def _sound(case: Any) -> bool:
    """Whether a request is valid by the schema, and none of the examples or links of one."""
    meta = case.meta
    return meta.generation.mode.is_positive and meta.phase.name.value in ("coverage", "fuzzing")
