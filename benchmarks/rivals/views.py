"""What schemathesis is given: the generation view as a document of its own, and ordinary prompts.

The generation view narrows what is sent, partly to what is cheap or sensible, and to break such a
bound breaks no rule; so bounds are taken back to those of the contract. Streams get `itemSchema` of
OpenAPI 3.2, and the model is an enum of one.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from conformance.contract.contract import load

BOUNDS = ("type", "required", "minimum", "maximum", "minItems", "maxItems")
EVENTS = "text/event-stream"
DONE = "[DONE]"
PROMPTS: Mapping[str, tuple[str, ...]] = {
    "ChatCompletionRequest": ("messages",),
    "CompletionRequest": ("prompt",),
    "EmbeddingRequest": ("input", "dimensions"),
    "ImageGenerationRequest": ("prompt", "size"),
    "ResponseRequest": ("input",),
}  # members whose values no schema makes sensible


def generation(model: str) -> dict[str, Any]:
    """The generation view as an OpenAPI 3.2 document, for a server with this model."""
    contract = load()
    tree = copy.deepcopy(contract.generation.tree)
    schemas, wide = tree["components"]["schemas"], contract.judging.tree["components"]["schemas"]
    for name in PROMPTS:
        schemas[name]["properties"]["model"]["enum"] = [model]
    for name, schema in schemas.items():
        _unbound(schema, wide[name])
    for item in tree["paths"].values():
        for operation in item.values():
            _by_event(operation["responses"])
    return {**_plain(tree), "openapi": "3.2.0"}


def prompts() -> dict[str, dict[str, list[Any]]]:
    """Sensible values for the members that need them, by path: the examples of the view."""
    view = load().generation
    found: dict[str, dict[str, list[Any]]] = {}
    for operation in view.operations:
        if operation.request:
            name, schema = view.target(operation.request)
            members = PROMPTS[name.rpartition("/")[2]]
            found[operation.path] = {m: _examples(schema["properties"][m]) for m in members}
    return found


def _examples(node: Mapping[str, Any]) -> list[Any]:
    found = list(node.get("examples", ()))
    for choice in node.get("oneOf", ()):
        found += choice.get("examples", ())
        if items := choice.get("items", {}).get("examples"):
            found.append(items[:2])
    return found


def _unbound(node: Any, wide: Any) -> None:
    """Give a schema the bounds that the contract has at its place."""
    if isinstance(node, list):
        for one, other in zip(node, wide, strict=False):
            _unbound(one, other)
        node += wide[len(node) :]
    elif isinstance(node, dict):
        for key in BOUNDS:
            node.pop(key, None)
            if key in wide:
                node[key] = wide[key]
        for key in node.keys() & {"properties", "items", "oneOf"}:
            _unbound(node[key], wide.get(key, node[key]))
        for each in node.get("properties", {}):
            _unbound(node["properties"][each], wide["properties"][each])


def _by_event(responses: Mapping[str, Any]) -> None:
    """The schema of a stream is that of the JSON in each of its events, but for the last mark."""
    for response in responses.values():
        if stream := response.get("content", {}).get(EVENTS):
            chunk = {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": stream.pop("schema"),
            }
            data = {"anyOf": [{"const": DONE}, chunk]}
            stream["itemSchema"] = {
                "type": "object",
                "required": ["data"],
                "properties": {"data": data},
            }


def _plain(node: Any) -> Any:
    """A tree without our extensions, each type named once."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _plain(value) for key, value in node.items() if not key.startswith("x-")}
    if isinstance(kept.get("type"), list):
        kept["type"] = list(dict.fromkeys(kept["type"]))
    return kept
