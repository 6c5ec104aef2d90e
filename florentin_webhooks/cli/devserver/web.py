"""Serve an ASGI program under uvicorn, here or in a thread, quietly, and stop it cleanly."""

from __future__ import annotations

import json
import signal
import socket
from contextlib import contextmanager
from errno import EADDRINUSE
from importlib.util import find_spec
from typing import TYPE_CHECKING, NoReturn, cast

from florentin_webhooks.asgi import WebhookMiddleware
from florentin_webhooks.cli.errors import CLIError, Terminated
from florentin_webhooks.core.log import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import uvicorn
    from starlette.types import ASGIApp, Receive, Scope, Send

    from florentin_webhooks.core.receiver import Receiver

__all__ = [
    "PATH",
    "ending_on_sigterm",
    "listen",
    "program_around",
    "refuse_missing",
    "serve",
    "url_of",
]

PATH = "/webhooks/florentin"
_MISSING = "this command needs uvicorn, which is not installed"
_GRACE = 10  # seconds for requests under way; longer than a handler has


def program_around(receiver: Receiver, started: Callable[[], None] = lambda: None) -> ASGIApp:
    """Give a program that has nothing but the *receiver*, at the usual path.

    *started* is called when it is about to serve, with everything imported and signals minded.
    """

    async def nothing_else(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send, started)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        else:
            await _not_found(scope, send)

    return WebhookMiddleware(nothing_else, receiver=receiver, path=PATH)


@contextmanager
def listen(host: str, port: int) -> Generator[socket.socket]:
    """Hold a listening socket; port 0 takes a free one."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (")[0]
        message = f"cannot listen at {host}, port {port}: {reason}"
        if error.errno == EADDRINUSE:
            message = f"port {port} at {host} is taken by another program"
        raise CLIError(message, "--port 0, for a free one") from None
    with listener:
        yield listener


def url_of(listener: socket.socket) -> str:
    """Give the URL at which a program on this machine reaches the receiver."""
    host, port = cast("tuple[str, int]", listener.getsockname()[:2])
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - told apart.
    return f"http://{f'[{reachable}]' if ':' in reachable else reachable}:{port}{PATH}"


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Serve until Ctrl-C, which is raised as KeyboardInterrupt after a clean stop."""
    _server(app).run(sockets=[listener])


def _end(number: int, _: object) -> NoReturn:
    raise Terminated(128 + number)


@contextmanager
def ending_on_sigterm() -> Generator[None]:
    """Let SIGTERM end the block the orderly way, so that what was started is stopped."""
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def refuse_missing() -> None:
    """Refuse where uvicorn is not installed."""
    if find_spec("uvicorn") is None:
        raise CLIError(_MISSING, 'pip install "florentin-webhooks[dev]"')


def _server(app: ASGIApp) -> uvicorn.Server:
    import uvicorn  # noqa: PLC0415 - an extra.

    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=_GRACE,
        )
    )


async def _live(receive: Receive, send: Send, started: Callable[[], None]) -> None:
    await receive()
    started()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def _not_found(scope: Scope, send: Send) -> None:
    asked = f"{scope['method'][:16]} {scope['path'][:64]}"
    logger.warning("404 for %a; deliveries go to POST %s", asked, PATH)
    message = f"deliveries go to POST {PATH}"
    body = json.dumps({"error": {"code": "not-found", "message": message}}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": body})
