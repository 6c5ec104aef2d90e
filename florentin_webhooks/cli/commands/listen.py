"""Print what a tunnel to this machine needs: where it leads, and what the sender must know."""

from __future__ import annotations

import os
import shutil
from typing import NamedTuple

import click

from florentin_webhooks.cli.devserver.session import session_secret
from florentin_webhooks.cli.formatting.views import Table
from florentin_webhooks.cli.inputs import SECRET_VARIABLE
from florentin_webhooks.cli.output import Output, with_output

__all__ = ["TUNNELS", "command"]

_PATH = "/webhooks/florentin"


class _Tunnel(NamedTuple):
    """A tunnel that is usual: its *program*, and the *command* for a port."""

    program: str
    command: str


TUNNELS = (
    _Tunnel("cloudflared", "cloudflared tunnel --url http://127.0.0.1:{port}"),
    _Tunnel("ngrok", "ngrok http {port}"),
    _Tunnel("tailscale", "tailscale funnel {port}"),
    _Tunnel("devtunnel", "devtunnel host -p {port} --allow-anonymous"),
    _Tunnel("zrok", "zrok share public 127.0.0.1:{port}"),
    _Tunnel("ssh", "ssh -R 80:127.0.0.1:{port} nokey@localhost.run"),
)
"""Tunnels that pass the body and the headers of a request on as they are."""


@click.command("listen")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--path", default=_PATH, show_default=True, help="Where your program is mounted.")
@with_output
def command(out: Output, port: int, path: str) -> None:
    """Print what a tunnel to this machine needs.

    The sender must reach your program: start it, start one of the tunnels in another terminal, and
    give the sender the address that the tunnel prints, with the path. Starts nothing by itself.
    """
    path = f"/{path.lstrip('/')}"
    installed = [tunnel for tunnel in TUNNELS if shutil.which(tunnel.program)]
    commands = [each.command.format(port=port) for each in installed or TUNNELS]
    local = f"http://127.0.0.1:{port}{path}"
    record = {"url": local, "path": path, "secret": _secret(), "tunnels": commands}
    rows = [("program", local)]
    rows += [("tunnel" if installed else "install one", each) for each in commands]
    rows += [("at the sender", f"https://ADDRESS-OF-THE-TUNNEL{path}"), ("secret", _secret())]
    out.emit(record, Table(rows))


def _secret() -> str:
    """Return where the secret is that the sender must sign with; never the secret itself."""
    if SECRET_VARIABLE in os.environ:
        return SECRET_VARIABLE
    return next(iter(session_secret()), f"not set; set {SECRET_VARIABLE} to that of the sender")
