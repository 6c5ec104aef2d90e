"""Serve tools over a receiver to a coding agent, by the Model Context Protocol."""

from __future__ import annotations

import logging
import os
import sys
from importlib.util import find_spec
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from florentin_webhooks.cli.app import Command
from florentin_webhooks.cli.devserver.session import session_secret
from florentin_webhooks.cli.errors import CLIError, UsageError
from florentin_webhooks.cli.host import app_argument
from florentin_webhooks.cli.invocation import suggest
from florentin_webhooks.cli.output import Output, with_output

if TYPE_CHECKING:
    from florentin_webhooks.mcp.desk import Rights

__all__ = ["TOKEN_VARIABLE", "command"]

TOKEN_VARIABLE = "FLORENTIN_MCP_TOKEN"  # noqa: S105 - the variable's name.
_DEV_URL = "http://127.0.0.1:8000/webhooks/florentin"


@click.command("mcp", cls=Command)
@app_argument
@click.option("--allow-writes", is_flag=True, help="Offer tools that requeue and discard.")
@click.option("--show-bodies", is_flag=True, help="Show bodies; they may hold personal data.")
@click.option("--dev-url", metavar="URL", help="The receiver that dev serves, as dev prints it.")
@click.option("--http", is_flag=True, help="Serve HTTP, not standard input and output.")
@click.option("--host", default="127.0.0.1", show_default=True, help="With --http.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8601, show_default=True, help="With --http."
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="With --http: a further name of this machine.",
)
@with_output
def command(
    out: Output,
    app: str,
    *,
    allow_writes: bool,
    show_bodies: bool,
    dev_url: str | None,
    http: bool,
    host: str,
    port: int,
    hosts: tuple[str, ...],
) -> None:
    """Serve tools over a receiver to a coding agent, by the Model Context Protocol.

    The agent lists, searches and explains deliveries, verifies captured requests, generates
    handlers with tests, and runs doctor. It starts this command itself and talks to it by standard
    input and output; with --http it needs the token in FLORENTIN_MCP_TOKEN. Where dev runs in this
    directory, or with --dev-url, it can send events to it.
    """
    _require_sdk()
    from florentin_webhooks.mcp.desk import Rights  # noqa: PLC0415 - an extra.

    rights = Rights(allow_writes, show_bodies, _dev_url(dev_url))
    _log_to_stderr()
    if http:
        _serve_http(out, app, rights, host, port, hosts)
    else:
        _serve_stdio(out, app, rights)


def _serve_stdio(out: Output, app: str, rights: Rights) -> None:
    from florentin_webhooks.cli.agent.desk import build_desk  # noqa: PLC0415 - slow to import.
    from florentin_webhooks.mcp.server import build_server  # noqa: PLC0415 - an extra.
    from florentin_webhooks.mcp.transports import diverted_output, serve_stdio  # noqa: PLC0415

    if sys.stdin.isatty():
        http = suggest("mcp", "--http", app=app)
        out.info(f"An agent starts this command. In a terminal, use: {http}")
    with diverted_output():
        server = build_server(build_desk(app, rights))
    serve_stdio(server)


def _serve_http(
    out: Output, app: str, rights: Rights, host: str, port: int, hosts: tuple[str, ...]
) -> None:
    from florentin_webhooks.cli.agent.desk import build_desk  # noqa: PLC0415 - slow to import.
    from florentin_webhooks.cli.devserver import web  # noqa: PLC0415 - slow to import.
    from florentin_webhooks.mcp.server import build_server  # noqa: PLC0415 - an extra.
    from florentin_webhooks.mcp.transports import PATH, build_app  # noqa: PLC0415 - an extra.

    web.require_extra("uvicorn")
    token = _read_token()
    server = build_app(build_server(build_desk(app, rights)), token, hosts)
    with web.listen(host, port) as listener:
        url = web.public_url(listener).removesuffix(web.PATH) + PATH
        out.emit({"app": app, "url": url}, f"Serving the tools of {app} at {url} until Ctrl-C.")
        web.serve(server, listener)


def _read_token() -> str:
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        message = f"The token for agents is missing: {TOKEN_VARIABLE} is not set."
        raise UsageError(message, f"Run: export {TOKEN_VARIABLE}=$({suggest('secret new')})")
    return token


def _require_sdk() -> None:
    if find_spec("mcp") is None:
        message = "This command needs mcp, which is not installed."
        raise CLIError(message, 'Run: pip install "florentin-webhooks[mcp]"')


def _dev_url(given: str | None) -> str:
    """Return where events may be sent: to this machine, and only where ``dev`` is used."""
    url = given or (_DEV_URL if session_secret() else "")
    if url and not _is_local(url):
        message = f"{url} is not an http:// URL of this machine."
        raise UsageError(message, f"Use the URL that dev prints, such as {_DEV_URL}.")
    return url


def _is_local(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme == "http" and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False


def _log_to_stderr() -> None:
    # Before the SDK, which would add a handler of its own to the root.
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(message)s"
    )
