"""Constrained decoding by llguidance: JSON, JSON Schema and choices hold on any model."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from llguidance import LLMatcher, LLParserLimits, LLTokenizer, TokenizerWrapper

from reference_server import keywords
from reference_server.engine import Engine
from reference_server.refusal import Refused
from reference_server.tighten import tighten

COMPACT: Any = {"whitespace_flexible": False, "lenient": False, "coerce_one_of": False}
LIMITS = LLParserLimits(max_items_in_row=20_000)  # a thousand optional members take 4,000
KEPT = 64  # compiled grammars
WORDS = {  # for what the compiler says of its own insides
    "NoExtension": "nothing is valid by it",
    "regex parse error": "pattern: {}",
    "recursion": "it is nested too deeply",
    "oneOf constraints": "oneOf: its schemas may hold for the same value",
    "too many expressions": "a pattern or a length in it takes too many steps to follow",
    "integer range": "minimum, maximum: no whole number of 64 bits is between them",
    "Too many items": "nothing is valid by it, or it is too large",
}
FORCED = 16  # tokens without a choice that are tried before a grammar counts as usable


class Uncompilable(Refused):
    """A schema that cannot be decoded by; `param` is the member that brought it."""

    def __init__(self, said: str, param: str) -> None:
        super().__init__(f"the schema cannot be used: {said[:200]}", param or None)


class _Tokens:
    """An engine's vocabulary as llguidance wants to see it."""

    def __init__(self, engine: Engine) -> None:
        self.tokens = list(engine.vocabulary)
        self.special_token_ids = sorted(engine.special)
        self.eos_token_id = min(engine.ends)
        self.bos_token_id = None
        self._encode = engine.encode

    def __call__(self, text: str | bytes) -> list[int]:
        return self._encode(text if isinstance(text, str) else text.decode("utf-8", "replace"))


class Constraints:
    """Compiles constraints for one engine."""

    def __init__(self, engine: Engine) -> None:
        self._tokenizer = LLTokenizer(TokenizerWrapper(_Tokens(engine)))
        self._compiled = lru_cache(KEPT)(self._compile)

    def schema(self, schema: Any, param: str = "") -> Constraint:
        """Text that is valid by a JSON Schema; raises `Uncompilable`."""
        try:
            keywords.check(schema)
            given = self._compiled(_grammar(schema))
        except (ValueError, RecursionError) as error:
            raise Uncompilable(_said(str(error)), param) from None
        try:
            return Constraint(self._compiled(_grammar(tighten(schema))), param)
        except (ValueError, TypeError):  # what was tightened excludes itself, or is never read
            return Constraint(given, param)

    def choice(self, words: Sequence[str]) -> Constraint:
        """One of some words; raises `Uncompilable`."""
        pattern = "|".join(re.escape(word) for word in words)
        try:
            grammar = LLMatcher.grammar_from_regex(f"({pattern})")
            return Constraint(self._compiled(grammar), "tools")
        except ValueError as error:
            raise Uncompilable(str(error), "tools") from None

    def line(self, longest: int) -> Constraint:
        """One line of so many characters at most, with its end."""
        grammar = LLMatcher.grammar_from_regex(f"[^\\r\\n]{{1,{longest}}}\\n")
        return Constraint(self._compiled(grammar))

    def _compile(self, grammar: str) -> LLMatcher:
        matcher = LLMatcher(self._tokenizer, grammar, log_level=0, limits=LIMITS)
        _usable(matcher.deep_copy())
        return matcher


class Constraint:
    """What one sequence may still say; `param` is the member of the request that says so."""

    def __init__(self, compiled: LLMatcher, param: str = "") -> None:
        self._matcher = compiled.deep_copy()
        self._param = param

    def allowed(self) -> npt.NDArray[np.bool_]:
        """Which tokens may come next; raises `Uncompilable` if that has become too much to say."""
        mask = np.frombuffer(self._matcher.compute_logit_bias(), dtype=np.uint8) > 0
        self._check()
        return mask

    def push(self, token: int) -> bool:
        """Take a token; true if the text is complete. Raises `Uncompilable` as `allowed` does."""
        self._matcher.consume_token(token)
        self._check()
        return bool(self._matcher.is_stopped())

    def _check(self) -> None:
        if self._matcher.is_error():
            raise Uncompilable(_said(self._matcher.get_error()), self._param)


def _grammar(schema: Any) -> str:
    """The grammar of a schema; options of the compiler inside it are no part of JSON Schema."""
    if isinstance(schema, dict):
        schema = {key: value for key, value in schema.items() if key != "x-guidance"}
    else:
        schema = {"allOf": [schema]}  # the compiler reads no `true` and `false` at the root
    return LLMatcher.grammar_from_json_schema(json.dumps(schema), overrides=COMPACT)


def _usable(matcher: LLMatcher) -> None:
    """Raise `ValueError` unless text can be begun by it; some errors show at the first tokens."""
    for _ in range(FORCED):
        mask = np.frombuffer(matcher.compute_logit_bias(), dtype=np.uint8)
        choices = np.flatnonzero(mask)
        if len(choices) == 1:
            matcher.consume_token(int(choices[0]))
        if matcher.is_error():
            raise ValueError(_said(matcher.get_error()))
        if len(choices) != 1 or matcher.is_stopped():
            return


def _said(given: str) -> str:
    """What is wrong, without the state of the compiler and in words of the schema."""
    said = given.partition("\n<state>")[0].partition(" <state>")[0]
    found = next((words for mark, words in WORDS.items() if mark in said), None)
    return said if found is None else found.format(said.rpartition("error: ")[2].strip())
