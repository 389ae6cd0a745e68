"""Faults of a server that does not get over what it was sent."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from conformance.wire.exchange import Reply, Request
from reference_server.change import HEAD
from reference_server.faults.chat.answer import usage
from reference_server.faults.fault import BROKEN, behaviour, fault
from reference_server.faults.replies import error

SUCCESS = 200
JSON = ("content-type", "application/json")
HALF = re.compile(rb'\\ud8[0-9a-f]{2}"')
MIB = 1024 * 1024
MARK = b"<|im_end|>"
Json = dict[str, Any]

behaviour(
    "robustness.stumbles",
    "Fails on the first valid request after a body that is no JSON.",
    breaks={"robustness.answers-after"},
    on="chat.hostile",
)


def _broken() -> Reply:
    """The reply of a server that dies of a request."""
    return Reply(SUCCESS, (JSON, (BROKEN, "reset")))


def _wants(sent: Any, word: str) -> bool:
    """Whether a word stands in a schema of a request."""
    members = sent if isinstance(sent, dict) else {}
    schemas = [members.get(name) for name in ("response_format", "text", "tools")]
    return word in json.dumps(schemas)


@fault(breaks={"http.no-server-error"}, on="chat completions embeddings responses images")
def fails_on_half_characters(request: Request, reply: Reply) -> Reply | None:
    """Answers 500 where a text ends in the middle of a character."""
    half = HALF.search(request.body or b"")
    return error(reply, 500, "surrogates not allowed", "server_error") if half else None


@fault(breaks={"http.no-server-error"}, on="chat completions responses")
def fails_on_huge_integers(request: Request, reply: Reply) -> Reply | None:
    """Answers 500 to a number that does not fit into 64 bits."""
    huge = b"9" * 100 in (request.body or b"")
    return error(reply, 500, "int too large to convert", "server_error") if huge else None


@fault(breaks={"http.completes"}, on="chat embeddings")
def dies_of_nesting(request: Request, reply: Reply) -> Reply | None:
    """Drops the connection where brackets are nested deeper than its stack."""
    return _broken() if b"[" * 1000 in (request.body or b"") else None


@fault(breaks={"http.no-server-error"}, on="chat")
def fails_on_patterns(sent: Any, reply: Reply) -> Reply | None:
    """Answers 500 where a schema has a pattern that it cannot compile."""
    return error(reply, 500, "regex: too complex", "server_error") if _wants(sent, "+)+") else None


@fault(breaks={"http.completes"}, on="responses")
def dies_of_patterns(sent: Any, reply: Reply) -> Reply | None:
    """Drops the connection where a pattern of a schema takes it too long."""
    return _broken() if _wants(sent, "+)+") else None


@fault(breaks={"http.completes"}, on="chat", field="RO-04")
def dies_of_schemas_without_a_value(sent: Any, reply: Reply) -> Reply | None:
    """Drops the connection where no value fits a schema."""
    return _broken() if _wants(sent, '"allOf"') else None


@fault(breaks={"http.no-server-error"}, on="chat")
def fails_on_tools_without_a_value(sent: Any, reply: Reply) -> Reply | None:
    """Answers 500 where no number fits the parameters of a tool."""
    return error(reply, 500, "no token", "server_error") if _wants(sent, '"maximum": 1}') else None


@fault(breaks={"http.no-server-error"}, on="chat-stream")
def fails_on_streams_without_a_value(sent: Any, reply: Reply) -> Reply | None:
    """Answers 500 where no value of a stream fits a schema."""
    hard = _wants(sent, '"allOf"')
    return error(reply, 500, "no token", "server_error") if hard else None


@fault(breaks={"robustness.marks-accepted"}, on="chat chat-stream embeddings")
def refuses_marks(request: Request, reply: Reply) -> Reply | None:
    """Refuses a text that has a special token of its own."""
    marked = reply.status == SUCCESS and MARK in (request.body or b"")
    return error(reply, 400, "disallowed special token") if marked else None


@fault(breaks={"http.no-server-error"}, on="completions responses images")
def fails_on_marks(request: Request, reply: Reply) -> Reply | None:
    """Answers 500 to a text that has a special token of its own."""
    marked = reply.status == SUCCESS and MARK in (request.body or b"")
    return error(reply, 500, "disallowed special token", "server_error") if marked else None


@fault(breaks={"robustness.marks-read"}, on="chat")
def reads_to_the_mark(request: Request, body: Json) -> Json | None:
    """Takes a mark in a text for the end of the prompt."""
    if MARK not in (request.body or b""):
        return None
    made = body["usage"]["completion_tokens"]
    return usage(body, prompt_tokens=1, total_tokens=1 + made)


@fault(breaks={"robustness.marks-read"}, on="embeddings")
def embeds_to_the_mark(request: Request, body: Json) -> Json | None:
    """Embeds what stands before a mark."""
    marked = MARK in (request.body or b"")
    return usage(body, prompt_tokens=1, total_tokens=1) if marked else None


@fault(breaks={"http.completes"}, on="chat")
def drops_large_bodies(request: Request, reply: Reply) -> Reply | None:
    """Drops the connection of a client that sends a MiB."""
    return _broken() if len(request.body or b"") > MIB else None


@fault(breaks={"robustness.large-body"}, on="chat")
def misunderstands_large_bodies(request: Request, reply: Reply) -> Reply | None:
    """Refuses a MiB as if something were wrong with what it says."""
    large = len(request.body or b"") > MIB
    return error(reply, 422, "the body could not be read") if large else None


@fault(breaks={"robustness.slow-body"}, on="chat")
def waits_for_nobody(request: Request, reply: Reply) -> Reply | None:
    """Refuses a body of which the first read does not bring everything."""
    return error(reply, 400, "unexpected end of JSON input") if request.pace else None


@fault(breaks={"robustness.harmless-methods"}, on=HEAD)
def fails_on_head(reply: Reply) -> Reply:
    """Answers 500 to HEAD."""
    return replace(reply, status=500)


@fault(breaks={"robustness.harmless-methods"}, on="chat models")
def fails_on_options(request: Request, reply: Reply) -> Reply | None:
    """Answers 500 to OPTIONS."""
    options = request.method == "OPTIONS"
    return error(reply, 500, "internal error", "server_error") if options else None


@fault(breaks={"http.head"}, on=HEAD)
def knows_no_head(reply: Reply) -> Reply:
    """Knows no path by HEAD."""
    return replace(reply, status=404)
