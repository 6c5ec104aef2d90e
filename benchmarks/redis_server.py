"""A server of the benchmarks' own: on loopback, without persistence, since no disk is measured."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

import redis

from florentin_webhooks.redis.embedded_server import EmbeddedServer

__all__ = ["emptied", "server", "used"]


@contextmanager
def server() -> Iterator[str]:
    """Give the URL of a server that ends with the block."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {"port": str(port), "bind": "127.0.0.1", "appendonly": "no"}
    with (
        tempfile.TemporaryDirectory(prefix="fw-") as directory,
        EmbeddedServer(directory, options=options),
    ):
        yield f"redis://127.0.0.1:{port}/0"


def emptied(client: redis.Redis) -> int:
    """Empty the server of *client*, and give the bytes that it still uses.

    By itself a server may free memory after it has answered, and would be caught still holding it.
    """
    client.execute_command("FLUSHALL", "SYNC")
    while cast("Mapping[str, int]", client.info("memory"))["lazyfree_pending_objects"]:
        time.sleep(0.01)
    return used(client)


def used(client: redis.Redis) -> int:
    """Give the bytes that the server of *client* uses."""
    return cast("Mapping[str, int]", client.info("memory"))["used_memory"]
