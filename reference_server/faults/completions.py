"""Faults of completions, plain or in both forms."""

from __future__ import annotations

import calendar
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from email.utils import parsedate
from typing import Any

from conformance.wire.exchange import Reply, Request
from reference_server.faults.fault import DONE, blocks_of, compact, fault, is_stream
from reference_server.faults.replies import error

ON = "completions"
BOTH = "completions completions-stream"
Json = dict[str, Any]


def without(value: Json, name: str) -> Json:
    """An object without one member."""
    return {key: each for key, each in value.items() if key != name}


def each(body: Json, change: Callable[[Json], Json]) -> Json:
    """Every choice changed."""
    return body | {"choices": [change(entry) for entry in body["choices"]]}


def everywhere(reply: Reply, change: Callable[[Json], Json]) -> Reply | None:
    """The plain answer or every chunk changed."""
    if reply.status != 200:
        return None
    if not is_stream(reply):
        return reply.with_body(compact(change(json.loads(reply.body))))
    blocks = [block for _, block in blocks_of(reply)]
    new = [b if b == DONE else b"data: " + compact(change(json.loads(b[6:]))) for b in blocks]
    return reply.with_body(b"".join(block + b"\n\n" for block in new))


@fault(breaks={"completions.members"}, on=ON)
def forgets_created(body: Any) -> Any:
    """Leaves `created` out."""
    return without(body, "created")


@fault(breaks={"completions.object"}, on=ON, field="SC-10")
def answers_as_chat(body: Any) -> Any:
    """Calls its answers chat.completion, and gives them ids of chat."""
    return body | {"object": "chat.completion", "id": body["id"].replace("cmpl", "chatcmpl")}


@fault(breaks={"completions.id-not-empty"}, on=ON)
def sends_empty_ids(body: Any) -> Any:
    """Sends an empty id."""
    return body | {"id": ""}


@fault(breaks={"completions.unique-ids"}, on=BOTH, field="SC-35")
def draws_short_ids(reply: Reply) -> Reply | None:
    """Draws its ids from a few values."""
    return everywhere(reply, lambda b: b | {"id": f"cmpl-{zlib.crc32(b['id'].encode()) % 3}"})


@fault(breaks={"completions.names-model"}, on=BOTH)
def names_its_file(reply: Reply) -> Reply | None:
    """Names the file of the model."""
    return everywhere(reply, lambda body: body | {"model": "/models/weights.gguf"})


@fault(breaks={"completions.made-now"}, on=BOTH)
def counts_milliseconds(reply: Reply) -> Reply | None:
    """Dates its answers in milliseconds."""
    return everywhere(reply, lambda body: body | {"created": body["created"] * 1000})


@fault(breaks={"completions.choice-members"}, on=ON)
def leaves_out_zeros(body: Any) -> Any:
    """Leaves out the index 0, as a serialiser does that leaves out what has no value."""
    return each(body, lambda entry: entry if entry["index"] else without(entry, "index"))


@fault(breaks={"completions.finish-reason-known"}, on=ON, field="SC-08")
def finishes_with_eos(body: Any) -> Any:
    """Finishes with the name of the engine's own reason."""
    return each(body, lambda entry: entry | {"finish_reason": "eos_token"})


@fault(breaks={"completions.finish-reason-known"}, on=ON)
def finishes_without_a_reason(body: Any) -> Any:
    """Sends null for the reason."""
    return each(body, lambda entry: entry | {"finish_reason": None})


def _several(sent: Any) -> bool:
    return isinstance(sent["prompt"], list) and isinstance(sent["prompt"][0], str)


@fault(breaks={"completions.choice-per-prompt"}, on=ON, field="SE-06")
def completes_the_first_prompt(sent: Any, body: Any) -> Any:
    """Completes only the first prompt of a list."""
    return body | {"choices": body["choices"][:1]} if _several(sent) else None


@fault(breaks={"completions.choice-per-prompt"}, on="completions-stream", field="SE-07")
def joins_prompts(sent: Any, chunks: list[Json]) -> Any:
    """Takes a list of prompts for the parts of one."""
    alone = [c for c in chunks if not c["choices"] or c["choices"][0]["index"] == 0]
    return alone if _several(sent) else chunks


@fault(breaks={"completions.n"}, on=BOTH)
def makes_one_choice(sent: Any, reply: Reply) -> Reply | None:
    """Makes one choice, however many are asked for."""
    if reply.status != 200 or sent.get("n", 1) < 2:
        return None
    if not is_stream(reply):
        body = json.loads(reply.body)
        return reply.with_body(compact(body | {"choices": body["choices"][:1]}))
    kept = [b for _, b in blocks_of(reply) if b == DONE or b'"index":0' in b]
    return reply.with_body(b"".join(block + b"\n\n" for block in kept))


@fault(breaks={"completions.indexes"}, on=ON, field="SE-08")
def counts_nothing(body: Any) -> Any:
    """Gives every choice the index 0."""
    return each(body, lambda entry: entry | {"index": 0})


@fault(breaks={"completions.indexes"}, on="completions-stream")
def counts_from_one(chunks: list[Json]) -> Any:
    """Numbers its choices from 1."""
    return [each(chunk, lambda e: e | {"index": e["index"] + 1}) for chunk in chunks]


@fault(breaks={"completions.prompts-in-order"}, on=ON)
def sorts_prompts(sent: Any, body: Any) -> Any:
    """Completes the prompts of a list in another order, and numbers them then."""
    if not _several(sent):
        return None
    turned = body["choices"][::-1]
    return body | {"choices": [entry | {"index": n} for n, entry in enumerate(turned)]}


@fault(breaks={"completions.usage-members"}, on=ON)
def forgets_the_total(body: Any) -> Any:
    """Leaves `total_tokens` out."""
    return body | {"usage": without(body["usage"], "total_tokens")}


@fault(breaks={"completions.usage-members"}, on="completions-stream")
def counts_below_zero(chunks: list[Json]) -> Any:
    """Sends -1 for a number of tokens that it did not count."""
    less = {"completion_tokens": -1}
    return [c | {"usage": c["usage"] | less} if c.get("usage") else c for c in chunks]


def _counted(reply: Reply, change: Callable[[Json], Json]) -> Reply | None:
    """Usage changed wherever it is sent."""
    return everywhere(reply, lambda b: b | {"usage": change(b["usage"])} if b.get("usage") else b)


@fault(breaks={"completions.usage-adds-up"}, on=BOTH)
def forgets_the_prompt(reply: Reply) -> Reply | None:
    """Leaves the prompt out of the total."""
    return _counted(reply, lambda usage: usage | {"total_tokens": usage["completion_tokens"]})


def _more(usage: Json, count: int) -> Json:
    made = usage["completion_tokens"] + count
    return usage | {"completion_tokens": made, "total_tokens": usage["prompt_tokens"] + made}


@fault(breaks={"completions.max-tokens-exact"}, on=BOTH, field="SE-18")
def makes_one_token_more(reply: Reply) -> Reply | None:
    """Looks at the limit when it has passed it."""
    return _counted(reply, lambda usage: _more(usage, 1))


@fault(breaks={"completions.max-tokens"}, on=BOTH)
def ignores_the_limit(sent: Any, reply: Reply) -> Reply | None:
    """Counts every token that it made while it looked for the end."""
    return _counted(reply, lambda usage: _more(usage, 200))


@fault(breaks={"completions.same-as-stream"}, on="completions-stream", field="SE-02")
def loses_the_text_before_a_stop(sent: Any, chunks: list[Json]) -> Any:
    """Loses the last pieces of text when a stop string ends it."""
    said = [n for n, c in enumerate(chunks) if c["choices"] and c["choices"][0]["text"]]
    for n in said[-2:] if sent.get("stop") else ():
        chunks[n]["choices"][0]["text"] = ""
    return chunks


@fault(breaks={"completions.same-as-stream"}, on="completions-stream")
def strips_its_pieces(chunks: list[Json]) -> Any:
    """Strips the blanks around every piece of text."""
    return [each(chunk, lambda e: e | {"text": e["text"].strip()}) for chunk in chunks]


def _stop(sent: Any) -> str:
    """The stop string of a request, if it has one."""
    stop = sent.get("stop") if isinstance(sent, dict) else None
    return stop if isinstance(stop, str) else ""


@fault(breaks={"completions.stop-absent"}, on=BOTH)
def sends_the_stop(sent: Any, reply: Reply) -> Reply | None:
    """Sends the stop string as the end of the text."""

    def change(entry: Json) -> Json:
        ended = entry["finish_reason"] == "stop"
        return entry | {"text": entry["text"] + _stop(sent)} if ended else entry

    return everywhere(reply, lambda body: each(body, change)) if _stop(sent) else None


@fault(breaks={"completions.stop-finish"}, on=ON)
def takes_stops_for_limits(sent: Any, body: Any) -> Any:
    """Says length where a stop string ended the text."""
    return each(body, lambda entry: entry | {"finish_reason": "length"}) if _stop(sent) else None


def _accepts(reply: Reply, text: str = "Yes.") -> Reply:
    """A refusal turned into an answer."""
    entry = {"index": 0, "text": text, "logprobs": None, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    created = calendar.timegm(parsedate(reply.header("date") or "") or (1970, 1, 1, 0, 0, 0))
    body: Json = {"id": f"cmpl-{reply.pieces[-1].at}", "object": "text_completion"}
    body |= {"created": created, "model": "embedded", "choices": [entry], "usage": usage}
    length = [pair for pair in reply.headers if pair[0].lower() != "content-length"]
    piece = replace(reply.pieces[-1], data=compact(body))
    return replace(reply, status=200, headers=tuple(length), pieces=(piece,))


@fault(breaks={"completions.prompt-required"}, on=ON)
def loads_in_silence(sent: Any, reply: Reply) -> Reply | None:
    """Answers a request without a prompt, as if it only loaded the model."""
    missing = isinstance(sent, dict) and "prompt" not in sent and "model" in sent
    return _accepts(reply, "") if missing and reply.status == 400 else None


@fault(breaks={"completions.stop-items-refused", "http.stop-type-refused"}, on=ON)
def drops_bad_stops(sent: Any, reply: Reply) -> Reply | None:
    """Drops a stop that is no string."""
    bad = isinstance(sent, dict) and sent.get("stop") == [1]
    return _accepts(reply) if bad and reply.status == 400 else None


@fault(breaks={"completions.many-logprobs-refused"}, on=ON)
def has_no_end_of_alternatives(sent: Any, reply: Reply) -> Reply | None:
    """Takes more alternatives than 5."""
    many = isinstance(sent, dict) and sent.get("logprobs") == 6
    return _accepts(reply) if many and reply.status == 400 else None


@fault(breaks={"completions.empty-prompt"}, on=ON)
def has_no_word_for_empty(sent: Any, reply: Reply) -> Reply | None:
    """Answers 404 for an empty prompt."""
    empty = isinstance(sent, dict) and sent.get("prompt") == ""
    return error(reply, 404, "there is nothing to complete") if empty else None


@fault(breaks={"completions.token-prompt"}, on=ON)
def refuses_tokens(sent: Any, reply: Reply) -> Reply | None:
    """Takes texts only."""
    given = sent.get("prompt") if isinstance(sent, dict) else None
    tokens = isinstance(given, list) and given[:1] == [1] and reply.status == 200
    return error(reply, 400, "prompt must be a string") if tokens else None


@fault(breaks={"completions.options"}, on=ON, field="VA-01")
def takes_logprobs_for_a_switch(sent: Any, reply: Reply) -> Reply | None:
    """Refuses a number for logprobs, with 422, since it expects a boolean."""
    asked = isinstance(sent, dict) and type(sent.get("logprobs")) is int and reply.status == 200
    return error(reply, 422, "logprobs: input should be a valid boolean") if asked else None


@fault(breaks={"completions.logprobs"}, on=ON, field="SE-14")
def forgets_logprobs(reply: Reply) -> Reply | None:
    """Sends null for probabilities."""
    return everywhere(reply, lambda b: each(b, lambda entry: entry | {"logprobs": None}))


def _scored(body: Json, change: Callable[[Json], Any]) -> Json:
    """The probabilities of every choice that has some changed."""
    return each(body, lambda e: e | {"logprobs": change(e["logprobs"])} if e["logprobs"] else e)


@fault(breaks={"completions.logprobs-type"}, on=ON)
def lists_logprobs(body: Any) -> Any:
    """Sends an empty list for no probabilities."""
    return each(body, lambda entry: entry | {"logprobs": entry["logprobs"] or []})


@fault(breaks={"completions.logprobs-lists"}, on=BOTH)
def loses_an_offset(reply: Reply) -> Reply | None:
    """Sends one offset less than tokens."""
    return everywhere(
        reply, lambda b: _scored(b, lambda lp: lp | {"text_offset": lp["text_offset"][1:]})
    )


@fault(breaks={"completions.logprobs-sane"}, on=BOTH)
def sends_probabilities(reply: Reply) -> Reply | None:
    """Sends probabilities where their logarithms are wanted."""

    def change(found: Json) -> Json:
        return found | {"token_logprobs": [0.9 for _ in found["token_logprobs"]]}

    return everywhere(reply, lambda body: _scored(body, change))


@fault(breaks={"http.json-well-formed"}, on=ON, field="RO-02")
def sends_infinities(request: Request, data: bytes) -> bytes:
    """Sends -Infinity for the logarithm of what cannot be."""
    scored = b'"logprobs":' in (request.body or b"")
    return data.replace(b'"token_logprobs":[', b'"token_logprobs":[-Infinity,') if scored else data


@fault(breaks={"completions.echo"}, on=ON)
def ignores_echo(sent: Any, body: Any) -> Any:
    """Ignores `echo`."""
    if not sent.get("echo"):
        return None
    long = len(sent["prompt"])
    return each(body, lambda entry: entry | {"text": entry["text"][long:]})


@fault(breaks={"completions.suffix-honoured"}, on=ON)
def ignores_suffix(sent: Any, body: Any) -> Any:
    """Ignores `suffix`."""
    if not sent.get("suffix"):
        return None
    usage = body["usage"]
    read = usage["prompt_tokens"] - len(f"{sent['suffix']}\n".encode())
    counted = {"prompt_tokens": read, "total_tokens": read + usage["completion_tokens"]}
    return body | {"usage": usage | counted}
