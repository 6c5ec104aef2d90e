"""Serve a local Florentin: a provider domain with its REST API, and its webhooks."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from florentin_webhooks.cli.devserver.data_directory import create_directory
from florentin_webhooks.cli.devserver.session import session_secret
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
from florentin_webhooks.cli.errors import CLIError, UsageError
from florentin_webhooks.cli.inputs import SECRET_VARIABLE, environment_secret, read_secrets
from florentin_webhooks.cli.output import Output, with_output
from florentin_webhooks.cli.sender_context import find_sender
from florentin_webhooks.core.defaults import DEFAULT_SENDER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from socket import socket

    from starlette.types import Receive, Scope, Send

    from florentin_webhooks.simulator import Simulator

__all__ = ["command"]

_PORT = 8600
_FILE = "simulator.sqlite3"


class _Target(NamedTuple):
    """Where deliveries go, and whose secret signs them."""

    url: str
    secret: str
    origin: str


@click.command("simulate")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=_PORT, show_default=True)
@click.option("--token", metavar="'ID|SECRET'", help="A bearer token; by default a random one.")
@click.option("--endpoint", metavar="URL", help="Send webhooks to this URL.")
@click.option("--secret", metavar="SECRET", help="A made-up secret that signs them.")
@click.option("--secret-file", metavar="PATH", help="Read the secret from a file.")
@click.option("--sender", metavar="NAME", help="Sign and retry as Stripe, GitHub... do.")
@click.option(
    "--speed",
    type=click.FloatRange(0.001),
    default=1.0,
    show_default=True,
    help="Divide the waits between attempts by this.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1),
    default=10.0,
    show_default=True,
    help="Seconds that a request may wait for its answer.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME=SHARE",
    help="Disturb a share of the attempts: all=0.05, tamper=0.1...",
)
@click.option(
    "--seed", type=int, default=0, help="The same seed draws the same faults and changes."
)
@click.option(
    "--rate",
    type=click.FloatRange(0, 1000, min_open=True),
    metavar="N",
    help="Make N changes a second at random.",
)
@click.option(
    "--export",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PATH",
    help="Write the delivery log to this file at the end.",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="The directory of its state; without it, the state ends with the command.",
)
@with_output
def command(
    out: Output,
    host: str,
    port: int,
    token: str | None,
    rate: float | None,
    export: Path | None,
    data_dir: Path | None,
    **options: Any,  # Any: those of click.
) -> None:
    """Serve a local Florentin until Ctrl-C.

    A provider domain with the REST API below /api/v1, for programs that run without an
    account. Every change fires its webhook, which is signed, retried and logged. Its token may do
    everything.
    """
    require_extra("uvicorn")
    target = _target(options)
    if export:
        _write(export, "")
    with ending_on_sigterm(), ExitStack() as stack:
        file = create_directory(data_dir) / _FILE if data_dir else None
        listener = stack.enter_context(listen(host, port))
        state = ServerState()
        simulator = stack.enter_context(_build(file, options, state))
        issued = simulator.add_token(token)
        if target:
            simulator.add_endpoint(target.url, target.secret)
        base = public_url(listener).removesuffix(PATH)
        out.emit({"url": base, "token": issued, **_shown(target)})

        def announce() -> None:
            out.info(*_introduction(base, issued, target))
            if rate:
                simulator.generate(rate)

        if export:
            stack.callback(_write_log, out, simulator, export)
        _serve(simulator, listener, state, announce)


def _build(file: Path | None, options: dict[str, Any], state: ServerState) -> Simulator:
    from florentin_webhooks.simulator import Simulator  # noqa: PLC0415 - slow to import.
    from florentin_webhooks.simulator.webhooks.faults import parse_faults  # noqa: PLC0415

    return Simulator(
        file,
        is_stopping=state.is_stopping,
        sender=find_sender(options["sender"]) if options["sender"] else DEFAULT_SENDER,
        speed=options["speed"],
        timeout=options["timeout"],
        faults=parse_faults(options["faults"], options["seed"]),
    )


def _write_log(out: Output, simulator: Simulator, path: Path) -> None:
    from florentin_webhooks.simulator.webhooks.log import to_csv, to_json  # noqa: PLC0415

    text = to_json if path.suffix == ".json" else to_csv
    _write(path, text(simulator.deliveries()))
    out.info(f"The delivery log is in {path}.")


def _write(path: Path, text: str) -> None:
    """Append nothing, which shows at the start that *path* can be written, or write *text*."""
    try:
        with path.open("w" if text else "a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        message = f"Cannot write {path}: {error.strerror}."
        raise CLIError(message, "Name another file: --export PATH") from None


def _target(options: dict[str, Any]) -> _Target | None:
    """Return the endpoint and its secret: given, configured, or a new one that is printed."""
    url, secret, path = options["endpoint"], options["secret"], options["secret_file"]
    if url is None:
        if secret or path:
            raise UsageError("A secret needs an endpoint.", "Add: --endpoint URL")
        return None
    if secret and path:
        raise UsageError("Two secrets were given.", "Use either --secret or --secret-file.")
    if secret:
        return _Target(url, secret, "--secret")
    configured = read_secrets([path]) if path else environment_secret() or session_secret()
    if not configured:
        return _Target(url, token_hex(32), "")
    name, value = next(iter(configured.items()))
    return _Target(url, value.decode(errors="surrogateescape"), name)


def _shown(target: _Target | None) -> dict[str, str]:
    if target is None:
        return {}
    return {"endpoint": target.url} | ({} if target.origin else {"secret": target.secret})


def _introduction(base: str, token: str, target: _Target | None) -> Sequence[str]:
    command = [
        f"curl -sS -X POST {base}/api/v1/customers",
        f'-H "Authorization: Bearer {token}"',
        '-H "Content-Type: application/json"',
        '-d \'{"name": "Ada Books", "email": "billing@adabooks.example"}\'',
    ]
    return [
        f"A local Florentin at {base} until Ctrl-C.",
        f"See and replay its webhooks at {base}/",
        *_webhooks(target),
        "Create a customer from another terminal:\n",
        " \\\n  ".join(command) + "\n",
    ]


def _webhooks(target: _Target | None) -> Sequence[str]:
    if target is None:
        return ["No endpoint is registered. Register one there, or add: --endpoint URL"]
    if target.origin:
        return [f"They go to {target.url}, signed with the secret of {target.origin}."]
    return [
        f"They go to {target.url}, signed with a new secret. Start the receiver with:\n",
        f"{SECRET_VARIABLE}={target.secret}\n",
    ]


def _serve(
    simulator: Simulator, listener: socket, state: ServerState, announce: Callable[[], None]
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await run_lifespan(receive, send, announce)
        else:
            await simulator.app(scope, receive, send)

    serve(app, listener, state)
