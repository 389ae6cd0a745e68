"""The command `reference-server`."""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
import threading
from collections.abc import Sequence

import uvicorn

from reference_server import fetch
from reference_server.app import create_app
from reference_server.engine import Engine
from reference_server.engine.embedded import Embedded
from reference_server.faults import FAULTS

GRACE = 5  # seconds that streams under way may take when the server is stopped


def parser() -> argparse.ArgumentParser:
    """The command line."""
    main = argparse.ArgumentParser(prog="reference-server", description="A conforming server.")
    main.add_argument("--engine", choices=("embedded", "transformers"), default="embedded")
    main.add_argument("--model", help="folder of a model, for the transformers engine")
    main.add_argument("--device", default="auto", help="auto, cpu or cuda (transformers engine)")
    main.add_argument("--host", default="127.0.0.1")
    main.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    main.add_argument("--pace", type=float, default=0.001, help="seconds a token (embedded engine)")
    main.add_argument("--fault", default="", metavar="ID", help="commit this fault by default")
    main.add_argument("--list-faults", action="store_true")
    main.add_argument("--stdin-guard", action="store_true", help="stop when standard input closes")
    return main


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until told to stop."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["fetch"]:
        return fetch.main(words[1:])
    arguments = parser().parse_args(words)
    if arguments.list_faults:
        for fault in FAULTS.values():
            field = f" [{fault.field}]" if fault.field else ""
            sys.stdout.write(
                f"{fault.id}: {fault.text} Breaks {', '.join(sorted(fault.breaks))}.{field}\n"
            )
        return 0
    if arguments.fault and arguments.fault not in FAULTS:
        sys.stderr.write(
            f"reference-server: there is no fault {arguments.fault}; see --list-faults\n"
        )
        return 2
    app = create_app(_engine(arguments), fault=arguments.fault, aliases=("library/copy:1b",))
    listener = socket.socket(socket.AF_INET6 if ":" in arguments.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((arguments.host, arguments.port))
    except OSError as error:
        sys.stderr.write(
            f"reference-server: cannot listen on {arguments.host}:{arguments.port}: {error}\n"
        )
        return 2
    listener.listen(128)
    config = uvicorn.Config(
        app, http="h11", log_level="critical", lifespan="off", timeout_graceful_shutdown=GRACE
    )
    server = uvicorn.Server(config)
    if arguments.stdin_guard:
        threading.Thread(target=_guard, args=(server,), daemon=True).start()
    host, port = listener.getsockname()[:2]
    sys.stdout.write(f"listening on http://{host}:{port}/v1\n")
    sys.stdout.flush()
    asyncio.run(server.serve([listener]))
    return 0


def _guard(server: uvicorn.Server) -> None:
    """Whoever started us has gone when standard input ends."""
    while os.read(0, 1024):
        pass
    server.should_exit = True


def _engine(arguments: argparse.Namespace) -> Engine:
    if arguments.engine == "embedded":
        return Embedded(arguments.pace)
    from reference_server.engine.transformers import Transformers  # noqa: PLC0415  heavy

    return Transformers.load(arguments.model, arguments.device)
