"""Messages as an engine reads them: a role, and plain text in place of parts, calls and results."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reference_server.engine import Engine
from reference_server.job import Tool
from reference_server.pictures import Unreadable, describe
from reference_server.refusal import Refused
from reference_server.request import OBJECT

NOTHING: dict[str, Any] = {"properties": {}}  # the parameters of a tool that says none
ROLES = {"developer": "system", "tool": "user"}  # templates of small models know no others


def plain(message: Mapping[str, Any], where: str) -> dict[str, str]:
    """A message of a chat with plain text for its content; `where` names it in a refusal."""
    content = message.get("content") or ""
    if isinstance(content, list):
        content = "\n".join(_part(part, f"{where}.content[{n}]") for n, part in enumerate(content))
    for call in message.get("tool_calls") or ():
        content += json.dumps(call.get("function") or {}, ensure_ascii=False)
    return {"role": ROLES.get(message["role"], message["role"]), "content": content}


def _part(part: Mapping[str, Any], where: str) -> str:
    if part["type"] == "image_url":
        given = part["image_url"]
        return picture(given if isinstance(given, str) else given["url"], f"{where}.image_url.url")
    return str(part["text"])


def picture(url: str, where: str) -> str:
    """A picture in words; raises `Refused`."""
    try:
        return describe(url)
    except Unreadable as error:
        raise Refused(f"{where}: {error}", where, "invalid_image") from None


def described(tools: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The message that tells a model about its tools."""
    offered = [{key: f[key] for key in ("name", "description", "parameters") if f.get(key)}
               for f in tools]  # fmt: skip
    if not offered:
        return []
    return [{"role": "system", "content": "Tools: " + json.dumps(offered, ensure_ascii=False)}]


def calls(
    tools: Sequence[Mapping[str, Any]], choice: Any, asked: str | None, *, parallel: bool
) -> tuple[tuple[Tool, ...], ...]:
    """The calls that are made, by a rule that any model can follow.

    `choice` is `none`, `auto`, `required` or the name of a tool in a list of one; `asked` is the
    text of the last message if it is a user's. With `auto` such a message is answered by calls and
    everything else by text. There is one call for each tool that `asked` names, in that order;
    where it names none, or calls are not made in parallel, the model chooses one tool.
    """
    offered = [Tool(f["name"], _parameters(f)) for f in tools if f["name"]]
    if isinstance(choice, list):
        return (tuple(tool for tool in offered if tool.name in choice)[:1],)
    if not offered or choice == "none" or (choice == "auto" and asked is None):
        return ()
    named = sorted(((asked or "").find(tool.name), n) for n, tool in enumerate(offered))
    found = {offered[n].name: (offered[n],) for at, n in named if at >= 0}
    return tuple(found.values()) if found and parallel else (tuple(offered),)


def _parameters(function: Mapping[str, Any]) -> Any:
    return OBJECT | (function.get("parameters") or NOTHING)


def prompt(engine: Engine, messages: Sequence[Mapping[str, Any]], param: str) -> tuple[int, ...]:
    """The tokens of a conversation; raises `Refused` if the context does not hold them."""
    return fitting(engine, tuple(engine.render(messages)), param)


def fitting(engine: Engine, tokens: tuple[int, ...], param: str) -> tuple[int, ...]:
    """The same tokens; raises `Refused` if the context does not hold them and an answer."""
    if len(tokens) >= engine.context:
        said = f"{len(tokens)} tokens are more than the context of {engine.context} holds"
        raise Refused(said, param, "context_length_exceeded")
    return tokens
