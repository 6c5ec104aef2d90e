"""Serve a local Florentin: a provider domain with its REST API."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.devserver.data_directory import create_directory
from florentin_webhooks.cli.devserver.web import (
    PATH,
    ServerState,
    ending_on_sigterm,
    listen,
    public_url,
    require_extra,
    run_lifespan,
    serve,
)
from florentin_webhooks.cli.output import Output, with_output

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

    from starlette.types import Receive, Scope, Send

    from florentin_webhooks.simulator import Simulator

__all__ = ["command"]

_PORT = 8600
_FILE = "simulator.sqlite3"


@click.command("simulate")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=_PORT, show_default=True)
@click.option("--token", metavar="ID|SECRET", help="A bearer token; by default a random one.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="The directory of its state; without it, the state ends with the command.",
)
@with_output
def command(out: Output, host: str, port: int, token: str | None, data_dir: Path | None) -> None:
    """Serve a local Florentin until Ctrl-C.

    A provider domain with the REST API below /api/v1, for programs that are to run without an
    account. Its token may do everything.
    """
    require_extra("uvicorn")
    from florentin_webhooks.simulator import Simulator  # noqa: PLC0415 - slow to import.

    with ending_on_sigterm(), ExitStack() as stack:
        file = create_directory(data_dir) / _FILE if data_dir else None
        simulator = stack.enter_context(Simulator(file))
        issued = simulator.add_token(token)
        listener = stack.enter_context(listen(host, port))
        base = public_url(listener).removesuffix(PATH)
        out.emit({"url": base, "token": issued})
        _serve(simulator, listener, lambda: out.info(*_introduction(base, issued)))


def _introduction(base: str, token: str) -> list[str]:
    command = [
        f"curl -sS -X POST {base}/api/v1/customers",
        f'-H "Authorization: Bearer {token}"',
        '-H "Content-Type: application/json"',
        '-d \'{"name": "Ada Books", "email": "billing@adabooks.example"}\'',
    ]
    return [
        f"A local Florentin at {base} until Ctrl-C.",
        "Create a customer from another terminal:\n",
        " \\\n  ".join(command) + "\n",
    ]


def _serve(simulator: Simulator, listener: socket, announce: Callable[[], None]) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await run_lifespan(receive, send, announce)
        else:
            await simulator.app(scope, receive, send)

    serve(app, listener, ServerState())
