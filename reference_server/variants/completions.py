"""Other ways to complete a text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.wire.exchange import Reply
from reference_server.faults.replies import error
from reference_server.variants.variant import tolerated, variant

BOTH = "completions completions-stream"
Json = dict[str, Any]


def _extended(body: Json) -> Json:
    more: Json = {"x_note": {"a": [None]}, "prompt_logprobs": None}
    return body | more | {"choices": [choice | more for choice in body["choices"]]}


@variant(on="completions", rulings={"RUL-01"}, norms={"CMS-01"})
def extra_members(body: Json) -> Json:
    """Adds members of its own everywhere."""
    return _extended(body)


@variant(on="completions-stream", rulings={"RUL-01"}, norms={"CMT-02"})
def extra_members_streamed(chunks: list[Json]) -> Iterator[Json]:
    """Adds members of its own to every chunk."""
    yield from map(_extended, chunks)


@variant(on="completions", traps={"FA-03"}, norms={"CMS-04"}, warns={"completions.logprobs"})
def bare(body: Json) -> Json:
    """Leaves out `logprobs` and `system_fingerprint`."""
    kept = [{k: v for k, v in choice.items() if k != "logprobs"} for choice in body["choices"]]
    return {k: v for k, v in body.items() if k != "system_fingerprint"} | {"choices": kept}


@variant(on="completions-stream", rulings={"RUL-25"}, norms={"CMT-08"})
def null_usage(chunks: list[Json]) -> Iterator[Json]:
    """Writes `usage: null` in every chunk but the one that brings it."""
    yield from ({"usage": None} | chunk for chunk in chunks)


@variant(on=BOTH, rulings={"RUL-26"}, norms={"CMQ-02", "CMQ-03"},
         warns={"completions.token-prompt"})  # fmt: skip
def one_prompt(sent: Any, reply: Reply) -> Reply | None:
    """Takes one prompt and refuses a list of them, as Ollama documents."""
    several = isinstance(sent, dict) and isinstance(sent.get("prompt"), list)
    return error(reply, 400, "invalid prompt") if several and reply.status == 200 else None


@variant(on=BOTH, norms={"CMQ-07", "ERR-18"})
def no_suffix(sent: Any, reply: Reply) -> Reply | None:
    """Has a model that fills no gaps, and refuses `suffix`."""
    fills = isinstance(sent, dict) and sent.get("suffix")
    return error(reply, 400, "no infill") if fills and reply.status == 200 else None


tolerated("completions-stream.reads-the-clock-again", norms={"CMT-04"}, rulings={"RUL-29"})
tolerated("completions-stream.counts-nothing-yet", norms={"CMT-08"}, rulings={"RUL-25"})
tolerated("completions-stream.counts-as-it-goes", norms={"CMT-08"}, rulings={"RUL-25"},
          profiles="seed ollama")  # fmt: skip
tolerated("completions-stream.forgets-done", norms={"CMT-07"}, rulings={"RUL-22"}, profiles="seed")
tolerated("completions.ignores-echo", norms={"CMQ-09", "SEM-30"}, rulings={"RUL-27"})
tolerated("completions.takes-logprobs-for-a-switch", norms={"CMQ-09"}, rulings={"RUL-27"})
tolerated("completions.has-no-word-for-empty", norms={"CMQ-05"})
tolerated("completions.has-no-end-of-alternatives", norms={"CMQ-10"})
tolerated("completions.makes-one-choice", norms={"CMQ-09"}, rulings={"RUL-17"},
          profiles="seed ollama")  # fmt: skip
tolerated("completions.loads-in-silence", norms={"CMQ-04"})
