"""Serve the user's receiver for development: embedded server, secret, web server, workers.

This process serves and supervises: what it starts, it stops, the embedded server last.
"""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.devserver.data_directory import development_secret, private_directory
from florentin_webhooks.cli.devserver.redis import (
    REDIS_VARIABLE,
    embedded_server,
    refuse_unreachable,
)
from florentin_webhooks.cli.devserver.supervisor import Supervisor
from florentin_webhooks.cli.devserver.web import (
    ending_on_sigterm,
    listen,
    program_around,
    refuse_missing,
    serve,
    url_of,
)
from florentin_webhooks.cli.formatting.log_handler import ConsoleHandler
from florentin_webhooks.cli.host import app_argument, current_host
from florentin_webhooks.cli.inputs import SECRET_VARIABLE, strong_secret
from florentin_webhooks.cli.invocation import export_pythonpath, self_command, trigger_command
from florentin_webhooks.cli.loader import load, split
from florentin_webhooks.cli.output import Output, with_output

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["command"]


@click.command("dev")
@app_argument
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=".florentin",
    show_default=True,
    help="Where the embedded server and the secret for development live.",
)
@with_output
def command(out: Output, app: str, host: str, port: int, data: Path) -> None:
    """Serve the receiver APP (shop.hooks:hooks) at /webhooks/florentin until Ctrl-C.

    Starts a Redis-compatible server of its own, unless FLORENTIN_REDIS_URL names one, and makes a
    secret for development, unless FLORENTIN_WEBHOOK_SECRET holds one. Both are set when your module
    is imported; as a framework's command it leaves them to the settings, which are read by then.
    Where the receiver has a queue, a worker runs beside it. One line per delivery goes to standard
    output.
    """
    split(app)
    refuse_missing()
    with ending_on_sigterm(), ExitStack() as stack:
        listener = stack.enter_context(listen(host, port))
        made = None
        if not current_host(click.get_current_context()):
            made = _provide_secret(data)
            _provide_server(out, data, stack)
        logging.basicConfig(level=logging.INFO, handlers=[ConsoleHandler(out)])
        hooks = load(app)
        export_pythonpath()
        workers = _workers(out, app, hooks.queue_names)
        stack.enter_context(Supervisor(workers).beside())
        announce = partial(_announce, out, app, url_of(listener), made, hooks.queue_names)
        serve(program_around(hooks, announce), listener)


def _provide_secret(data: Path) -> str | None:
    """Make sure that the environment has a secret; give it if it was not there before."""
    if SECRET_VARIABLE in os.environ:
        strong_secret(None)
        return None
    made = development_secret(private_directory(data))
    os.environ[SECRET_VARIABLE] = made
    return made


def _provide_server(out: Output, data: Path, stack: ExitStack) -> None:
    """Make sure that the environment names a server that answers, for as long as *stack* does."""
    if url := os.environ.get(REDIS_VARIABLE):
        refuse_unreachable(url)
        return
    private_directory(data)
    server = stack.enter_context(embedded_server(data))
    os.environ[REDIS_VARIABLE] = server.url
    if not server.owned:
        out.info("Another program started the server in this directory, and takes it along.")


def _workers(out: Output, app: str, queues: Sequence[str]) -> list[list[str]]:
    """Give the commands of the workers that the receiver needs: one for each queue."""
    options = ["--lifeline", "--color", out.color, *["--json"] * out.json]
    return [self_command("worker", app, "--queue", queue, *options) for queue in queues]


def _announce(out: Output, app: str, url: str, made: str | None, queues: Sequence[str]) -> None:
    out.info(f"Serving {app} at {url} until Ctrl-C.")
    if queues:
        out.info(f"A worker runs for each queue: {', '.join(queues)}.")
    out.info("Send it a delivery from another terminal:\n")
    out.info(trigger_command(url, SECRET_VARIABLE, made) + "\n")
