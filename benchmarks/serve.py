"""Serve one program: ``python -m benchmarks.serve NAME SOCKET_FD REDIS_URL``."""

from __future__ import annotations

import logging
import os
import socket
import sys
from typing import TYPE_CHECKING

import uvicorn

from benchmarks.programs import full, verifies_only
from florentin_webhooks import RedisStore
from florentin_webhooks.asgi import WebhookApp

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["CORE", "pin"]

CORE = 0
ANSWER = b"x" * 88
"""As long as our answers. uvicorn sends it by a call of its own."""


def pin(core: int, process: int = 0) -> None:
    """Bind a process, by default this one, to *core*, if the system supports it and has it."""
    if hasattr(os, "sched_setaffinity") and core < (os.cpu_count() or 1):
        os.sched_setaffinity(process, {core})


def main() -> None:
    """Serve until terminated, on a socket that the parent bound."""
    name, descriptor, url = sys.argv[1:]
    pin(CORE)
    # What a log line costs depends on the handlers of the program, so it is not measured.
    logging.getLogger("florentin_webhooks").setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        _program(name, url),
        http="httptools",
        loop="uvloop",
        log_level="warning",
        access_log=False,
        lifespan="off",
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(descriptor))])


def _program(name: str, url: str) -> ASGIApp:
    if name in ("base", "answering"):
        return verifies_only(ANSWER if name == "answering" else b"")
    if name in ("inline", "metrics"):
        return full(RedisStore(url), metrics=name == "metrics")[0]
    if name == "celery":
        from benchmarks.with_celery import celery_program  # noqa: PLC0415 - no other needs it.

        return celery_program(url)
    if name == "inspected":
        from benchmarks.inspected import inspected  # noqa: PLC0415 - it imports the pages.

        return inspected(url)
    from benchmarks import queued  # noqa: PLC0415 - it imports RQ, which the other programs do not.

    return queued.naive(url) if name == "naive" else WebhookApp(queued.receiver(url))


if __name__ == "__main__":
    main()
