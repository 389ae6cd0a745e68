"""Other ways to complete, plain or in both forms."""

from __future__ import annotations

import zlib
from typing import Any

from conformance.wire.exchange import Reply
from reference_server.faults.completions import BOTH, ON, Json, each, everywhere, without
from reference_server.faults.replies import error
from reference_server.variants.variant import tolerated, variant


@variant(on=BOTH, norms={"CMS-01", "CMT-01"}, rulings={"RUL-01"})
def extra_members(reply: Reply) -> Reply | None:
    """Adds members of its own everywhere."""
    more: Json = {"x_note": {"a": [None]}, "stop_reason": None, "token_ids": None}
    return everywhere(reply, lambda body: each(body, lambda entry: entry | more) | more)


@variant(on=BOTH, norms={"CMS-09", "CRS-04"})
def plain_ids(reply: Reply) -> Reply | None:
    """Makes ids in a style of its own."""
    return everywhere(reply, lambda body: body | {"id": f"{body['id'][5:]} / 7"})


@variant(on=BOTH, norms={"CMS-09", "CRS-07"})
def full_name(reply: Reply) -> Reply | None:
    """Names the snapshot of the model that answers."""
    return everywhere(reply, lambda body: body | {"model": f"{body['model']}-2026-01-31"})


@variant(
    on=BOTH,
    norms={"CMS-05", "CMT-06"},
    rulings={"RUL-19"},
    hides={"semantics.same-finish", "semantics.limit-counted"},
)
def filters(reply: Reply) -> Reply | None:
    """Finishes with `content_filter` where the limit would have cut it."""

    def change(entry: Json) -> Json:
        cut = entry["finish_reason"] == "length"
        return entry | {"finish_reason": "content_filter"} if cut else entry

    return everywhere(reply, lambda body: each(body, change))


@variant(on=BOTH, norms={"CMS-04"}, traps={"FA-03"})
def bare(reply: Reply) -> Reply | None:
    """Leaves out every member that it may leave out."""

    def change(entry: Json) -> Json:
        return entry if entry["logprobs"] else without(entry, "logprobs")

    return everywhere(reply, lambda body: without(each(body, change), "system_fingerprint"))


@variant(on=ON, norms={"CMS-06"}, hides={"completions.usage-members", "completions.usage-adds-up",
         "completions.max-tokens", "completions.max-tokens-exact",
         "completions.suffix-honoured", "semantics.prompt-again",
         "semantics.cut-is-length", "semantics.limit-counted",
         "robustness.marks-read"})  # fmt: skip
def no_usage(body: Any) -> Any:
    """Counts nothing in plain answers."""
    return without(body, "usage")


@variant(on=ON, norms={"SEM-03", "SEM-04"}, warns={"semantics.repeats"}, hides={
         "completions.same-as-stream", "completions.stop-absent", "completions.stop-finish",
         "completions.prompts-in-order", "semantics.same-finish", "semantics.longer-goes-on",
         "semantics.cut-is-length"})  # fmt: skip
def unsteady(sent: Any, body: Any) -> Any:
    """Gives another text each time, though the temperature is 0."""
    if sent.get("echo") or sent.get("logprobs") is not None or sent.get("temperature") != 0:
        return None
    word = f"{zlib.crc32(body['id'].encode()):08x}"
    return each(body, lambda entry: entry | {"text": f"{word} {entry['text']}"})


def _refusal(reply: Reply, *, bad: bool) -> Reply | None:
    return error(reply, 400, "this is not supported") if bad and reply.status == 200 else None


def _has(sent: Any, *names: str) -> bool:
    asked = sent if isinstance(sent, dict) else {}
    return any(asked.get(name) not in (None, False, 1) for name in names)


@variant(on=BOTH, norms={"CMQ-02"}, rulings={"RUL-26"}, traps={"FA-14"})
def one_prompt(sent: Any, reply: Reply) -> Reply | None:
    """Takes one prompt only, as Ollama does."""
    given = sent.get("prompt") if isinstance(sent, dict) else None
    return _refusal(reply, bad=isinstance(given, list) and isinstance(given[0], str))


@variant(on=BOTH, norms={"CMQ-07"})
def no_suffix(sent: Any, reply: Reply) -> Reply | None:
    """Has a model that fills no gaps."""
    return _refusal(reply, bad=_has(sent, "suffix"))


@variant(on=BOTH, norms={"CMQ-09"}, rulings={"RUL-17", "RUL-27"})
def no_options(sent: Any, reply: Reply) -> Reply | None:
    """Refuses `n`, `logprobs` and `echo`."""
    asked = isinstance(sent, dict) and (
        sent.get("logprobs") is not None or sent.get("echo") is True
    )
    return _refusal(reply, bad=asked or _has(sent, "n"))


@variant(on=ON, norms={"CMQ-05"})
def wants_a_prompt(sent: Any, reply: Reply) -> Reply | None:
    """Refuses an empty prompt."""
    return _refusal(reply, bad=isinstance(sent, dict) and sent.get("prompt") == "")


tolerated("completions.refuses-tokens", norms={"CMQ-03"})
tolerated("completions.has-no-end-of-alternatives", norms={"CMQ-10"})
tolerated("completions.ignores-echo", norms={"CMQ-09", "SEM-30"}, rulings={"RUL-27"})
tolerated("completions.forgets-logprobs", norms={"CMQ-09"}, rulings={"RUL-27"})
tolerated("completions.loses-an-offset", norms={"CMS-08"})
tolerated("completions.makes-one-choice", norms={"CMQ-09"}, rulings={"RUL-17"},
          profiles="seed ollama")  # fmt: skip
tolerated("completions.loads-in-silence", norms={"CMQ-04"})
tolerated("completions.makes-one-token-more", norms={"SEM-09"})
tolerated("completions.draws-short-ids", norms={"CMS-09", "CRS-05"}, rulings={"RUL-21"})
tolerated("completions.sorts-prompts", norms={"SEM-28"})
tolerated("completions.forgets-created", norms={"CMS-01"}, profiles="seed")
