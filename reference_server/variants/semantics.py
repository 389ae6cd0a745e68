"""Other ways for several answers to agree."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from reference_server.faults.chat.answer import each_choice, usage
from reference_server.faults.chat_stream.entries import entry, with_
from reference_server.faults.responses.parts import each_part
from reference_server.faults.semantics.again import is_bare, is_cold, saying
from reference_server.variants.variant import tolerated, variant

ON = "chat"
STREAM = "chat-stream"
RESPONSES = "responses"
ROOM, LONG = 16, 400  # tokens
Json = dict[str, Any]
TEXTS = {
    "semantics.stop-list", "semantics.text-format", "semantics.text-part", "semantics.defaults",
    "semantics.unknown-member-changes-nothing", "semantics.stop-absent", "semantics.stop-finish",
    "semantics.longer-goes-on",
}  # fmt: skip


@variant(on=ON, norms={"SEM-01", "SEM-35", "SEM-36", "SEM-47"}, rulings={"RUL-44"},
         warns={"semantics.repeats"}, hides=TEXTS | {"semantics.cut-is-length"})  # fmt: skip
def unsteady(sent: Any, body: Json) -> Json | None:
    """Gives another text each time, though the temperature is 0."""
    if not is_cold(sent) or not is_bare(sent):
        return None
    word = f"{zlib.crc32(body['id'].encode()):08x}"
    return saying(body, lambda text: f"{word} {text}")


@variant(on=ON, norms={"SEM-25"})
def has_instructions_of_its_own(sent: Any, body: Json) -> Json | None:
    """Counts the long instructions that a template has where a request brings none."""
    roles = {message["role"] for message in sent["messages"]}
    if not (is_cold(sent) and "seed" in sent) or roles & {"system", "developer"}:
        return None
    told = body["usage"]
    counted = {name: told[name] + LONG for name in ("prompt_tokens", "total_tokens")}
    return usage(body, **counted)


@variant(on=RESPONSES, norms={"SEM-05", "SEM-46"},
         hides={"semantics.chat-and-responses"})  # fmt: skip
def responds_in_other_words(sent: Any, body: Json) -> Json | None:
    """Says in a plain response other words than in a stream."""
    cold = sent.get("temperature") == 0 and not (sent.get("text") or {}).get("format")
    return each_part(body, lambda part: part | {"text": "Well."}) if cold else None


@variant(on=ON, norms={"SEM-06"}, hides={"semantics.stop-finish"})
def keeps_half_a_stop(sent: Any, body: Json) -> Json | None:
    """Leaves the beginning of a stop string at the end of a text."""
    stop = sent.get("stop")
    stop = stop[0] if isinstance(stop, list) and stop else stop
    cold = isinstance(stop, str) and is_cold(sent) and is_bare(sent)
    return saying(body, lambda text: text + stop[:-1]) if cold else None


@variant(on=ON, norms={"SEM-07"})
def stops_at_its_limit(sent: Any, body: Json) -> Json | None:
    """Says length of a text that a stop ended at its last token."""
    if not sent.get("stop") or not is_cold(sent) or not body.get("usage"):
        return None
    made = {"completion_tokens": sent["max_tokens"]}
    total = body["usage"]["prompt_tokens"] + sent["max_tokens"]
    cut = each_choice(body, lambda c: c | {"finish_reason": "length"})
    return usage(cut, **made, total_tokens=total)


@variant(on=ON, norms={"SEM-10"}, hides={"semantics.cut-is-length"})
def ends_at_its_limit(sent: Any, body: Json) -> Json | None:
    """Comes to its own end with the last token that it may have."""
    if not is_cold(sent) or not is_bare(sent) or sent.get("stop"):
        return None
    if sent.get("max_tokens", 0) < ROOM:
        return None
    made = min(body["usage"]["completion_tokens"], ROOM)
    total = body["usage"]["prompt_tokens"] + made
    ended = each_choice(body, lambda c: c | {"finish_reason": "stop"})
    ended = saying(ended, lambda text: text[:ROOM])
    return usage(ended, completion_tokens=made, total_tokens=total)


@variant(on=STREAM, norms={"SEM-26"})
def streams_other_words(sent: Any, chunks: list[Json]) -> Iterator[Json]:
    """Streams another text than the plain answer has, which costs more."""
    other = is_bare(sent) and bool(sent.get("stream_options")) and sent.get("temperature") == 0
    for chunk in chunks:
        delta, told = entry(chunk).get("delta") or {}, chunk.get("usage")
        if other and delta.get("content"):
            yield with_(chunk, delta=delta | {"content": "x" * len(delta["content"])})
        elif other and told:
            made, total = told["completion_tokens"] + 1, told["total_tokens"] + 1
            yield chunk | {"usage": told | {"completion_tokens": made, "total_tokens": total}}
        else:
            yield chunk


@variant(on=ON, norms={"SEM-32"})
def scores_its_end(sent: Any, body: Json) -> Json | None:
    """Has a record for the token that ends the answer, and trims its first blank."""
    if not sent.get("logprobs"):
        return None
    end = {"token": "<|end|>", "logprob": -0.1, "bytes": None, "top_logprobs": []}

    def changed(choice: Json) -> Json:
        told = choice.get("logprobs")
        if not told or not told.get("content"):
            return choice
        return choice | {"logprobs": told | {"content": [*told["content"], end]}}

    return each_choice(body, changed)


@variant(on=ON, norms={"SEM-41"})
def marks_parts(sent: Any, body: Json) -> Json | None:
    """Takes a token or two more for the parts of a message."""
    parted = any(isinstance(message.get("content"), list) for message in sent["messages"])
    told = body.get("usage")
    if not parted or not told:
        return None
    asked, total = told["prompt_tokens"] + 2, told["total_tokens"] + 2
    return usage(body, prompt_tokens=asked, total_tokens=total)


@variant(on=RESPONSES, norms={"SEM-45", "SEM-46"})
def marks_the_turn(sent: Any, body: Json) -> Json | None:
    """Takes a token or two more for what is a list, or has instructions."""
    if not isinstance(sent.get("input"), str) or not body.get("usage"):
        return None
    told = body["usage"]
    asked, total = told["input_tokens"] + 2, told["total_tokens"] + 2
    return body | {"usage": told | {"input_tokens": asked, "total_tokens": total}}


tolerated("semantics.overlooks-the-seed", norms={"SEM-02"}, rulings={"RUL-44"})
tolerated("semantics.lists-in-json-mode", norms={"SEM-11"})
tolerated("semantics.ignores-ranges", norms={"SEM-12"})
tolerated("semantics.makes-arguments-up", norms={"SEM-13"}, traps={"FA-20"})
tolerated("semantics.responds-with-other-arguments", norms={"SEM-13"}, traps={"FA-20"})
tolerated("semantics.calls-what-is-forbidden", norms={"SEM-14"}, rulings={"RUL-16"},
          profiles="seed ollama")  # fmt: skip
tolerated("semantics.calls-nothing-all-the-same", norms={"SEM-15"}, rulings={"RUL-16"},
          profiles="seed ollama")  # fmt: skip
tolerated("semantics.calls-another-tool", norms={"SEM-16"}, rulings={"RUL-16"},
          profiles="seed ollama")  # fmt: skip
tolerated("semantics.answers-all-alike", norms={"SEM-34"}, rulings={"RUL-17"})
tolerated("semantics.reads-unknown-members", norms={"SEM-35"})
tolerated("semantics.errors-in-turn", norms={"SEM-38"})
tolerated("semantics.reads-latin", norms={"SEM-39"})
tolerated("semantics.calls-for-ever", norms={"SEM-49"}, traps={"FA-20"})
tolerated("responses.makes-one-token-more", norms={"SEM-50"})
