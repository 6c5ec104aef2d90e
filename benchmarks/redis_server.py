"""A server of the benchmarks' own: on loopback, without persistence, since no disk is measured."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from florentin_webhooks.embedded import EmbeddedServer

__all__ = ["server"]


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
