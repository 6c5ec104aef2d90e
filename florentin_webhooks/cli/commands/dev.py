"""Serve a receiver for development: embedded server, secret, web server, workers.

This process serves and supervises. It stops what it has started, the embedded server last.
"""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.app import Command
from florentin_webhooks.cli.devserver.data_directory import create_directory, development_secret
from florentin_webhooks.cli.devserver.redis import REDIS_VARIABLE, check_redis, embedded_server
from florentin_webhooks.cli.devserver.reloader import run_with_reload
from florentin_webhooks.cli.devserver.session import DATA_DIRECTORY
from florentin_webhooks.cli.devserver.supervisor import Child, Supervisor, end_with_parent
from florentin_webhooks.cli.devserver.web import (
    build_app,
    ending_on_sigterm,
    listen,
    public_url,
    require_extra,
    serve,
)
from florentin_webhooks.cli.formatting.log_handler import ConsoleHandler
from florentin_webhooks.cli.host import app_argument, current_host
from florentin_webhooks.cli.inputs import SECRET_VARIABLE, read_strong_secret
from florentin_webhooks.cli.invocation import export_pythonpath, self_command, trigger_command
from florentin_webhooks.cli.loader import load, validate_path
from florentin_webhooks.cli.output import Output, with_output

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

__all__ = ["command"]


@click.command("dev", cls=Command, renamed={"--data": "--data-dir"})
@app_argument
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--reload", is_flag=True, help="Restart when a Python file changes.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=DATA_DIRECTORY,
    show_default=True,
    help="The directory of the embedded server and of the secret for development.",
)
@click.option("--lifeline", is_flag=True, hidden=True, help="Exit when standard input ends.")
@with_output
def command(
    out: Output, app: str, host: str, port: int, data_dir: Path, *, reload: bool, lifeline: bool
) -> None:
    """Serve a receiver at /webhooks/florentin until Ctrl-C.

    Starts a Redis-compatible server unless FLORENTIN_REDIS_URL is set, and creates a secret for
    development unless FLORENTIN_WEBHOOK_SECRET is set. Both are set before your module is
    imported; as a command of a framework it uses the framework's settings instead. Runs a worker
    for each queue of the receiver. Prints one line per delivery to standard output, and what a
    failed handler has raised, with its text.
    """
    validate_path(app)
    require_extra("uvicorn")
    end_with_parent(wanted=lifeline)
    with ending_on_sigterm(), ExitStack() as stack:
        listener = stack.enter_context(listen(host, port))
        url, created = public_url(listener), None
        if not current_host():
            created = _provide_secret(data_dir)
            _provide_redis(out, data_dir, stack)
        invite = partial(_invite, out, url, created)
        if reload:
            port = listener.getsockname()[1]
            listener.close()  # The child opens its own.
            _serve_with_reload(out, app, host, port, invite)
        else:
            # Under --reload the parent has printed the command, with the secret that it created.
            _serve(out, app, listener, (lambda: None) if lifeline else invite)


def _serve(out: Output, app: str, listener: socket, invite: Callable[[], None]) -> None:
    logging.basicConfig(level=logging.INFO, handlers=[ConsoleHandler(out.emit)])
    hooks = load(app)
    hooks.reporter.log.error_text = True
    export_pythonpath()
    queues = hooks.queue_names
    workers = [Child(_worker_command(out, app, queue)) for queue in queues]

    def announce() -> None:
        out.info(f"Serving {app} at {public_url(listener)} until Ctrl-C.")
        if queues:
            out.info(f"Running a worker for each queue: {', '.join(queues)}.")
        invite()

    with Supervisor(workers).beside():
        serve(build_app(hooks, announce), listener)


def _serve_with_reload(
    out: Output, app: str, host: str, port: int, invite: Callable[[], None]
) -> None:
    require_extra("watchfiles")
    export_pythonpath()
    directory = Path.cwd()
    out.info(f"Restarting when a Python file in {directory} changes.")
    invite()
    words = ["dev", app, "--host", host, "--port", str(port), "--lifeline", *_options(out)]
    run_with_reload(
        self_command(*words),
        directory,
        lambda names: out.info(f"Restarting: {', '.join(names)} changed."),
    )


def _provide_secret(data_dir: Path) -> str | None:
    """Set the secret in the environment if it is missing, and return it if it was."""
    if SECRET_VARIABLE in os.environ:
        read_strong_secret(None)
        return None
    secret = development_secret(create_directory(data_dir))
    os.environ[SECRET_VARIABLE] = secret
    return secret


def _provide_redis(out: Output, data_dir: Path, stack: ExitStack) -> None:
    """Check the configured Redis, or run an embedded server until *stack* ends."""
    if url := os.environ.get(REDIS_VARIABLE):
        check_redis(url)
        return
    server = stack.enter_context(embedded_server(create_directory(data_dir)))
    os.environ[REDIS_VARIABLE] = server.url
    if not server.owned:
        out.info("The server was started by another process and will stop with it.")


def _worker_command(out: Output, app: str, queue: str) -> list[str]:
    words = ["worker", app, "--queue", queue, "--lifeline", "--full-tracebacks"]
    return self_command(*words, *_options(out))


def _options(out: Output) -> list[str]:
    return ["--color", out.color, *["--json"] * out.json]


def _invite(out: Output, url: str, secret: str | None) -> None:
    out.info("Send it a delivery from another terminal:\n")
    out.info(trigger_command(url, SECRET_VARIABLE, secret) + "\n")
