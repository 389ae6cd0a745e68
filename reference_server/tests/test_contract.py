"""Bodies that are costly to read are read, or refused, in a time that grows with their length."""

import time
from collections.abc import Callable

import pytest

from reference_server.contract import DEEPEST, parse
from reference_server.refusal import Refused

HOSTILE = {
    "a string without an end, all quotes escaped": b'{"a":"' + b'\\"' * 500_000,
    "a string without an end, a lone backslash last": b'{"a":"' + b"x" * 500_000 + b"\\",
    "nested too deeply": b"[" * 500_000,
    "nested too deeply, in objects": b'{"a":' * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_refused_at_once(name: str) -> None:
    began = time.monotonic()
    with pytest.raises(Refused):
        parse(HOSTILE[name])
    assert time.monotonic() - began < 5


def nested(levels: int, wrap: Callable[[int], bytes]) -> bytes:
    return b'{"a":' + b"[" * (levels - 1) + wrap(levels) + b"]" * (levels - 1) + b"}"


@pytest.mark.parametrize("text", [b'"["', b'"\\"[{"', b'"\\\\"', b'"\\\\\\"["', b'"a\\nb{"'])
def test_brackets_in_strings_do_not_nest(text: bytes) -> None:
    assert parse(nested(DEEPEST, lambda _: text))
    with pytest.raises(Refused, match="deep"):
        parse(nested(DEEPEST + 1, lambda _: text))
