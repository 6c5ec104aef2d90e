"""An ASGI program under uvicorn that serves one receiver."""

from __future__ import annotations

import json
import signal
import socket
from contextlib import contextmanager
from errno import EACCES, EADDRINUSE, EPERM
from importlib.util import find_spec
from typing import TYPE_CHECKING, NoReturn, cast

from florentin_webhooks.asgi import WebhookApp, WebhookMiddleware
from florentin_webhooks.cli.errors import CLIError, Terminated
from florentin_webhooks.core.log import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import uvicorn
    from starlette.types import ASGIApp, Receive, Scope, Send

    from florentin_webhooks.core.receiver import Receiver

__all__ = [
    "PATH",
    "ServerState",
    "build_app",
    "ending_on_sigterm",
    "listen",
    "public_url",
    "require_extra",
    "run_lifespan",
    "serve",
]

PATH = "/webhooks/florentin"
_GRACE = 10  # Seconds for running requests; longer than the time limit of handlers.


def build_app(receiver: Receiver[object], started: Callable[[], None] = lambda: None) -> ASGIApp:
    """Return a program that serves *receiver* at the usual path and nothing else.

    One that looks secrets up is served for each tenant, too: at ``/webhooks/florentin/<tenant>``.
    *started* is called before it serves, with everything imported and signal handlers set.
    """

    webhook = WebhookApp(receiver)

    async def fallback(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await run_lifespan(receive, send, started)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        elif receiver.reads_request and (tenant := _tenant(scope)):
            await webhook({**scope, "path_params": {"tenant": tenant}}, receive, send)
        else:
            await _send_not_found(scope, send)

    return WebhookMiddleware(fallback, receiver=receiver, path=PATH)


def _tenant(scope: Scope) -> str:
    """Return the name after the usual path, empty without one."""
    before, _, tenant = str(scope["path"]).rpartition("/")
    return tenant if before == PATH else ""


@contextmanager
def listen(host: str, port: int) -> Generator[socket.socket]:
    """Open a listening socket; port 0 takes a free one."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise _refuse_address(host, port, error) from None
    with listener:
        yield listener


def _refuse_address(host: str, port: int, error: OSError) -> CLIError:
    if error.errno == EADDRINUSE:
        message = f"Port {port} at {host} is used by another program."
        return CLIError(message, "For a free port, use: --port 0")
    reason = (error.strerror or str(error)).partition(" (")[0]
    hint = "For an address of this machine, use: --host 127.0.0.1"
    if error.errno in (EACCES, EPERM):
        hint = "For a port that needs no rights, use: --port 8000"
    return CLIError(f"Cannot listen at {host!r}, port {port}: {reason}.", hint)


def public_url(listener: socket.socket) -> str:
    """Return the URL of the receiver for programs on this machine."""
    host, port = cast("tuple[str, int]", listener.getsockname()[:2])
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://{f'[{reachable}]' if ':' in reachable else reachable}:{port}{PATH}"


class ServerState:
    """The state of the server, for streams that must end with it."""

    def __init__(self) -> None:
        self.server: uvicorn.Server | None = None

    def is_stopping(self) -> bool:
        """Return whether the server was asked to stop."""
        return self.server is not None and self.server.should_exit


def serve(app: ASGIApp, listener: socket.socket, state: ServerState | None = None) -> None:
    """Serve until Ctrl-C, which is raised as KeyboardInterrupt after a clean stop.

    *state* gets the server.
    """
    import uvicorn  # noqa: PLC0415 - an extra.

    config = uvicorn.Config(
        app,
        http="h11",  # httptools loses the body of a request with an Upgrade header.
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=_GRACE,
    )
    server = uvicorn.Server(config)
    if state is not None:
        state.server = server
    server.run(sockets=[listener])


@contextmanager
def ending_on_sigterm(code: int = 128 + signal.SIGTERM) -> Generator[None]:
    """End the block by an exception on SIGTERM, so that child processes are stopped.

    The program then ends with *code*.
    """

    def end(_number: int, _: object) -> NoReturn:
        raise Terminated(code)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def require_extra(package: str) -> None:
    """Raise CLIError if *package* of the extra ``dev`` is not installed."""
    if find_spec(package) is None:
        hint = 'Run: pip install "florentin-webhooks[dev]"'
        raise CLIError(f"This command needs {package}, which is not installed.", hint)


async def run_lifespan(receive: Receive, send: Send, started: Callable[[], None]) -> None:
    """Answer the lifespan protocol; *started* is called before the server serves."""
    await receive()
    started()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def _send_not_found(scope: Scope, send: Send) -> None:
    request = f"{scope['method'][:16]} {scope['path'][:64]}"
    logger.warning("404 for %a. Deliveries go to POST %s.", request, PATH)
    message = f"Deliveries go to POST {PATH}."
    body = json.dumps({"error": {"code": "not-found", "message": message}}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": body})
