"""Mount a receiver in any ASGI program: as an endpoint, or in front of the program.

Reads bytes, bounded in size and time, and writes the receiver's reply; decides nothing. Works with
a lifespan and without one, and directly under a server.
"""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from florentin_webhooks.asgi.start import Lifespan
from florentin_webhooks.core.log import logger
from florentin_webhooks.core.processing.loops import ensure_asyncio
from florentin_webhooks.core.timeouts import finish_with_timeout
from florentin_webhooks.protocol.body import consumed_body, missing_body
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.headers import HeaderMap
from florentin_webhooks.protocol.preconditions import (
    content_length,
    ensure_receiver,
    path_variants,
    screen,
    without_root,
)
from florentin_webhooks.protocol.replies import JSON_HEADERS
from florentin_webhooks.protocol.request_url import asgi_url

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.protocol.delivery import Reply

__all__ = ["READ_TIMEOUT", "WebhookApp", "WebhookMiddleware"]

READ_TIMEOUT = 10.0
"""Seconds for a body to arrive. The server limits slow headers, which never reach us."""


class WebhookApp:
    """An ASGI application that serves *receiver* at every path: mount it at yours.

    In Starlette or FastAPI: ``Route("/webhooks/florentin", WebhookApp(hooks), methods=["POST"])``.
    The reply is 408 if the body has not arrived after *read_timeout* seconds.
    """

    def __init__(self, receiver: Receiver[object], *, read_timeout: float = READ_TIMEOUT) -> None:
        self._receiver = receiver
        self._receive = _entry(receiver)
        self._runtime = receiver.asyncio
        self._seconds = read_timeout
        self._is_in_asyncio = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, and the lifespan protocol where this is the whole program."""
        if not self._is_in_asyncio or scope["type"] != "http":
            await self._serve_other(scope, receive, send)
            return
        # Copied first: httptools appends a request's trailers to the same list later.
        headers, receiver = HeaderMap(scope["headers"]), self._receiver
        if rejected := screen(scope["method"], headers, receiver.max_body):
            reply = receiver.reject(*rejected)
            await send(_start(reply, close=_may_close(scope)))
            await send({"type": "http.response.body", "body": reply.body})
            return
        body = _Body()
        reading = body.read(receive, receiver.max_body)
        try:
            # As run_with_timeout, without its coroutine: 0.5 of a delivery's 40 us.
            for awaited in reading.__await__():
                await finish_with_timeout(reading, awaited, self._seconds)
                break
        except TimeoutError:
            reply = self._reply_for_timeout(body, content_length(headers))
        else:
            if body.disconnected:
                logger.info("The sender disconnected after %d bytes.", body.size)
                return
            if (body.too_large or not body.size) and (why := self._rejection(headers, body)):
                reply = receiver.reject(*why)
            elif receiver.reads_request:
                url, params = asgi_url(scope, headers), scope.get("path_params")
                reply = await self._receive(headers, body.content, self._runtime, url, params)
            else:
                reply = await self._receive(headers, body.content, self._runtime)
        start = _start(reply, close=not body.complete and _may_close(scope))
        await send(start)
        await send({"type": "http.response.body", "body": reply.body})

    async def _serve_other(self, scope: Scope, receive: Receive, send: Send) -> None:
        ensure_asyncio()
        self._is_in_asyncio = True
        if scope["type"] == "http":
            await self(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        else:
            await Lifespan(self._receiver).serve(receive, send)

    def _rejection(self, headers: HeaderMap, body: _Body) -> tuple[Outcome, str] | None:
        """Return why a body that is empty or too large is rejected, or None."""
        if body.too_large:
            return Outcome.TOO_LARGE, f"more than {self._receiver.max_body} bytes arrived"
        return missing_body(headers)

    def _reply_for_timeout(self, body: _Body, declared: int) -> Reply:
        reason = f"{body.size} bytes arrived within {self._seconds:g} s"
        if declared and not body.size:
            reason += f"; if the sender is not the cause: {consumed_body(declared)}"
        return self._receiver.reject(Outcome.READ_TIMEOUT, reason)


class WebhookMiddleware:
    """An ASGI middleware that serves *receiver* at *path*, in front of *app*.

    The path may end with a slash. All other traffic, websockets and lifespan included, passes
    through unchanged.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        receiver: Receiver[object],
        path: str = "/webhooks/florentin",
        read_timeout: float = READ_TIMEOUT,
    ) -> None:
        self._app = app
        self._paths = frozenset(path_variants(path))
        self._endpoint = WebhookApp(receiver, read_timeout=read_timeout)
        self._lifespan = Lifespan(receiver)
        self._is_in_asyncio = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a delivery; pass anything else on."""
        if not self._is_in_asyncio:
            ensure_asyncio()
            self._is_in_asyncio = True
        if scope["type"] == "http" and self._is_ours(scope):
            await self._endpoint(scope, receive, send)
        elif scope["type"] == "lifespan":
            if await self._lifespan.start(receive, send):
                await self._app(scope, receive, self._lifespan.closing(send))
        else:
            await self._app(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        # Some servers put their root path in front of the path (uvicorn), others do not (hypercorn,
        # daphne, gunicorn), so both forms are ours.
        path = scope["path"]
        return path in self._paths or without_root(path, scope.get("root_path", "")) in self._paths


class _Body:
    """One body, up to a limit."""

    __slots__ = ("complete", "content", "disconnected", "size", "too_large")

    def __init__(self) -> None:
        self.size = 0
        self.content = b""
        self.too_large = self.complete = self.disconnected = False

    async def read(self, receive: Receive, limit: int) -> None:
        chunks: list[bytes] = []
        while not self.too_large:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnected = True
                return
            chunk = message.get("body", b"")
            self.size += len(chunk)
            self.too_large = self.size > limit
            if not message.get("more_body", False):
                self.complete = True
                self.content = b"".join((*chunks, chunk)) if chunks else chunk
                return
            if chunk:
                chunks.append(chunk)


def _entry(receiver: Receiver[object]) -> Callable[..., Awaitable[Reply]]:
    """Return what takes a delivery: past ``areceive``, unless a subclass overrides that."""
    ensure_receiver(receiver)
    if not receiver.overrides_areceive:
        return receiver.receive_in

    async def receive(headers: HeaderMap, body: bytes, _: object, *request: Any) -> Reply:
        return await receiver.areceive(headers, body, *request)

    return receive


def _may_close(scope: Scope) -> bool:
    """Return whether a reply may end its connection: below a WSGI bridge it must not (PEP 3333)."""
    return "wsgi_environ" not in scope


def _start(reply: Reply, *, close: bool) -> Message:
    """Return the message that starts *reply*, with a list of headers of its own."""
    headers = [*_JSON] if reply.headers is JSON_HEADERS else [*_raw(reply.headers)]
    if reply.status != _NO_CONTENT:  # It must not have a length (RFC 9110, 8.6).
        headers.append((b"content-length", b"%d" % len(reply.body)))
    if close:
        # Unread bytes must not be parsed as the next request on this connection.
        headers.append((b"connection", b"close"))
    return {"type": "http.response.start", "status": reply.status, "headers": headers}


@lru_cache(maxsize=128)
def _raw(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.lower().encode(), value.encode()) for name, value in headers)


# Nearly all replies have these headers. To find them by their texts takes 0.5 of 40 us.
_JSON = _raw(JSON_HEADERS)
_NO_CONTENT = HTTPStatus.NO_CONTENT.value
