"""Constrained decoding by llguidance: JSON, JSON Schema and choices hold on any model."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

from reference_server.engine import Engine

COMPACT: Any = {"whitespace_flexible": False}
LONGEST = 24  # characters of a string that no schema bounds, so that a random model finishes
FEW = 3  # entries of an array, or members of an object, that no schema bounds
BOUNDING = {"enum", "const", "maxLength", "pattern", "format"}
KEY = "^[A-Za-z_]{1,12}$"  # the name of a member that no schema names
SHORT = {"type": "string", "maxLength": LONGEST}


class Uncompilable(Exception):
    """A schema that cannot be decoded by, with the reason, and the member that brought it."""

    def __init__(self, said: str, param: str) -> None:
        super().__init__(said)
        self.param = param


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
        self._ends = sorted(engine.ends)

    def schema(self, schema: Any, param: str = "") -> Constraint:
        """Text that is valid by a JSON Schema; raises `Uncompilable`."""
        try:
            text = json.dumps(tighten(schema))
            return self._compile(LLMatcher.grammar_from_json_schema(text, defaults=COMPACT))
        except (ValueError, RecursionError) as error:
            raise Uncompilable(str(error), param) from None

    def choice(self, words: Sequence[str]) -> Constraint:
        """One of some words; raises `Uncompilable`."""
        pattern = "|".join(re.escape(word) for word in words)
        try:
            return self._compile(LLMatcher.grammar_from_regex(f"({pattern})"))
        except ValueError as error:
            raise Uncompilable(str(error), "tools") from None

    def line(self, longest: int) -> Constraint:
        """One line of so many characters at most, with its end."""
        return self._compile(LLMatcher.grammar_from_regex(f"[^\\r\\n]{{1,{longest}}}\\n"))

    def _compile(self, grammar: str) -> Constraint:
        matcher = LLMatcher(self._tokenizer, grammar)
        if matcher.is_error():
            raise ValueError(matcher.get_error())
        return Constraint(matcher)


class Constraint:
    """What one sequence may still say."""

    def __init__(self, matcher: LLMatcher) -> None:
        self._matcher = matcher

    def allowed(self) -> npt.NDArray[np.bool_]:
        """Which tokens may come next."""
        return np.frombuffer(self._matcher.compute_logit_bias(), dtype=np.uint8) > 0

    def push(self, token: int) -> bool:
        """Take a token; true if the text is complete."""
        self._matcher.consume_token(token)
        return bool(self._matcher.is_stopped())


def tighten(schema: Any) -> Any:
    """A schema that a model without judgement can finish: open strings and arrays get a bound, open
    objects no further members, or a few with short names where none has a name. Whatever is valid
    by it is valid by the schema given; what is no schema stays what it is, for the compiler to say.
    """
    if isinstance(schema, list):
        return [tighten(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    tight = {
        key: value if key in ("enum", "const", "required") else tighten(value)
        for key, value in schema.items()
    }
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "string" in kinds and not BOUNDING & schema.keys():
        tight |= {"maxLength": max(LONGEST, _count(schema, "minLength"))}
    if "array" in kinds and "maxItems" not in schema:
        tight |= {"maxItems": max(FEW, _count(schema, "minItems"))}
    if "object" in kinds and "patternProperties" not in schema:
        tight |= _closed(tight)
    return tight


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    """What closes an object, unless members that have no name here are needed."""
    named, needed = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(named, dict) or not isinstance(needed, list):
        return {}
    least = _count(schema, "minProperties")
    if any(name not in list(named) for name in needed) or (named and least > len(named)):
        return {}
    more = schema.get("additionalProperties", "properties" not in schema)
    if named or more is False:
        return {"additionalProperties": False}
    members = {KEY: SHORT if more is True else more}
    most = schema.get("maxProperties", max(FEW, least))
    return {"additionalProperties": False, "patternProperties": members, "maxProperties": most}


def _count(schema: dict[str, Any], keyword: str) -> int:
    value = schema.get(keyword)
    return value if isinstance(value, int) else 0
