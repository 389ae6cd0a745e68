"""Faults of HTTP and JSON, and of what becomes of valid and invalid requests."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from conformance.wire.exchange import Headers, Piece, Reply, Request
from reference_server.faults.fault import BROKEN, behaviour, fault, is_stream
from reference_server.faults.replies import completion, error

BOTH = "chat chat-stream"
SUCCESS = 200


def _with_type(reply: Reply, media_type: str) -> Reply:
    kept = tuple(pair for pair in reply.headers if pair[0].lower() != "content-type")
    return replace(reply, headers=(*kept, ("content-type", media_type)))


@fault(breaks={"http.offered"}, on="chat-stream")
def hides_the_stream(reply: Reply) -> Reply:
    """Knows no route for streamed requests."""
    plain = error(reply, 404, "")
    pieces = (replace(plain.pieces[0], data=b"404 page not found"),)
    return Reply(404, (("content-type", "text/plain"),), pieces)


@fault(breaks={"http.completes"}, on="chat-stream", field="ER-05")
def cuts_the_stream(reply: Reply) -> Reply | None:
    """Drops the connection before the stream has ended."""
    if not is_stream(reply) or len(reply.pieces) < 2:
        return None
    return replace(reply, pieces=reply.pieces[:-1], headers=(*reply.headers, (BROKEN, "reset")))


@fault(breaks={"http.completes"}, on="chat")
def cuts_the_body(reply: Reply) -> Reply | None:
    """Drops the connection in the middle of JSON answers with an even number of bytes."""
    body, kind = reply.body, reply.header("content-type")
    if reply.status != SUCCESS or kind != "application/json" or len(body) % 2:
        return None
    piece = replace(reply.pieces[-1], data=body[: len(body) // 2])
    return replace(reply, pieces=(piece,), headers=(*reply.headers, (BROKEN, "reset")))


@fault(breaks={"http.completes"}, on="chat", field="RO-04")
def dies_on_schemas(sent: Any, reply: Reply) -> Reply | None:
    """Drops the connection where the answer has a schema."""
    wanted = sent.get("response_format") if isinstance(sent, dict) else None
    by_schema = isinstance(wanted, dict) and wanted.get("type") == "json_schema"
    if not by_schema or reply.status != SUCCESS:
        return None
    cut = replace(reply.pieces[-1], data=reply.body[:1])
    return replace(reply, pieces=(cut,), headers=(*reply.headers, (BROKEN, "reset")))


@fault(breaks={"http.no-server-error"}, on=BOTH)
def fails_on_stop_lists(sent: Any, reply: Reply) -> Reply | None:
    """Answers 500 to every request whose `stop` is an array."""
    if reply.status == SUCCESS and isinstance(sent, dict) and isinstance(sent.get("stop"), list):
        return error(reply, 500, "internal error", "server_error")
    return None


@fault(breaks={"http.no-server-error"}, on="chat", field="RO-03")
def fails_without_a_call(sent: Any, reply: Reply) -> Reply | None:
    """Answers 500 where tools are offered and the model answers in text."""
    offered = isinstance(sent, dict) and sent.get("tools") and reply.status == SUCCESS
    if offered and b'"tool_calls"' not in reply.body:
        return error(reply, 500, "the answer could not be validated", "server_error")
    return None


@fault(breaks={"http.no-server-error"}, on=BOTH)
def fails_on_malformed_bodies(sent: Any, reply: Reply) -> Reply | None:
    """Answers 500 to a body that is no JSON."""
    refused = sent is None and reply.status == 400
    return error(reply, 500, "internal error", "server_error") if refused else None


@fault(breaks={"http.valid-accepted"}, on=BOTH)
def refuses_top_p(sent: Any, reply: Reply) -> Reply | None:
    """Refuses every request that has `top_p`."""
    if reply.status == SUCCESS and isinstance(sent, dict) and sent.get("top_p") is not None:
        return error(reply, 400, "unknown member top_p")
    return None


@fault(breaks={"http.valid-accepted"}, on=BOTH, field="VA-08")
def refuses_parts(sent: Any, reply: Reply) -> Reply | None:
    """Refuses a message whose content is an array of parts."""
    if reply.status != SUCCESS or not isinstance(sent, dict):
        return None
    parts = any(isinstance(message.get("content"), list) for message in sent["messages"])
    return error(reply, 400, "content must be a string") if parts else None


@fault(breaks={"http.success-is-200"}, on="chat")
def answers_201(reply: Reply) -> Reply | None:
    """Answers 201 to requests that succeed with an even number of bytes."""
    odd = reply.status != SUCCESS or len(reply.body) % 2
    return None if odd else replace(reply, status=201)


@fault(breaks={"http.json-media-type"}, on="chat")
def answers_text(reply: Reply) -> Reply | None:
    """Sends JSON as text/plain to requests that succeed with an even number of bytes."""
    odd = reply.status != SUCCESS or len(reply.body) % 2
    return None if odd else _with_type(reply, "text/plain")


@fault(breaks={"http.stream-media-type"}, on="chat-stream", field="HT-03")
def streams_as_json(reply: Reply) -> Reply | None:
    """Sends event streams as application/json."""
    return _with_type(reply, "application/json") if is_stream(reply) else None


@fault(breaks={"http.stream-media-type"}, on="chat-stream", field="HT-05")
def ignores_stream(sent: Any, reply: Reply) -> Reply | None:
    """Answers a request for a stream with a plain answer."""
    return completion(reply, sent | {"stream": False}) if is_stream(reply) else None


@fault(breaks={"http.json-well-formed"}, on="chat", field="RO-02")
def writes_nan(data: bytes) -> bytes:
    """Writes NaN as the last member of answers with an even number of bytes."""
    return data if len(data) % 2 else data[:-1] + b',"score":NaN}'


@fault(breaks={"http.json-well-formed"}, on="models")
def writes_a_bom(data: bytes) -> bytes:
    """Begins a retrieved model with a byte order mark."""
    return data if b'"list"' in data else b"\xef\xbb\xbf" + data


@fault(breaks={"http.schema"}, on="chat")
def counts_in_words(body: Any) -> Any:
    """Sends `prompt_tokens` as a string."""
    usage = body.get("usage") or {}
    return body | {"usage": usage | {"prompt_tokens": "12"}}


@fault(breaks={"http.schema"}, on="chat", field="SC-29")
def sends_fractions_of_seconds(body: Any) -> Any:
    """Sends `created` with a fraction."""
    return body | {"created": body["created"] + 0.25}


@fault(breaks={"http.schema"}, on="chat-stream", field="SC-29")
def streams_fractions_of_seconds(chunks: list[Any]) -> Any:
    """Sends `created` of chunks with a fraction."""
    for chunk in chunks:
        yield chunk | {"created": chunk["created"] + 0.25}


def _is(kind: type, value: Any) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _accepts(sent: Any, reply: Reply, *, bad: bool) -> Reply | None:
    return completion(reply, sent) if bad and reply.status == 400 else None


@fault(breaks={"http.malformed-refused"}, on="chat")
def accepts_malformed_bodies(request: Request, reply: Reply) -> Reply | None:
    """Answers a body that is no JSON."""
    return _accepts({}, reply, bad=not _readable(request))


def _readable(request: Request) -> bool:
    """Whether a body begins with a JSON text."""
    try:
        json.JSONDecoder().raw_decode((request.body or b"").decode())
    except ValueError:
        return False
    except RecursionError:  # too deep for this reader, and for its faults
        return True
    return True


@fault(breaks={"http.missing-member-refused"}, on=BOTH)
def accepts_missing_messages(sent: Any, reply: Reply) -> Reply | None:
    """Answers a request without messages."""
    return _accepts(sent, reply, bad=isinstance(sent, dict) and "messages" not in sent)


@fault(breaks={"http.missing-member-refused"}, on=BOTH)
def accepts_missing_model(sent: Any, reply: Reply) -> Reply | None:
    """Answers a request without a model."""
    return _accepts(
        sent, reply, bad=isinstance(sent, dict) and not {"model", "Model"} & sent.keys()
    )


@fault(breaks={"http.wrong-type-refused"}, on=BOTH)
def converts_numbers(sent: Any, reply: Reply) -> Reply | None:
    """Takes anything for `max_tokens`."""
    given = sent.get("max_tokens", 0) if isinstance(sent, dict) else 0
    return _accepts(sent, reply, bad=not _is(int, given))


@fault(breaks={"http.wrong-type-refused"}, on=BOTH)
def takes_text_for_messages(sent: Any, reply: Reply) -> Reply | None:
    """Takes anything for `messages`."""
    given = sent.get("messages", []) if isinstance(sent, dict) else []
    return _accepts(sent, reply, bad=not isinstance(given, list))


@fault(breaks={"http.tool-member-refused"}, on=BOTH)
def takes_empty_tools(sent: Any, reply: Reply) -> Reply | None:
    """Takes a tool without a function."""
    tools = sent.get("tools") if isinstance(sent, dict) else None
    only = isinstance(tools, list) and any(
        isinstance(tool, dict) and "type" in tool and "function" not in tool for tool in tools
    )
    return _accepts(sent, reply, bad=only)


@fault(breaks={"http.stop-type-refused"}, on=BOTH)
def drops_odd_stops(sent: Any, reply: Reply) -> Reply | None:
    """Ignores a `stop` that is no string."""
    stop = sent.get("stop", "") if isinstance(sent, dict) else ""
    return _accepts(sent, reply, bad=not isinstance(stop, str | list))


@fault(breaks={"http.unknown-value-refused"}, on=BOTH)
def takes_any_role(sent: Any, reply: Reply) -> Reply | None:
    """Takes a role that nobody knows."""
    messages = sent.get("messages") if isinstance(sent, dict) else None
    roles = (
        [m.get("role") for m in messages if isinstance(m, dict)]
        if isinstance(messages, list)
        else []
    )
    known = {"system", "user", "assistant", "tool", "developer"}
    return _accepts(sent, reply, bad=any(isinstance(r, str) and r not in known for r in roles))


@fault(breaks={"http.range-refused"}, on=BOTH)
def takes_any_temperature(sent: Any, reply: Reply) -> Reply | None:
    """Takes a temperature outside its range."""
    given = sent.get("temperature", 0) if isinstance(sent, dict) else 0
    number = _is(int, given) or _is(float, given)
    return _accepts(sent, reply, bad=number and not 0 <= given <= 2)


@fault(breaks={"http.refusal-is-400"}, on=BOTH)
def refuses_with_422(reply: Reply) -> Reply | None:
    """Refuses invalid requests with 422."""
    return replace(reply, status=422) if reply.status == 400 else None


@fault(breaks={"http.status-documented", "http.refusal-is-400"}, on="completions")
def is_a_teapot(sent: Any, reply: Reply) -> Reply | None:
    """Refuses what is wrong with 418."""
    named = not isinstance(sent, dict) or sent.get("model") != ""
    return replace(reply, status=418) if reply.status == 400 and named else None


def _without(headers: Headers, name: str) -> Headers:
    return tuple(pair for pair in headers if pair[0].lower() != name)


@fault(breaks={"http.no-unasked-coding"}, on="models chat chat-stream")
def labels_a_coding(reply: Reply) -> Reply | None:
    """Labels plain bodies as compressed."""
    return replace(reply, headers=(*reply.headers, ("content-encoding", "br")))


@fault(breaks={"http.stream-not-cached"}, on="chat-stream")
def lets_caches_keep_streams(reply: Reply) -> Reply | None:
    """Says nothing about caches."""
    return replace(reply, headers=_without(reply.headers, "cache-control"))


@fault(breaks={"http.ends-promptly"}, on="chat-stream")
def lingers(reply: Reply) -> Reply | None:
    """Keeps the body open long after [DONE], with a comment."""
    if not is_stream(reply):
        return None
    first, last = reply.pieces[0].at, reply.pieces[-1].at
    late = Piece(last + 3 * (last - first) + 0.05, b": bye\n\n")
    return replace(reply, pieces=(*reply.pieces, late))


@fault(breaks={"http.wrong-method-is-405"}, on="models chat", field="ER-24")
def hides_paths_from_wrong_methods(reply: Reply) -> Reply | None:
    """Answers 404 where only the method is wrong."""
    return error(reply, 404, "not found", "not_found_error") if reply.status == 405 else None


@fault(breaks={"http.wrong-method-allow"}, on="models chat")
def forgets_allow(reply: Reply) -> Reply | None:
    """Leaves `Allow` out of its 405."""
    if reply.status != 405:
        return None
    return replace(reply, headers=_without(reply.headers, "allow"))


@fault(breaks={"http.preflight"}, on="chat", field="HT-06")
def allows_few_headers(request: Request, reply: Reply) -> Reply | None:
    """Allows web pages to send the key, but not what the official client sends with it."""
    if request.method != "OPTIONS":
        return None
    kept = _without(reply.headers, "access-control-allow-headers")
    allowed = ("access-control-allow-headers", "Authorization, Content-Type")
    return replace(reply, headers=(*kept, allowed))


@fault(breaks={"http.preflight"}, on="chat")
def lets_no_pages_in(request: Request, reply: Reply) -> Reply | None:
    """Has no answer to a preflight request."""
    preflight = request.method == "OPTIONS"
    return error(reply, 405, "method not allowed") if preflight else None


behaviour(
    "http.trips_over_disconnects",
    "Fails on the request that follows an abandoned stream.",
    breaks={"http.survives-disconnect"},
    on="chat-stream.abandoned",
)
behaviour(
    "http.mixes_prompts",
    "Answers a request with the messages of one that is under way.",
    breaks={"http.isolated"},
    on="chat-stream.at-once",
    field="CO-02",
)
behaviour(
    "http.fails_beside_others",
    "Fails on a request while another one is under way.",
    breaks={"http.no-server-error"},
    on="chat-stream.at-once",
    field="CO-03",
)
