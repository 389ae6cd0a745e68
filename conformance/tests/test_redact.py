"""No byte of a key survives, and nothing moves."""

import base64
import json
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.wire.exchange import Piece
from conformance.wire.redact import Redactor

KEY = 'sk-Ab/9+é"secret_key-42'
FORMS = {
    "plain": KEY.encode(),
    "percent": quote(KEY, safe="").encode(),
    "percent, lower": quote(KEY, safe="").lower().replace("ab", "Ab").encode(),
    "json": json.dumps(KEY)[1:-1].encode(),
    "json, utf-8": json.dumps(KEY, ensure_ascii=False)[1:-1].encode(),
    "escaped": "".join(f"\\u{ord(c):04x}" for c in KEY).encode(),
}


@pytest.mark.parametrize("name", FORMS)
@given(
    before=st.binary(max_size=20),
    after=st.binary(max_size=20),
    cuts=st.lists(st.integers(0, 200), max_size=5),
)
def test_hides_every_form_across_pieces(
    name: str, before: bytes, after: bytes, cuts: list[int]
) -> None:
    body = before + FORMS[name] + after
    edges = sorted({0, len(body), *(min(cut, len(body)) for cut in cuts)})
    pieces = tuple(Piece(n, body[a:b]) for n, (a, b) in enumerate(pairwise(edges)))
    hidden = Redactor(KEY).pieces(pieces)
    assert [len(piece.data) for piece in hidden] == [len(piece.data) for piece in pieces]
    text = b"".join(piece.data for piece in hidden)
    assert FORMS[name] not in text
    assert b"*" * len(FORMS[name]) in text


@given(st.binary(max_size=9), st.binary(max_size=9))
def test_hides_base64_at_every_alignment(before: bytes, after: bytes) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        hidden = Redactor(KEY).data(encode(before + KEY.encode() + after))
        assert len(hidden) == len(encode(before + KEY.encode() + after))
        assert hidden.count(b"*") >= len(KEY.encode()) * 8 // 6 - 1


def test_a_short_key_is_hidden_in_headers_only() -> None:
    redactor = Redactor("ollama")
    assert redactor.data(b"I am ollama") == b"I am ollama"
    assert redactor.request_headers((("Authorization", "Bearer ollama"),)) == (
        ("Authorization", "Bearer ******"),
    )
