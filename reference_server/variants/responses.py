"""Other ways to respond."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.wire.exchange import Reply
from reference_server.change import DONE
from reference_server.faults.replies import error
from reference_server.variants.variant import tolerated, variant

BOTH = "responses responses-stream"
Json = dict[str, Any]


@variant(on="responses", rulings={"RUL-01"}, norms={"ROB-01"})
def extra_members(body: Json) -> Json:
    """Adds members of its own to the response and to its items."""
    more: Json = {"x_note": {"a": [None]}, "phase": None}
    return body | more | {"output": [item | more for item in body["output"]], "next_id": None}


@variant(on="responses-stream", rulings={"RUL-01", "RUL-38"}, norms={"RST-30"})
def extra_members_streamed(chunks: list[Json]) -> Iterator[Json]:
    """Adds members of its own to every event."""
    yield from (chunk | {"x_note": {"a": [None]}, "obfuscation": "aB3"} for chunk in chunks)


@variant(on="responses", norms={"ROB-11"}, rulings={"RUL-37"}, traps={"FA-01"})
def writes_no_cache(body: Json) -> Json:
    """Tells of no tokens that were written to a cache."""
    details = {"cached_tokens": 0}
    return body | {"usage": body["usage"] | {"input_tokens_details": details}}


@variant(on="responses-stream", rulings={"RUL-39"}, norms={"RST-03", "RST-31"})
def done_mark(blocks: list[bytes]) -> Iterator[bytes]:
    """Says [DONE] after the last event."""
    yield from blocks
    yield DONE


@variant(on=BOTH, rulings={"RUL-35"}, norms={"RRQ-16"})
def remembers_nothing(sent: Any, reply: Reply) -> Reply | None:
    """Keeps no responses, and refuses to go on from one."""
    asked = isinstance(sent, dict) and sent.get("previous_response_id")
    return error(reply, 404, "no such response") if asked and reply.status == 200 else None


@variant(on=BOTH, norms={"RRQ-21"}, rulings={"RUL-05"})
def official_members(sent: Any, reply: Reply) -> Reply | None:
    """Refuses members of the official API that it has no use for."""
    asked = isinstance(sent, dict) and "service_tier" in sent
    return error(reply, 400, "unsupported parameter") if asked and reply.status == 200 else None


@variant(on="responses-stream", norms={"RST-17"}, traps={"FA-06"})
def names_no_call(chunks: list[Json]) -> Iterator[Json]:
    """Leaves the name out where the arguments of a call are done."""
    for chunk in chunks:
        done = chunk["type"] == "response.function_call_arguments.done"
        yield {k: v for k, v in chunk.items() if k != "name"} if done else chunk


tolerated("responses.takes-nested-tools", norms={"RRQ-09"}, rulings={"RUL-32"})
tolerated("responses.takes-any-limit", norms={"RRQ-14"}, rulings={"RUL-10"})
tolerated("responses.ignores-unknown-responses", norms={"RRQ-16"}, rulings={"RUL-35"})
tolerated("responses.ignores-json-mode", norms={"RRQ-19"})
tolerated("responses.calls-what-it-likes", norms={"RRQ-20"}, rulings={"RUL-16"})
tolerated("responses.calls-cut-answers-whole", norms={"ROB-06"}, rulings={"RUL-36"},
          profiles="seed ollama")  # fmt: skip
tolerated("responses.says-length", norms={"ROB-05"}, traps={"FA-08"})
tolerated("responses.forgets-metadata", norms={"ROB-08"}, traps={"FA-10"})
tolerated("responses.seals-nothing", norms={"ROB-20"})
tolerated("responses.drops-what-came-before-calls", norms={"ROB-24"}, profiles="seed ollama")
tolerated("responses.has-one-id", norms={"ROB-27"}, rulings={"RUL-21"})
tolerated("responses-stream.forgets-logprobs", norms={"RST-28"}, traps={"FA-04"})
tolerated("responses-stream.frames-no-summaries", norms={"RST-19"}, rulings={"RUL-41"},
          profiles="seed ollama")  # fmt: skip
tolerated("responses-stream.ends-in-silence", norms={"RST-03"}, rulings={"RUL-42"},
          profiles="seed ollama")  # fmt: skip
tolerated("responses-stream.counts-from-one", norms={"RST-05"})
tolerated("responses-stream.reads-the-clock-again", norms={"RST-08"})
tolerated("responses-stream.closes-items-late", norms={"RST-35"})
tolerated("responses-stream.completes-the-cut-item", norms={"RST-27"}, rulings={"RUL-36"},
          profiles="seed ollama")  # fmt: skip
tolerated("responses-stream.counts-items-from-one", norms={"RST-09"}, rulings={"RUL-40"},
          profiles="seed")  # fmt: skip
