"""Input items as messages of a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reference_server.conversation import picture

Json = dict[str, Any]


def listed(given: str | list[Json]) -> list[Json]:
    """The input as items; a text is what a user says."""
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    return given


def messages(items: Iterable[Mapping[str, Any]]) -> list[Json]:
    """The messages of some items, in the form of chat, with plain text."""
    return [_message(item, f"input[{n}]") for n, item in enumerate(items)]


def _message(item: Mapping[str, Any], where: str) -> Json:
    match item.get("type") or "message":
        case "function_call":
            call = {"name": item["name"], "arguments": item["arguments"]}
            return {"role": "assistant", "content": "", "tool_calls": [{"function": call}]}
        case "function_call_output":
            return {"role": "tool", "content": _text(item["output"], f"{where}.output")}
        case "reasoning":
            parts = [*(item.get("summary") or ()), *(item.get("content") or ())]
            return {"role": "assistant", "content": _text(parts, where)}
        case _:
            return {"role": item["role"], "content": _text(item["content"], f"{where}.content")}


def _text(content: Any, where: str) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(_part(part, f"{where}[{n}]") for n, part in enumerate(content))


def _part(part: Mapping[str, Any], where: str) -> str:
    if part["type"] == "input_image":
        return picture(part["image_url"], f"{where}.image_url")
    return str(part["refusal" if part["type"] == "refusal" else "text"])
