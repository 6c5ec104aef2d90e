"""Serve a receiver for development: embedded server, secret, web server, workers.

This process serves and supervises. It stops what it has started, the embedded server last.
"""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.app import Command
from florentin_webhooks.cli.devserver.data_directory import create_directory, development_secret
from florentin_webhooks.cli.devserver.forwarder import check_target, forwarding
from florentin_webhooks.cli.devserver.inspector import add_inspector
from florentin_webhooks.cli.devserver.redis import REDIS_VARIABLE, check_redis, embedded_server
from florentin_webhooks.cli.devserver.reloader import run_with_reload
from florentin_webhooks.cli.devserver.session import DATA_DIRECTORY, session_secret
from florentin_webhooks.cli.devserver.supervisor import Child, Supervisor, end_with_parent
from florentin_webhooks.cli.devserver.web import (
    ServerState,
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
from florentin_webhooks.core.defaults import DEFAULT_SENDER
from florentin_webhooks.senders.secrets import normalize_secrets

if TYPE_CHECKING:
    from collections.abc import Sequence
    from socket import socket

    from florentin_webhooks.core.receiver import Receiver

__all__ = ["command"]

_INVITED = "_FLORENTIN_DEV_INVITED"
"""The variable that is set where an earlier start has printed how to send a delivery."""


@click.command("dev", cls=Command, renamed={"--data": "--data-dir"})
@app_argument
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--forward", metavar="URL", help="Pass deliveries to this URL; run no handlers.")
@click.option("--reload", is_flag=True, help="Restart when a Python file changes.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=DATA_DIRECTORY,
    show_default=True,
    help="The directory of the embedded server and of the secret for development.",
)
@click.option(
    "--inspector/--no-inspector", default=True, help="Show deliveries on a page; the default."
)
@click.option("--lifeline", is_flag=True, hidden=True, help="Exit when standard input ends.")
@with_output
def command(
    out: Output,
    app: str,
    host: str,
    port: int,
    data_dir: Path,
    *,
    forward: str | None,
    reload: bool,
    inspector: bool,
    lifeline: bool,
) -> None:
    """Serve a receiver at /webhooks/florentin until Ctrl-C.

    Starts a Redis-compatible server unless FLORENTIN_REDIS_URL is set, and creates a secret for
    development unless FLORENTIN_WEBHOOK_SECRET is set. Both are set before your module is
    imported; as a command of a framework it uses the framework's settings instead. Runs a worker
    for each queue of the receiver. Prints one line per delivery to standard output, and what a
    failed handler has raised, with its text. A page at /_florentin/ shows each delivery; beyond
    this machine only with FLORENTIN_INSPECTOR_PASSWORD.
    """
    validate_path(app)
    require_extra("uvicorn")
    if forward:
        check_target(forward, reload=reload)
    end_with_parent(wanted=lifeline)
    with ending_on_sigterm(), ExitStack() as stack:
        listener = stack.enter_context(listen(host, port))
        created = None
        if not current_host():
            created = _provide_secret(data_dir)
            _provide_redis(out, data_dir, stack)
        if reload:
            port = listener.getsockname()[1]
            listener.close()  # The child opens its own.
            _serve_with_reload(out, app, host, port, data_dir, inspected=inspector)
        else:
            _serve(out, app, listener, created, forward, inspected=inspector)


def _serve(
    out: Output,
    app: str,
    listener: socket,
    created: str | None,
    forward: str | None,
    *,
    inspected: bool,
) -> None:
    logging.basicConfig(level=logging.INFO, handlers=[ConsoleHandler(out.emit)])
    hooks = load(app)
    hooks.reporter.log.error_text = True
    export_pythonpath()
    queues = () if forward else hooks.queue_names
    workers = [Child(_worker_command(out, app, queue)) for queue in queues]
    url, state = public_url(listener), ServerState()

    def announce() -> None:
        out.info(f"Serving {app} at {url} until Ctrl-C.")
        if forward:
            out.info(f"Passing each delivery on to {forward}; no handler runs here.")
        if queues:
            out.info(f"Running a worker for each queue: {', '.join(queues)}.")
        if page:
            out.info(page)
        if _INVITED not in os.environ:
            out.info(_invitation(app, hooks, url, created))

    receiver = forwarding(hooks, forward) if forward else hooks
    served, page = build_app(receiver, announce), ""
    if inspected:
        served, page = add_inspector(served, {hooks: url}, listener, state)
    with Supervisor(workers).beside():
        serve(served, listener, state)


def _serve_with_reload(
    out: Output, app: str, host: str, port: int, data_dir: Path, *, inspected: bool
) -> None:
    require_extra("watchfiles")
    export_pythonpath()
    directory = Path.cwd()
    out.info(f"Restarting when a Python file in {directory} changes.")
    words = ["dev", app, "--host", host, "--port", str(port), "--data-dir", str(data_dir)]
    words += ["--inspector" if inspected else "--no-inspector"]

    def announce(names: Sequence[str]) -> None:
        os.environ[_INVITED] = "1"  # For the child: its first start has printed the command.
        out.info(f"Restarting: {', '.join(names)} changed.")

    run_with_reload(self_command(*words, "--lifeline", *_options(out)), directory, announce)


def _provide_secret(data_dir: Path) -> str | None:
    """Set the secret in the environment if it is missing; return it if it is for development."""
    if SECRET_VARIABLE not in os.environ:
        os.environ[SECRET_VARIABLE] = development_secret(create_directory(data_dir))
        return os.environ[SECRET_VARIABLE]
    read_strong_secret(None)
    given = os.environ[SECRET_VARIABLE]
    return given if given.encode() in session_secret(data_dir).values() else None


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
    words = ["worker", app, "--queue", queue, "--lifeline", "--full-tracebacks", "--inspected"]
    return self_command(*words, *_options(out))


def _options(out: Output) -> list[str]:
    return ["--color", out.color, *["--json"] * out.json]


def _invitation(app: str, hooks: Receiver[object], url: str, created: str | None) -> str:
    """Return the command that sends a delivery, with the secret that was *created* for *hooks*."""
    where = ""
    if hooks.sender is not DEFAULT_SENDER:
        event = next(iter(hooks.models), "ping")
        command = trigger_command(url, SECRET_VARIABLE, created, event, app)
        return f"Send it a delivery from another terminal in this directory:\n\n{command}\n"
    if not current_host() and not _uses_secret_of_environment(hooks):
        created, where = None, f", where {SECRET_VARIABLE} is the secret of {app}"
    command = trigger_command(url, SECRET_VARIABLE, created)
    return f"Send it a delivery from another terminal{where}:\n\n{command}\n"


def _uses_secret_of_environment(hooks: Receiver[object]) -> bool:
    secrets = dict(normalize_secrets(hooks.secrets)).values()
    return os.environ[SECRET_VARIABLE].encode(errors="surrogateescape") in secrets
