"""Text hygiene: whatever a server sent becomes text that no reader can be steered by."""

from __future__ import annotations

HARMLESS = "\n\t"
BIDI = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029\ufeff"
)


def clean(text: str) -> str:
    """Control characters, bidi controls and surrogates as visible escapes."""
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    code = ord(character)
    control = code < 0x20 or 0x7F <= code < 0xA0
    if character in HARMLESS or not (control or character in BIDI or 0xD800 <= code < 0xE000):
        return character
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def readable(data: bytes) -> str:
    """Bytes as clean text; what is no UTF-8 is shown byte by byte."""
    return clean(data.decode("utf-8", "backslashreplace"))
