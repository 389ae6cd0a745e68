"""Requests beside each other, and after those that were abandoned."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from itertools import pairwise
from typing import Any

from conformance.check import Answer, Deviation, Dialogue, Undecided, relation, show
from conformance.reading import Outcome, Reading, is_streamed
from conformance.wire.exchange import End

WORD = re.compile(r"[^\W\d_]{5,}")


def _abandoned(dialogue: Dialogue) -> bool:
    """Streams were cut on purpose, and something follows."""
    return any(x.exchange.end is End.CANCELED for x in dialogue[:-1]) and _went_on(dialogue[-1])


def _went_on(x: Reading) -> bool:
    return x.ordinary and x.exchange.end is not End.CANCELED


@relation("http.survives-disconnect", on=_abandoned)
def survives_disconnect(dialogue: Dialogue) -> Answer:
    """What follows a stream that was abandoned is answered."""
    for before, after in pairwise(dialogue):
        broken = not after.status or after.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        if before.exchange.end is End.CANCELED and broken and after.outcome is Outcome.FAILED:
            came = f"status {after.status}" if after.status else after.exchange.detail
            number = before.exchange.number
            yield Deviation("an answer to the request after this one", came, exchange=number)
            return


def _at_once(dialogue: Dialogue) -> bool:
    """Streams that were all under way at one time."""
    return len(dialogue) > 1 and all(is_streamed(x) and x.answered for x in dialogue)


def _overlap(dialogue: Dialogue) -> bool:
    times = sorted((x.exchange.started, x.exchange.ended) for x in dialogue)
    return any(started < ended for (_, ended), (started, _) in pairwise(times))


def _asked(x: Reading) -> set[str]:
    """The longer words of a request."""
    named = {k: v for k, v in x.sent.items() if k != "model"} if isinstance(x.sent, dict) else {}
    return set(WORD.findall(json.dumps(named, ensure_ascii=False).lower()))


def _texts(x: Reading) -> Iterator[str]:
    """The pieces of text of a stream, of whichever operation."""
    for chunk in x.chunks:
        entries = chunk.value.get("choices")
        found = [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
        deltas = [entry.get("delta") for entry in found]
        texts: list[Any] = [entry.get("text") for entry in found]
        texts += [delta.get("content") for delta in deltas if isinstance(delta, dict)]
        texts.append(chunk.value.get("delta"))
        yield from (text for text in texts if isinstance(text, str))


@relation("http.isolated", on=_at_once)
def isolated(dialogue: Dialogue) -> Answer:
    """No answer has a word that only a request beside it has."""
    asked = [_asked(x) for x in dialogue]
    counts = Counter(word for words in asked for word in words)
    own = [{word for word in words if counts[word] == 1} for words in asked]
    said = [set(WORD.findall("".join(_texts(x)).lower())) for x in dialogue]
    if not _overlap(dialogue) or not any(a & b for a in own for b in said):
        yield Undecided("no answer had a word by which it can be told from those beside it")
        return
    for n, x in enumerate(dialogue):
        foreign = {word for m, words in enumerate(own) if m != n for word in words & said[n]}
        if foreign:
            word, number = min(foreign), x.exchange.number
            expected = f"an answer to {show(' '.join(sorted(own[n])))}"
            yield Deviation(expected, f"{show(word)}, of another request", exchange=number)
            return
