"""Faults in how errors are told, and in what they say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from conformance.wire.exchange import Piece, Reply, Request
from reference_server.faults.fault import DONE, block_of, compact, fault, surface, value_of
from reference_server.faults.replies import EVENTS, at, completion, error

BOTH = "chat chat-stream"
ALL = "models chat chat-stream"
Error = dict[str, Any]


def _body(reply: Reply) -> Any:
    try:
        return json.loads(reply.body)
    except ValueError:
        return None


def _is_error(reply: Reply) -> bool:
    return 400 <= reply.status < 500


def _written(reply: Reply, value: Any, status: int | None = None) -> Reply:
    """A reply with another JSON body."""
    kept = tuple(pair for pair in reply.headers if pair[0].lower() != "content-length")
    pieces = (Piece(at(reply), compact(value)),)
    return replace(reply, status=status or reply.status, headers=kept, pieces=pieces)


def _each_error(reply: Reply, change: Callable[[Error], Error]) -> Reply | None:
    """A refusal with another error object."""
    if not _is_error(reply):
        return None
    return _written(reply, {"error": change(_body(reply)["error"])})


def _without(error_: Error, name: str) -> Error:
    return {key: value for key, value in error_.items() if key != name}


def _text(reply: Reply, media_type: str, text: str) -> Reply | None:
    if not _is_error(reply):
        return None
    changed = {"content-type", "content-length"}
    kept = tuple(pair for pair in reply.headers if pair[0].lower() not in changed)
    headers = (*kept, ("content-type", media_type))
    return Reply(reply.status, headers, (Piece(at(reply), text.encode()),))


@fault(breaks={"errors.status"}, on="chat", field="ER-23")
def reports_errors_as_success(reply: Reply) -> Reply | None:
    """Sends its errors with status 200, but for those of its router."""
    told = _is_error(reply) and reply.status != 405
    return replace(reply, status=200) if told else None


@fault(breaks={"errors.status"}, on="chat", field="ER-10")
def reports_missing_models_as_success(reply: Reply) -> Reply | None:
    """Answers 200 for a model that it does not have, and a flat error with code 404."""
    if reply.status != 404:
        return None
    flat = {"object": "error", "message": "The model does not exist.", "code": 404}
    return _written(reply, flat | {"type": "NotFoundError", "param": None}, 200)


@fault(breaks={"errors.before-stream"}, on="chat-stream")
def reports_errors_in_the_stream(reply: Reply) -> Reply | None:
    """Opens the stream first and reports what is wrong with the request in it."""
    if not _is_error(reply):
        return None
    pieces = (Piece(at(reply), b"data: " + reply.body + b"\n\n" + DONE + b"\n\n"),)
    return Reply(200, EVENTS, pieces)


def _fails_after_two(blocks: list[bytes], event: bytes) -> Iterator[bytes]:
    yield from blocks[:2]
    if len(blocks) > 3:
        yield b"data: " + event
    else:
        yield from blocks[2:]


@fault(breaks={"errors.stream-event"}, on="chat-stream")
def fails_with_a_string(blocks: list[bytes]) -> Iterator[bytes]:
    """Ends a stream with an error that is a string."""
    yield from _fails_after_two(blocks, b'{"error":"CUDA out of memory"}')


@fault(breaks={"errors.stream-event"}, on="chat-stream", field="ER-07")
def fails_with_a_flat_error(blocks: list[bytes]) -> Iterator[bytes]:
    """Ends a stream with an error that is not under `error`."""
    flat = b'{"object":"error","message":"internal","type":"InternalServerError","code":500}'
    yield from _fails_after_two(blocks, flat)


@fault(breaks={"chat-stream.json-events"}, on="chat-stream", field="ER-06")
def fails_in_plain_words(blocks: list[bytes]) -> Iterator[bytes]:
    """Ends a stream with a line of text that is no JSON."""
    yield from _fails_after_two(blocks, b"Number of choices must be greater than 0.")


@fault(breaks={"chat-stream.no-silent-end"}, on="chat-stream", field="ER-21")
def fails_with_an_empty_chunk(sent: Any, blocks: list[bytes]) -> Iterator[bytes]:
    """Makes an empty chunk of an error, and ends the stream as if nothing had happened."""
    if len(blocks) < 4 or b'"finish_reason":"' in b"".join(blocks[:2]):
        yield from blocks
        return
    yield from blocks[:2]
    first = json.loads(blocks[0].removeprefix(b"data: "))
    delta = {"index": 0, "delta": {"content": ""}, "finish_reason": None}
    yield b"data: " + compact(first | {"model": "", "choices": [delta]})


@fault(breaks={"errors.media-type"}, on=ALL)
def writes_errors_as_text(reply: Reply) -> Reply | None:
    """Sends its errors as plain text."""
    return _text(reply, "text/plain", "that did not work")


@fault(breaks={"errors.media-type"}, on=BOTH)
def writes_errors_as_html(reply: Reply) -> Reply | None:
    """Sends its errors as web pages."""
    return _text(reply, "text/html", "<!doctype html><h1>Bad Request</h1>")


@fault(breaks={"errors.envelope"}, on=BOTH, field="ER-07")
def writes_flat_errors(reply: Reply) -> Reply | None:
    """Puts the members of an error where `error` should stand."""
    if not _is_error(reply):
        return None
    flat = {"object": "error", "type": "BadRequestError", "param": None, "code": reply.status}
    return _written(reply, flat | {"message": _body(reply)["error"]["message"]})


@fault(breaks={"errors.envelope"}, on=BOTH, field="ER-07")
def writes_details(reply: Reply) -> Reply | None:
    """Sends the errors of its framework as they are."""
    return _written(reply, {"detail": "Not acceptable."}) if _is_error(reply) else None


@fault(breaks={"errors.envelope"}, on=ALL, field="ER-09")
def writes_errors_as_strings(reply: Reply) -> Reply | None:
    """Sends the message in place of the error object."""
    if not _is_error(reply):
        return None
    return _written(reply, {"error": _body(reply)["error"]["message"]})


@fault(breaks={"errors.message"}, on=BOTH)
def says_nothing(reply: Reply) -> Reply | None:
    """Sends errors with an empty message."""
    return _each_error(reply, lambda e: e | {"message": ""})


@fault(breaks={"errors.type"}, on=BOTH)
def sends_null_types(reply: Reply) -> Reply | None:
    """Sends errors whose type is null."""
    return _each_error(reply, lambda e: e | {"type": None})


@fault(breaks={"errors.param"}, on=BOTH)
def forgets_param(reply: Reply) -> Reply | None:
    """Leaves `param` out of its errors."""
    return _each_error(reply, lambda e: _without(e, "param"))


@fault(breaks={"errors.param"}, on=BOTH)
def sends_params_as_lists(reply: Reply) -> Reply | None:
    """Sends the path to the wrong member as an array."""
    return _each_error(reply, lambda e: e | {"param": ["body", "messages", 0]})


@fault(breaks={"errors.code"}, on=BOTH)
def forgets_code(reply: Reply) -> Reply | None:
    """Leaves `code` out of its errors."""
    return _each_error(reply, lambda e: _without(e, "code"))


@fault(breaks={"errors.code-is-text"}, on="chat", field="ER-07")
def sends_the_status_as_code(reply: Reply) -> Reply | None:
    """Sends the status for the code of errors in requests."""
    if reply.status != 400:
        return None
    return _each_error(reply, lambda e: e | {"code": 400})


@fault(breaks={"errors.type-known"}, on=BOTH, field="ER-07")
def sends_class_names(reply: Reply) -> Reply | None:
    """Sends the name of an exception for the type."""
    return _each_error(reply, lambda e: e | {"type": "BadRequestError"})


@fault(breaks={"errors.type-fits"}, on=BOTH, field="ER-25")
def blames_itself(reply: Reply) -> Reply | None:
    """Calls every error an api_error, in the words of its parser."""
    said = "invalid character 'e' looking for beginning of value"
    return _each_error(reply, lambda e: e | {"type": "api_error", "message": said})


@fault(breaks={"errors.no-internals"}, on=BOTH)
def shows_its_stack(reply: Reply) -> Reply | None:
    """Sends the traceback as the message."""
    said = "Traceback (most recent call last):\n  ...\nKeyError: 'role'"
    return _each_error(reply, lambda e: e | {"message": said})


@fault(breaks={"errors.no-internals"}, on="chat")
def shows_its_folders(reply: Reply) -> Reply | None:
    """Names a file of the server in the message."""
    said = "cannot read the template in /opt/models/chat.jinja"
    return _each_error(reply, lambda e: e | {"message": said})


def _name(sent: Any) -> str:
    model = sent.get("model") if isinstance(sent, dict) else None
    return model if isinstance(model, str) else ""


@fault(breaks={"errors.unknown-model-is-404"}, on=BOTH, field="ER-11")
def answers_for_another_model(sent: Any, reply: Reply) -> Reply | None:
    """Lets the model that it has answer for one that it does not have."""
    unknown = reply.status == 404 and " " not in _name(sent)
    return completion(reply, sent) if unknown else None


@fault(breaks={"errors.unknown-model-is-404"}, on=BOTH, field="ER-13")
def calls_unknown_models_invalid(sent: Any, reply: Reply) -> Reply | None:
    """Answers 400 for a model that it does not have."""
    unknown = reply.status == 404 and " " not in _name(sent)
    return error(reply, 400, "no such model", code="model_not_found") if unknown else None


@fault(breaks={"errors.odd-model-refused"}, on=BOTH)
def cleans_names(sent: Any, reply: Reply) -> Reply | None:
    """Answers for a model whose name cannot be one."""
    odd = reply.status == 404 and " " in _name(sent)
    return completion(reply, sent) if odd else None


@fault(breaks={"errors.unknown-model-code"}, on=BOTH)
def gives_no_code(reply: Reply) -> Reply | None:
    """Sends no code with the error for an unknown model."""
    return error(reply, 404, "no such model", "not_found_error") if reply.status == 404 else None


@fault(breaks={"errors.empty-model-refused"}, on=BOTH)
def has_a_default_model(sent: Any, reply: Reply) -> Reply | None:
    """Answers a request whose model is the empty string."""
    empty = isinstance(sent, dict) and sent.get("model") == "" and reply.status == 400
    return completion(reply, sent) if empty else None


@fault(breaks={"errors.unknown-path"}, on="*")
def writes_404_as_text(request: Request, reply: Reply) -> Reply | None:
    """Lets its router answer for paths that it does not have."""
    routed = surface(request) or reply.status != 404
    return None if routed else _text(reply, "text/plain", "not found")


@fault(breaks={"errors.no-model-is-400"}, on="completions embeddings")
def looks_for_no_name(sent: Any, reply: Reply) -> Reply | None:
    """Looks for the model before it looks whether there is a name."""
    nameless = isinstance(sent, dict) and sent.get("model", "") == ""
    if not nameless or reply.status != 400:
        return None
    return error(reply, 404, 'model "" not found', "not_found_error", "model_not_found")


@fault(breaks={"errors.response-fails-aloud"}, on="responses-stream")
def completes_after_errors(blocks: list[bytes]) -> Iterator[bytes]:
    """Reports an error of a response and completes it all the same."""
    yield from blocks[:-1]
    yield b"event: error\ndata: " + compact(
        {"type": "error", "code": "server_error", "message": "one step failed", "param": None}
        | {"sequence_number": len(blocks) - 1}
    )
    yield block_of(value_of(blocks[-1]) | {"sequence_number": len(blocks)})
