"""Directed completions: the same request in both forms and again, options, extremes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from conformance.probes.probe import Probe, Turns, answer, post, single
from conformance.wire.exchange import Request

PATH = "/completions"
PLAIN, STREAMED = "completions", "completions-stream"
PROMPTS = ("Count: 1, 2, 3,", "The colours of the rainbow are red,")
SUFFIX = " And that was all."
SHORT, LONG = 16, 64  # tokens; the latter for the arrival times of a stream to mean something
STOP = 3  # characters of a stop string
Body = dict[str, Any]


def probes(model: str) -> Iterator[Probe]:
    """The directed dialogues."""
    yield Probe("completions.forms", PLAIN, lambda: _forms(model), 7, 8 * SHORT)
    yield Probe("completions.options", PLAIN, lambda: _options(model), 6, 8 * SHORT)
    both = _asked(model, n=2, logprobs=0, stream=True)
    yield single("completions-stream.choices", STREAMED, both, tokens=2 * SHORT)
    whole = _asked(model, stream=True, max_tokens=LONG)
    yield single("completions-stream.alone", STREAMED, whole, tokens=LONG, alone=True)
    nothing, nobody = {"model": model, "max_tokens": 1}, {"prompt": PROMPTS[0], "max_tokens": 1}
    yield single("completions.no-prompt", PLAIN, post(PATH, nothing), tokens=1)
    headless = post(PATH, nobody | {"stream": True})
    yield single("completions-stream.no-model", STREAMED, headless, tokens=1)
    odd: dict[str, Body] = {
        "empty-prompt": {"prompt": ""},
        "tokens": {"prompt": [1, 2, 3]},
        "no-stop": {"stop": [1]},
        "many-logprobs": {"logprobs": 6},
    }
    for name, members in odd.items():
        yield single(f"completions.{name}", PLAIN, _asked(model, **members), tokens=SHORT)


def _asked(model: str, **members: Any) -> Request:
    body = {"model": model, "prompt": PROMPTS[0], "max_tokens": SHORT, "temperature": 0.0}
    return post(PATH, body | members)


def _forms(model: str) -> Turns:
    """A text, streamed, stopped, with an end to lead to, with room; and the same text again."""
    stop = _stop(answer((yield _asked(model))))
    yield _asked(model, stream=True)
    if stop:
        yield _asked(model, stop=stop)
        yield _asked(model, stop=stop, stream=True)
    yield _asked(model, suffix=SUFFIX)
    yield _asked(model, max_tokens=2 * SHORT)
    yield _asked(model)


def _options(model: str) -> Turns:
    """What a server may leave out, then several prompts together, then each alone."""
    yield _asked(model, logprobs=2)
    yield _asked(model, echo=True)
    yield _asked(model, n=2)
    yield _asked(model, prompt=list(PROMPTS))
    for prompt in PROMPTS:
        yield _asked(model, prompt=prompt)


def _stop(body: Any) -> str:
    """A string to stop an answer with, from the middle of its text."""
    try:
        return stop_in(str(body["choices"][0]["text"]))
    except (KeyError, IndexError, TypeError):
        return ""


def stop_in(text: str) -> str:
    """A string from the middle of a text, which does not begin with it; "" if there is none."""
    places = itertools.chain(range(len(text) // 2, len(text) - STOP), range(1, len(text) // 2))
    found = (text[at : at + STOP] for at in places if text.find(text[at : at + STOP]) > 0)
    return next((stop for stop in found if stop.strip()), "")
