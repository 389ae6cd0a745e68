"""Nothing of other requests in an answer, and every character of its own as it was."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from conformance.check import Answer, Deviation, Dialogue, Undecided, check, relation, show
from conformance.checks.semantics.said import body, said
from conformance.reading import Reading, once
from conformance.wire.exchange import End

WORD = re.compile(r"[^\W\d_]{5,}")


@once
def _asked(x: Reading) -> str:
    return json.dumps(body(x, "model"), ensure_ascii=False)


def _words(text: str) -> set[str]:
    return set(WORD.findall(text.lower()))


def _abandoned(dialogue: Dialogue) -> bool:
    left = any(x.exchange.end is End.CANCELED for x in dialogue[:-1])
    return left and said(dialogue[-1]) is not None


@relation("semantics.starts-afresh", on=_abandoned)
def starts_afresh(dialogue: Dialogue) -> Answer:
    """An answer has no word that only a request had whose client went away."""
    *before, last = dialogue
    own, answer = _words(_asked(last)), said(last)
    left = {word for x in before if x.exchange.end is End.CANCELED for word in _words(_asked(x))}
    told = _words(answer.text) if answer else set()
    if foreign := told & (left - own):
        observed = f"{show(min(foreign))}, of a request that was abandoned"
        yield Deviation("an answer to this request alone", observed)
    elif not told & (own - left):
        yield Undecided("the answer had no word by which it can be told from those before it")


def _damaged(character: str) -> Iterator[tuple[str, str]]:
    """What becomes of a character by some well-known mistakes, and which."""
    data = character.encode("utf-8", "replace")
    for coding in ("latin-1", "cp1252"):
        yield data.decode(coding, "ignore"), f"UTF-8 read as {coding}"
    units = character.encode("utf-16-be", "replace").hex()
    pieces = (units[n : n + 4] for n in range(0, len(units), 4))
    yield "".join(f"\\u{unit}" for unit in pieces), "an escape of JSON"
    yield f"&#{ord(character)};", "an escape of HTML"
    yield "".join(f"%{byte:02X}" for byte in data), "an escape of addresses"


@once
def _foreign(x: Reading) -> list[str]:
    """The characters of a request that are not ASCII, and no half of one."""
    return sorted(c for c in set(_asked(x)) if c > "\x7f" and not "\ud800" <= c <= "\udfff")


@check("semantics.characters-kept", on=lambda x: bool(_foreign(x)) and said(x) is not None)
def characters_kept(x: Reading) -> Answer:
    """What comes back of a text is what was sent, in whichever script."""
    answer, sent = said(x), _asked(x)
    text = answer.text if answer else ""
    for character in _foreign(x):
        for damaged, mistake in _damaged(character):
            if len(damaged) > 1 and damaged in text and damaged not in sent:
                yield Deviation(show(character), f"{show(damaged)}, {mistake}")
                return
    if not set(_foreign(x)) & set(text):
        yield Undecided("no answer had a character of the request that is not ASCII")
