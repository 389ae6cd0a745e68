"""A seed means the same whatever runs beside it: every answer is what it is alone, byte for byte."""

from serving import child
from traffic import essence, generating, together

AT_ONCE = 16


def differing(url: str, model: str, count: int) -> list[int]:
    """The numbers of the requests whose answers depend on what runs beside them."""
    requests = [generating(number, model) for number in range(count)]
    alone = [essence(reply) for reply in together(url, requests, 1)]
    assert {status for status, _ in alone} == {200}
    assert len({body for _, body in alone}) > count * 0.6  # seeds and kinds make a difference
    mixed = sorted(range(count), key=lambda n: (n * 7919) % count)
    beside = dict(zip(mixed, together(url, [requests[n] for n in mixed], AT_ONCE), strict=True))
    return [n for n in range(count) if essence(beside[n]) != alone[n]]


def test_a_thousand_requests_on_the_embedded_engine() -> None:
    with child("--pace", "0") as server:
        assert differing(server.url, "embedded", 1000) == []
