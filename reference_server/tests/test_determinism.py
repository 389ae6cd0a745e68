"""A seed means the same whatever runs beside it: every answer is what it is alone, byte for byte."""

from serving import child
from traffic import differing


def test_a_thousand_requests_on_the_embedded_engine() -> None:
    with child("--pace", "0") as server:
        assert differing(server.url, "embedded", 1000) == []
