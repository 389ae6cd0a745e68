"""Faults in what becomes of requests that are odd by more than their schema."""

from __future__ import annotations

from typing import Any

from conformance.wire.exchange import Reply, Request
from reference_server.faults.fault import fault
from reference_server.faults.replies import completion, error

BOTH = "chat chat-stream"
SUCCESS = 200


def _header(request: Request, name: str) -> str:
    return next((value for key, value in request.headers if key.lower() == name), "")


def _refused(reply: Reply, *, bad: bool, status: int = 400) -> Reply | None:
    return error(reply, status, "this is not supported") if bad and reply.status == 200 else None


@fault(breaks={"http.charset-accepted"}, on=BOTH)
def refuses_charsets(request: Request, reply: Reply) -> Reply | None:
    """Compares the whole Content-Type, parameters included."""
    return _refused(reply, bad=";" in _header(request, "content-type"), status=415)


@fault(breaks={"http.other-media-type-refused"}, on=BOTH)
def takes_any_media_type(sent: Any, reply: Reply) -> Reply | None:
    """Reads JSON out of any body."""
    return completion(reply, sent) if reply.status == 415 else None


@fault(breaks={"http.trailing-refused"}, on="chat")
def reads_the_first_text(request: Request, reply: Reply) -> Reply | None:
    """Stops reading the body where the first JSON text ends."""
    trailing = reply.status == 400 and (request.body or b"").endswith(b"} trailing")
    return completion(reply, {}) if trailing else None


@fault(breaks={"http.member-case"}, on=BOTH)
def folds_case(sent: Any, reply: Reply) -> Reply | None:
    """Takes the names of members in any case."""
    capital = isinstance(sent, dict) and "Model" in sent and reply.status == 400
    return completion(reply, sent) if capital else None


@fault(breaks={"http.unknown-member-ignored"}, on=BOTH, field="VA-15")
def forbids_extra_inputs(sent: Any, reply: Reply) -> Reply | None:
    """Refuses members that it does not know."""
    unknown = isinstance(sent, dict) and any(name.startswith("conformance_") for name in sent)
    return _refused(reply, bad=unknown, status=422)


@fault(breaks={"http.official-defaults-accepted"}, on=BOTH, field="VA-15")
def forbids_user(sent: Any, reply: Reply) -> Reply | None:
    """Refuses the member `user`."""
    return _refused(reply, bad=isinstance(sent, dict) and "user" in sent)


@fault(breaks={"http.null-as-absent"}, on=BOTH)
def refuses_null(sent: Any, reply: Reply) -> Reply | None:
    """Refuses a request with a member that is null."""
    return _refused(reply, bad=isinstance(sent, dict) and None in sent.values())


@fault(breaks={"http.whole-float-accepted"}, on=BOTH)
def refuses_whole_floats(sent: Any, reply: Reply) -> Reply | None:
    """Refuses 8.0 for a number of tokens."""
    limit = sent.get("max_tokens") if isinstance(sent, dict) else None
    return _refused(reply, bad=isinstance(limit, float))


@fault(breaks={"http.query-ignored"}, on="models")
def refuses_queries(request: Request, reply: Reply) -> Reply | None:
    """Refuses parameters that the list of models does not have."""
    return _refused(reply, bad="?" in request.path)


def _wrong(request: Request) -> bool:
    return "wrong-key" in _header(request, "authorization")


@fault(breaks={"http.any-key-accepted"}, on=BOTH)
def wants_its_key(request: Request, reply: Reply) -> Reply | None:
    """Refuses a wrong key, as it may."""
    return _refused(reply, bad=_wrong(request), status=401)


@fault(breaks={"http.wrong-key-is-401"}, on=BOTH)
def forbids_wrong_keys(request: Request, reply: Reply) -> Reply | None:
    """Refuses a wrong key with 403."""
    return _refused(reply, bad=_wrong(request), status=403)


@fault(breaks={"http.wrong-key"}, on=BOTH)
def hides_from_wrong_keys(request: Request, reply: Reply) -> Reply | None:
    """Answers 404 to a wrong key."""
    return _refused(reply, bad=_wrong(request), status=404)


@fault(breaks={"http.json-media-type"}, on="chat")
def streams_by_accept(request: Request, reply: Reply) -> Reply | None:
    """Streams to whoever accepts streams."""
    streams = "event-stream" in _header(request, "accept") and reply.status == SUCCESS
    return completion(reply, {"stream": True}) if streams else None


@fault(breaks={"http.stream-media-type"}, on="chat-stream")
def answers_by_accept(request: Request, reply: Reply) -> Reply | None:
    """Streams only to those who accept streams."""
    wanted = _header(request, "accept") == "application/json" and reply.status == SUCCESS
    return completion(reply, {}) if wanted else None
