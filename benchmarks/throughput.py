"""How fast the embedded reference server answers: tokens a second, so many requests at a time.

Starts the server without pace in a process of its own, and reads every answer to its end. Prints
medians; run it with both cores idle.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from threading import local
from urllib.parse import urlsplit

from conformance.target import embedded

ROUNDS = 5
TOKENS = 200  # of each answer
END = "256"  # the token that ends an answer; it is forbidden, so that all are of one length
AT_ONCE = (1, 16, 64)
LEAST = 1000  # tokens a second, whatever is asked


def body(number: int, *, stream: bool) -> bytes:
    """A request whose answer has so many tokens."""
    members = {"max_tokens": TOKENS, "seed": number, "logit_bias": {END: -100}, "stream": stream}
    messages = [{"role": "user", "content": f"Tell me about number {number}."}]
    return json.dumps({"model": "embedded", "messages": messages} | members).encode()


def rate(url: str, at_once: int, *, stream: bool) -> float:
    """Tokens a second of one round."""
    kept = local()
    host = urlsplit(url).netloc

    def one(number: int) -> None:
        if not hasattr(kept, "connection"):
            kept.connection = HTTPConnection(host, timeout=60)
        headers = {"content-type": "application/json"}
        sent = body(number, stream=stream)
        kept.connection.request("POST", "/v1/chat/completions", sent, headers)
        reply = kept.connection.getresponse()
        said = reply.read()
        assert reply.status == 200, said

    requests = max(8, 2 * at_once)
    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(one, range(requests)))
    return requests * TOKENS / (time.perf_counter() - began)


def main() -> int:
    """Print the table; 1 if a figure is under its bound."""
    write = sys.stdout.write
    write("| at once | answers | tokens a second, median | least | most |\n|---|---|---|---|---|\n")
    slow = False
    with embedded("--pace", "0") as url:
        for at_once in AT_ONCE:
            for stream in (False, True):
                rate(url, at_once, stream=stream)
                rates = [rate(url, at_once, stream=stream) for _ in range(ROUNDS)]
                median = statistics.median(rates)
                slow |= median < LEAST
                form = "streamed" if stream else "plain"
                write(f"| {at_once} | {form} | {median:,.0f} ")
                write(f"| {min(rates):,.0f} | {max(rates):,.0f} |\n")
    return int(slow)


if __name__ == "__main__":
    raise SystemExit(main())
