"""The command `reference-server`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence

import uvicorn

from reference_server import fetch
from reference_server.app import Server, create_app
from reference_server.decode import ROWS, Batch
from reference_server.engine import Embedder, Engine
from reference_server.engine.embedded import Embedded
from reference_server.faults import FAULTS
from reference_server.faulty import KINDS
from reference_server.variants import VARIANTS

ALIASES = ("library/copy:1b",)  # ids may have slashes and colons, and clients must cope
PATIENCE = 3.0  # seconds in which streams may end by themselves when the server is stopped
GRACE = 5  # seconds after which connections are cut
INTERRUPTED = 130  # what a shell says of a command that Ctrl-C ended


def parser() -> argparse.ArgumentParser:
    """The command line."""
    main = argparse.ArgumentParser(
        prog="reference-server",
        description="A server that conforms. `reference-server fetch NAME` fetches a small model.",
    )
    main.add_argument("--engine", choices=("embedded", "transformers"), default="embedded")
    main.add_argument(
        "--model", help="for the transformers engine: a folder, a GGUF file, or `tiny` (random)"
    )
    main.add_argument("--embedding-model", help="folder of a model that embeds")
    main.add_argument("--device", default="auto", help="auto, cpu or cuda (transformers engine)")
    main.add_argument("--host", default="127.0.0.1")
    main.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    main.add_argument("--pace", type=float, default=0.001, help="seconds a token (embedded engine)")
    main.add_argument(
        "--sequences",
        type=int,
        default=ROWS,
        help="under way at most; beyond them requests get 503",
    )
    kinds = main.add_mutually_exclusive_group()
    kinds.add_argument("--fault", metavar="ID", help="commit this fault by default")
    kinds.add_argument("--variant", metavar="ID", help="take this variant by default")
    main.add_argument("--list-faults", action="store_true", help="what each does, and its origin")
    main.add_argument("--list-variants", action="store_true", help="permitted ways to answer")
    main.add_argument("--stdin-guard", action="store_true", help="stop when standard input closes")
    return main


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until told to stop."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return fetch.main(words[1:]) if words[:1] == ["fetch"] else _serve(words)
    except KeyboardInterrupt:
        return INTERRUPTED


def _serve(words: Sequence[str]) -> int:
    arguments = parser().parse_args(words)
    if arguments.list_faults or arguments.list_variants:
        return _list_faults() if arguments.list_faults else _list_variants()
    kind, id_ = _change(arguments)
    if id_ and id_ not in KINDS[kind]:
        return _failed(f"there is no {kind} {id_}; see --list-{kind}s")
    engine, embedder = _models(arguments)
    server = Server(engine, embedder, ALIASES, arguments.sequences)
    try:
        listener = _listener(arguments.host, arguments.port)
    except OSError as error:
        return _failed(f"cannot listen on {arguments.host}:{arguments.port}: {error}")
    config = uvicorn.Config(
        create_app(server, change=f"{kind}/{id_}" if id_ else ""),
        http="h11",
        log_level="critical",
        lifespan="off",
        timeout_graceful_shutdown=GRACE,
    )
    serving = _Serving(config, server.batch)
    if arguments.stdin_guard:
        threading.Thread(target=_guard, args=(serving,), daemon=True).start()
    # from here on an interrupt is a wish to stop, also before the loop runs
    signal.signal(signal.SIGINT, serving.interrupt)
    host, port = listener.getsockname()[:2]
    sys.stdout.write(f"listening on http://{host}:{port}/v1\n")
    sys.stdout.flush()
    serving.run([listener])
    return INTERRUPTED if serving.interrupted else 0


def _change(arguments: argparse.Namespace) -> tuple[str, str]:
    """Kind and id of the change that is made by default."""
    return ("variant", arguments.variant) if arguments.variant else ("fault", arguments.fault or "")


class _Serving(uvicorn.Server):
    """A server that ends streams under way in words, not by a cut connection."""

    def __init__(self, config: uvicorn.Config, batch: Batch) -> None:
        super().__init__(config)
        self._batch = batch
        self.interrupted = False

    def interrupt(self, *_: object) -> None:
        """Stop because of Ctrl-C; `run` raises the signal again when it has ended."""
        self.interrupted = self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: what ends by itself meanwhile does, the rest is told."""
        asyncio.get_running_loop().call_later(PATIENCE, self._batch.stop)
        await super().shutdown(sockets)


def _failed(said: str) -> int:
    sys.stderr.write(f"reference-server: {said}\n")
    return 2


def _list_faults() -> int:
    for fault in FAULTS.values():
        origin = f"from the field, {fault.field}" if fault.field else "invented"
        breaks = ", ".join(sorted(fault.breaks))
        sys.stdout.write(f"{fault.id}: {fault.text} Breaks {breaks}. [{origin}]\n")
    return 0


def _list_variants() -> int:
    for variant in VARIANTS.values():
        stands_for = ", ".join(variant.stands_for)
        sys.stdout.write(f"{variant.id}: {variant.text} Stands for {stands_for}.\n")
    return 0


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small writes at once only on sockets that name their protocol
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(128)
    return listener


def _guard(serving: uvicorn.Server) -> None:
    """Whoever started us has gone when standard input ends."""
    while os.read(0, 1024):
        pass
    serving.should_exit = True


def _models(arguments: argparse.Namespace) -> tuple[Engine, Embedder]:
    """The engine and what embeds; without a model for it, the engine does."""
    if arguments.engine == "embedded":
        embedded = Embedded(arguments.pace)
        return embedded, embedded
    from reference_server.engine.load import load, load_embedder  # noqa: PLC0415  heavy

    engine = load(arguments.model, arguments.device)
    if arguments.embedding_model is None:
        return engine, engine
    return engine, load_embedder(arguments.embedding_model, arguments.device)
