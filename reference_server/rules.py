"""What no schema can say about a request: one table, an operation a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reference_server.pictures import sides
from reference_server.refusal import Refused

Rule = Callable[[dict[str, Any]], None]


def schema_given(sent: dict[str, Any]) -> None:
    """A format by schema brings the schema."""
    wanted = sent.get("response_format") or {}
    if wanted.get("type") == "json_schema" and not isinstance(wanted.get("json_schema"), dict):
        raise Refused("json_schema is missing", "response_format.json_schema")


def alternatives(sent: dict[str, Any]) -> None:
    """The number of alternatives needs the switch that asks for probabilities."""
    if "top_logprobs" in sent and not sent.get("logprobs"):
        raise Refused("top_logprobs needs logprobs: true", "top_logprobs")


def chosen_tool(sent: dict[str, Any]) -> None:
    """What is called by `tool_choice` is offered."""
    choice = sent.get("tool_choice", "auto")
    names = [tool_name(tool) for tool in sent.get("tools") or ()]
    if isinstance(choice, dict) and tool_name(choice) not in names:
        raise Refused("tool_choice names no tool that is offered", "tool_choice")
    if choice == "required" and not names:
        raise Refused("tool_choice is required and no tool is offered", "tool_choice")


def tool_name(tool: Mapping[str, Any]) -> str:
    """The name of a tool, in the nested form of chat or the flat one of responses."""
    return str(tool.get("function", tool).get("name", ""))


def best_of(sent: dict[str, Any]) -> None:
    """Answers that are made only to be thrown away are not made."""
    if "best_of" in sent and sent["best_of"] != sent.get("n", 1):
        raise Refused("best_of must be the same as n", "best_of")


def choices(sent: dict[str, Any]) -> None:
    """The prompts times `n` are bounded."""
    prompt = sent["prompt"]
    count = len(prompt) if isinstance(prompt, list) and not isinstance(prompt[0], int) else 1
    if count * sent.get("n", 1) > 128:
        raise Refused("more than 128 choices are asked for", "prompt")


def size(sent: dict[str, Any]) -> None:
    """The size is one that is painted."""
    if sides(sent.get("size")) is None:
        raise Refused("size is not WIDTHxHEIGHT with sides of 1 to 1024 pixels", "size")


ITEMS: Mapping[str, Sequence[str]] = {
    "message": ("role", "content"),
    "function_call": ("call_id", "name", "arguments"),
    "function_call_output": ("call_id", "output"),
    "reasoning": (),
}
PARTS = {
    "input_text": "text",
    "output_text": "text",
    "refusal": "refusal",
    "input_image": "image_url",
    "summary_text": "text",
    "reasoning_text": "text",
}
ROLES = ("user", "assistant", "system", "developer")


def items(sent: dict[str, Any]) -> None:
    """Input items are of known kinds and have the members of their kind."""
    given = sent["input"]
    for n, item in enumerate(given if isinstance(given, list) else ()):
        _item(item, f"input[{n}]")


def _item(item: Mapping[str, Any], where: str) -> None:
    kind = item.get("type") or "message"
    if not isinstance(kind, str) or kind not in ITEMS:
        raise Refused(f"{where}: items of type {str(kind)[:50]!r} are not read", where)
    for name in ITEMS[kind]:
        if item.get(name) is None:
            raise Refused(f"{where}.{name} is missing", f"{where}.{name}")
    if kind == "message" and item["role"] not in ROLES:
        raise Refused(f"{where}.role is none of {', '.join(ROLES)}", f"{where}.role")
    for name in ("content", "output", "summary"):
        _parts(item.get(name), f"{where}.{name}", bare=kind != "reasoning")
    for name in ("call_id", "name", "arguments"):
        if not isinstance(item.get(name, ""), str):
            raise Refused(f"{where}.{name} is no string", f"{where}.{name}")


def _parts(content: Any, where: str, *, bare: bool) -> None:
    """Parts of known kinds, or a text where one may stand for them."""
    if content is None or (bare and isinstance(content, str)):
        return
    if not isinstance(content, list):
        raise Refused(f"{where} is neither text nor a list of parts", where)
    for n, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if not isinstance(kind, str) or kind not in PARTS:
            raise Refused(f"{where}[{n}]: parts of this type are not read", f"{where}[{n}]")
        if not isinstance(part.get(PARTS[kind]), str):
            raise Refused(f"{where}[{n}].{PARTS[kind]} is no string", f"{where}[{n}]")


def only_functions(sent: dict[str, Any]) -> None:
    """Tools that run at the server are not there."""
    for n, tool in enumerate(sent.get("tools") or ()):
        if tool["type"] != "function":
            said = f"tools[{n}]: tools of type {tool['type'][:50]!r} are not there"
            raise Refused(said, f"tools[{n}].type")


RULES: Mapping[str, tuple[Rule, ...]] = {
    "/chat/completions": (schema_given, alternatives, chosen_tool),
    "/completions": (best_of, choices),
    "/images/generations": (size,),
    "/responses": (items, only_functions, chosen_tool),
}
