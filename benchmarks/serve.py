"""Serve one program: ``python -m benchmarks.serve (ours|base) SOCKET_FD [REDIS_URL]``."""

from __future__ import annotations

import os
import socket
import sys

import uvicorn

from benchmarks.programs import full, verifies_only
from florentin_webhooks import RedisStore

__all__ = ["CORE", "pin"]

CORE = 0


def pin(core: int) -> None:
    """Keep this process to one core, where the system has such a call and so many cores."""
    if hasattr(os, "sched_setaffinity") and core in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {core})


def main() -> None:
    """Serve until terminated, on a socket that the parent bound."""
    name, descriptor, *url = sys.argv[1:]
    pin(CORE)
    app = verifies_only() if name == "base" else full(RedisStore(url[0]))[0]
    config = uvicorn.Config(
        app, http="httptools", loop="uvloop", log_level="warning", access_log=False, lifespan="off"
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(descriptor))])


if __name__ == "__main__":
    main()
