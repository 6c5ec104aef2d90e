"""Programs around the receiver that read, change or wrap what passes.

A module of its own, so that a server which mounts them imports no test.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.base import RequestResponseEndpoint as Next
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from florentin_webhooks import Receiver
from florentin_webhooks.asgi import WebhookApp
from tests.support.mounts import ASGI, HASTE


def reads(left: Callable[[Receive, bytes], Receive]) -> Callable[[ASGIApp], ASGIApp]:
    """Create a middleware that reads the body; *left* is what the app can still receive."""

    def around(app: ASGIApp) -> ASGIApp:
        async def read(scope: Scope, receive: Receive, send: Send) -> None:
            body, more = b"", True
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
            await app(scope, left(receive, body), send)

        return read

    return around


def once(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


drains = reads(lambda receive, _: receive)
empties = reads(lambda *_: once(b""))
rewrites = reads(lambda _, body: once(json.dumps(json.loads(body)).encode()))


class Streams(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Next) -> Response:
        async for _ in request.stream():
            pass
        return await call_next(request)


class Looks(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Next) -> Response:
        await request.body()
        return await call_next(request)


def post_only(receiver: Receiver, path: str) -> ASGIApp:
    return Starlette(routes=[Route(path, WebhookApp(receiver), methods=["POST"])])


def below(mount: str) -> Callable[[Receiver, str], ASGIApp]:
    def build(receiver: Receiver, path: str) -> ASGIApp:
        above, _, name = path.rpartition("/")
        return Starlette(routes=[Mount(above, ASGI[mount](receiver, f"/{name}"))])

    return build


MOUNTS: Mapping[str, Callable[[Receiver, str], ASGIApp]] = {
    "routed": post_only,
    "mounted": below("route"),
    "middleware-mounted": below("middleware"),
    "hasty": lambda receiver, _: WebhookApp(receiver, read_timeout=HASTE),
    "gzip": lambda receiver, _: GZipMiddleware(WebhookApp(receiver), minimum_size=1),
    "looked-at": lambda receiver, _: Looks(WebhookApp(receiver)),
    "streamed": lambda receiver, _: Streams(WebhookApp(receiver)),
    "drained": lambda receiver, _: drains(WebhookApp(receiver, read_timeout=HASTE)),
    "emptied": lambda receiver, _: empties(WebhookApp(receiver)),
    "rewritten": lambda receiver, _: rewrites(WebhookApp(receiver)),
}
"""The mounts of tests/integration/asgi/test_middleware.py, besides those of every test."""
