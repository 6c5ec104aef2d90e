"""A session of ``dev`` in this directory, as other commands find it: its server and its secret."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

__all__ = ["DATA_DIRECTORY", "join_session", "session_secret"]

DATA_DIRECTORY = ".florentin"
"""The default directory of ``dev``."""

_SECRET = "FLORENTIN_WEBHOOK_SECRET"  # noqa: S105 - the variable's name.
_REDIS = "FLORENTIN_REDIS_URL"


def session_secret(directory: str | Path = DATA_DIRECTORY) -> Mapping[str, bytes]:
    """Return the secret that ``dev`` has created in *directory*, by the path of its file."""
    path = Path(directory, "secret")
    try:
        return {str(path): path.read_bytes().strip()}
    except OSError:
        return {}


def join_session() -> None:
    """Set what ``dev`` set for itself, if its server runs here and nothing else is configured."""
    if os.environ.get(_REDIS) or not Path(DATA_DIRECTORY, "lock").exists():
        return
    from florentin_webhooks.redis.embedded_server import EmbeddedServer  # noqa: PLC0415 - slow.

    server = EmbeddedServer(DATA_DIRECTORY)
    if not server.is_running():
        return
    os.environ[_REDIS] = server.url
    click.echo(f"Using the server of dev in {DATA_DIRECTORY}.", err=True)
    for secret in session_secret().values():
        os.environ.setdefault(_SECRET, secret.decode())
