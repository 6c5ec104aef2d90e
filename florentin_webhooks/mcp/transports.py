"""How agents reach the tools: by standard input and output, or by HTTP behind a token."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from hmac import compare_digest
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

from mcp.server.transport_security import TransportSecuritySettings

from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["PATH", "build_app", "diverted_output", "serve_stdio"]

PATH = "/mcp"
_LEAST_TOKEN = 16
_LARGEST_REQUEST = 4_194_304
_LOCAL = ("127.0.0.1", "localhost", "[::1]")
_REFUSAL = b'{"error": {"message": "invalid or missing bearer token"}}'


@contextmanager
def diverted_output() -> Generator[None]:
    """Send what is printed in the block, by children too, to standard error.

    Standard output carries the protocol and nothing else, and a module may print when imported.
    """
    stdout: Any = sys.stdout  # Any: a test may have replaced it.
    if isinstance(stdout, TextIOWrapper):
        # Else the rest of a buffer would follow where the protocol is.
        stdout.reconfigure(write_through=True)
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def serve_stdio(server: MCPServer[Any]) -> None:  # Any: as in build_server.
    """Serve until the input ends; meanwhile the SDK diverts what handlers print.

    Ctrl-C ends the process at once: a thread that waits for input cannot be stopped.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    server.run("stdio")


def build_app(server: MCPServer[Any], token: str, hosts: Sequence[str] = ()) -> ASGIApp:
    """Return an application that serves the tools at ``/mcp`` to clients with *token*.

    *hosts* are names beside those of this machine: a page elsewhere whose name resolves to this
    machine reaches nothing. Raises :class:`ConfigurationError`.
    """
    if len(token) < _LEAST_TOKEN or not token.isascii() or token != token.strip():
        raise ConfigurationError(
            f"The token for agents is shorter than {_LEAST_TOKEN} characters, or not plain text.",
            "Create one: florentin-webhooks secret new",
        )
    names = [*_LOCAL, *hosts]
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[host for name in names for host in (name, f"{name}:*")],
        allowed_origins=[
            f"{scheme}://{host}"
            for name in names
            for scheme in ("http", "https")
            for host in (name, f"{name}:*")
        ],
    )
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        json_response=True,
        max_request_body_size=_LARGEST_REQUEST,
        transport_security=security,
    )
    return _TokenGate(app, token)


class _TokenGate:
    """Refuses requests without the token, before they are read."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or (scope["type"] == "http" and self._knows(scope)):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await _refuse(send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _knows(self, scope: Scope) -> bool:
        values = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(values) == 1 and compare_digest(values[0], self._expected)


async def _refuse(send: Send) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(_REFUSAL)).encode()),
        (b"www-authenticate", b"Bearer"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": _REFUSAL})
