"""A Redis server for the benchmarks, on loopback and without persistence."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

import redis

from florentin_webhooks.redis.embedded_server import EmbeddedServer

__all__ = ["flush", "server", "used"]


@contextmanager
def server() -> Iterator[str]:
    """Run a server during the block, and yield its URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {"port": str(port), "bind": "127.0.0.1", "appendonly": "no"}
    with (
        tempfile.TemporaryDirectory(prefix="fw-") as directory,
        EmbeddedServer(directory, options=options),
    ):
        yield f"redis://127.0.0.1:{port}/0"


def flush(client: redis.Redis) -> int:
    """Delete all keys on the server of *client*, and return the bytes that it still uses.

    A server may free memory after its reply, so this waits until nothing is left to free.
    """
    client.execute_command("FLUSHALL", "SYNC")
    while cast("Mapping[str, int]", client.info("memory"))["lazyfree_pending_objects"]:
        time.sleep(0.01)
    return used(client)


def used(client: redis.Redis) -> int:
    """Return the bytes that the server of *client* uses."""
    return cast("Mapping[str, int]", client.info("memory"))["used_memory"]
