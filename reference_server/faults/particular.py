"""Faults that only particular requests show: one value, or two members that meet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.wire.exchange import Reply
from reference_server.faults.fault import fault
from reference_server.faults.replies import error

BOTH = "chat chat-stream"


def _fails(name: str, text: str, on: str, where: Callable[[dict[str, Any]], bool]) -> None:
    """Register a fault that answers 500 to the requests where something holds."""

    def change(sent: Any, reply: Reply) -> Reply | None:
        if reply.status == 200 and isinstance(sent, dict) and where(sent):
            return error(reply, 500, "internal error", "server_error")
        return None

    change.__name__, change.__doc__ = name, text
    fault(breaks={"http.no-server-error"}, on=on)(change)


def _contents(sent: dict[str, Any]) -> list[Any]:
    return [message.get("content") for message in sent["messages"]]


_fails(
    "fails_on_astral_characters",
    "Answers 500 where a message has a character outside of the basic plane.",
    BOTH,
    lambda sent: any(max(c, default="") > "\uffff" for c in _contents(sent) if isinstance(c, str)),
)
_fails(
    "fails_at_temperature_two",
    "Answers 500 at the highest temperature.",
    BOTH,
    lambda sent: sent.get("temperature") == 2,
)
_fails(
    "fails_on_json_mode",
    "Answers 500 where the answer has to be a JSON object.",
    BOTH,
    lambda sent: (sent.get("response_format") or {}).get("type") == "json_object",
)
_fails(
    "fails_on_tools_with_a_seed",
    "Answers 500 where tools and a seed come together.",
    BOTH,
    lambda sent: bool(sent.get("tools")) and sent.get("seed") is not None,
)
_fails(
    "fails_on_content_parts",
    "Answers 500 where the content of a message is an array.",
    BOTH,
    lambda sent: any(isinstance(content, list) for content in _contents(sent)),
)
_fails(
    "fails_on_the_result_of_a_tool",
    "Answers 500 where a message has the role `tool`.",
    BOTH,
    lambda sent: any(message.get("role") == "tool" for message in sent["messages"]),
)
_fails(
    "fails_on_the_usage_of_a_stream",
    "Answers 500 to a stream that is to end with its usage.",
    "chat-stream",
    lambda sent: (sent.get("stream_options") or {}).get("include_usage") is True,
)
_fails(
    "fails_on_a_penalty_with_a_seed",
    "Answers 500 where a penalty and a seed come together.",
    BOTH,
    lambda sent: bool(sent.get("frequency_penalty")) and sent.get("seed") is not None,
)
_fails(
    "fails_on_base64",
    "Answers 500 where vectors are wanted in base64.",
    "embeddings",
    lambda sent: sent.get("encoding_format") == "base64",
)
_fails(
    "fails_on_lists_of_prompts",
    "Answers 500 where more than one text is to be completed.",
    "completions",
    lambda sent: (
        len([text for text in sent["prompt"] if isinstance(text, str)]) > 1
        and isinstance(sent["prompt"], list)
    ),
)
