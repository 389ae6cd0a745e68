"""What the tests share: a recorded clean run, and small servers that behave badly."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from conformance import ledger
from conformance.ledger import Recording
from conformance.prove import record


@pytest.fixture(scope="session")
def clean_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("clean")).ledger


@pytest.fixture(scope="session")
def clean(clean_path: Path) -> Recording:
    return ledger.read(clean_path)


Respond = Callable[[BaseHTTPRequestHandler, bytes], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Respond], str]]:
    """Starts a server that answers every request by a function; its base URL."""
    started: list[ThreadingHTTPServer] = []

    def start(respond: Respond) -> str:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                respond(self, self.rfile.read(length))

            do_GET = do_POST = handle_any

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_port}/v1"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.fixture
def raw() -> Iterator[Callable[[Callable[[object], None]], str]]:
    """Starts a server that gets the bare socket after the request has come."""
    started: list[socketserver.ThreadingTCPServer] = []

    def start(behave: Callable[[object], None]) -> str:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    data = b""
                    while not data.endswith(b"}" if data[:4] == b"POST" else b"\r\n\r\n"):
                        data += self.request.recv(65536)
                    behave(self.request)
                except OSError:
                    pass

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/v1"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()
