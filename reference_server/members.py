"""Members that official clients send and the document does not name, as JSON Schema.

They are validated beside the contract; a member that stands in neither is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"]
CHOICES = 128  # of one request
LEAST = 16  # tokens of a response
MOST = 2048  # inputs of one request


def _integer(least: int, most: int | None = None) -> dict[str, Any]:
    bounds = {"minimum": least} | ({} if most is None else {"maximum": most})
    return {"type": ["integer", "null"]} | bounds


def _either(*types: str) -> dict[str, Any]:
    return {"type": [*types, "null"]}


def _one_of(*values: str) -> dict[str, Any]:
    return {"enum": [*values, None]}


FUNCTION = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
BIAS = {
    "type": ["object", "null"],
    "propertyNames": {"pattern": "^[0-9]{1,9}$"},
    "additionalProperties": {"type": "number", "minimum": -100, "maximum": 100},
}
METADATA = {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
COMMON: dict[str, Any] = {"model": {"minLength": 1}, "user": _either("string")}
SAMPLED = COMMON | {"n": _integer(1, CHOICES), "logit_bias": BIAS}
FORMAT = {
    "type": ["object", "null"],
    "required": ["type"],
    "properties": {"type": {"enum": ["text", "json_object", "json_schema"]}},
    "if": {"required": ["type"], "properties": {"type": {"const": "json_schema"}}},
    "then": {"required": ["schema"], "properties": {"schema": {"type": "object"}}},
}

MEMBERS: Mapping[str, Mapping[str, Any]] = {
    "/chat/completions": SAMPLED
    | {
        "max_tokens": _integer(1),
        "max_completion_tokens": _integer(1),
        "logprobs": _either("boolean"),
        "top_logprobs": _integer(0, 20),
        "tool_choice": {
            "anyOf": [
                _one_of("none", "auto", "required"),
                {
                    "type": "object",
                    "required": ["type", "function"],
                    "properties": {"type": {"const": "function"}, "function": FUNCTION},
                },
            ]
        },
        "parallel_tool_calls": _either("boolean"),
        "reasoning_effort": _one_of(*EFFORTS),
        "metadata": METADATA,
    },
    "/completions": SAMPLED
    | {
        "max_tokens": _integer(0),
        "logprobs": _integer(0, 5),
        "echo": _either("boolean"),
        "best_of": _integer(1, 20),
    },
    "/embeddings": COMMON | {"dimensions": _integer(1), "input": {"maxItems": MOST}},
    "/images/generations": COMMON | {"n": _integer(1, 10)},
    "/responses": COMMON
    | {
        "max_output_tokens": _integer(LEAST),
        "instructions": _either("string"),
        "top_logprobs": _integer(0, 20),
        "tool_choice": {
            "anyOf": [
                _one_of("none", "auto", "required"),
                FUNCTION
                | {"properties": {"type": {"const": "function"}, **FUNCTION["properties"]}},  # type: ignore[dict-item]
            ]
        },
        "parallel_tool_calls": _either("boolean"),
        "previous_response_id": _either("string"),
        "store": _either("boolean"),
        "background": {"enum": [False, None]},
        "truncation": _one_of("auto", "disabled"),
        "metadata": METADATA,
        "include": {"type": ["array", "null"], "items": {"type": "string"}},
        "reasoning": {
            "type": ["object", "null"],
            "properties": {
                "effort": _one_of(*EFFORTS),
                "summary": _one_of("auto", "concise", "detailed"),
            },
        },
        "text": {"type": ["object", "null"], "properties": {"format": FORMAT}},
    },
}
