"""Every way to mount a receiver: from a receiver and a path to an ASGI or a WSGI program."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from fastapi import FastAPI
from flask import Flask
from litestar import Litestar
from litestar.handlers import asgi as litestar_asgi
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.base import RequestResponseEndpoint as Next
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from werkzeug.test import run_wsgi_app

from florentin_webhooks import Receiver, wsgi
from florentin_webhooks.asgi import WebhookApp, WebhookMiddleware
from florentin_webhooks.django import webhook_path
from florentin_webhooks.fastapi import webhook_router
from florentin_webhooks.flask import webhook_blueprint
from tests.support.django_settings import configure
from tests.support.http import Answer, call, environ_of, scope_of
from tests.support.vectors import Request

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

HASTE = 0.3
"""Seconds that a body may take at the mounts where one will not arrive."""

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
]
"""Every middleware of Django that can get in the way of a webhook."""


async def not_found(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 404, as the program behind a middleware."""
    await PlainTextResponse("not here", 404)(scope, receive, send)


def _middleware(receiver: Receiver, path: str) -> ASGIApp:
    return WebhookMiddleware(not_found, receiver=receiver, path=path)


def _route(receiver: Receiver, path: str) -> ASGIApp:
    return Starlette(routes=[Route(path, WebhookApp(receiver))])


def _fastapi(receiver: Receiver, path: str) -> ASGIApp:
    app = FastAPI()
    app.include_router(webhook_router(receiver, path))
    return app


def _litestar(receiver: Receiver, path: str) -> ASGIApp:
    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        await WebhookApp(receiver)(scope, receive, send)

    route = litestar_asgi(path, copy_scope=True)(endpoint)
    return cast("ASGIApp", Litestar([route], openapi_config=None))


def _reads(left: Callable[[Receive, bytes], Receive]) -> Callable[[ASGIApp], ASGIApp]:
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


def _once(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


_drains = _reads(lambda receive, _: receive)
_empties = _reads(lambda *_: _once(b""))
_rewrites = _reads(lambda _, body: _once(json.dumps(json.loads(body)).encode()))


class _Streams(BaseHTTPMiddleware):
    async def dispatch(self, request: StarletteRequest, call_next: Next) -> Response:
        async for _ in request.stream():
            pass
        return await call_next(request)


class _Looks(BaseHTTPMiddleware):
    async def dispatch(self, request: StarletteRequest, call_next: Next) -> Response:
        await request.body()
        return await call_next(request)


def _post_only(receiver: Receiver, path: str) -> ASGIApp:
    return Starlette(routes=[Route(path, WebhookApp(receiver), methods=["POST"])])


def _below(mount: str) -> Callable[[Receiver, str], ASGIApp]:
    def build(receiver: Receiver, path: str) -> ASGIApp:
        above, _, name = path.rpartition("/")
        return Starlette(routes=[Mount(above, ASGI[mount](receiver, f"/{name}"))])

    return build


def _flask(receiver: Receiver, path: str) -> WSGIApplication:
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 100
    app.register_blueprint(webhook_blueprint(receiver, path))
    return app


def _plain(receiver: Receiver, _: str) -> WSGIApplication:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        reply = wsgi.answer(receiver, environ)
        length = ("Content-Length", str(len(reply.body)))
        start_response(f"{reply.status} Reply", [*reply.headers, length])
        return [reply.body]

    return app


def _django(kind: type[Any]) -> Callable[[Receiver, str], Any]:
    """Create Django's handler for each receiver, which is all that its URLs hold."""

    @cache
    def handler() -> Any:  # Any: Django types it as a server sees it.
        configure()
        with override_settings(MIDDLEWARE=MIDDLEWARE):
            return kind()

    def build(receiver: Receiver, path: str) -> Any:
        urls = {"urlconf": (webhook_path(path, receiver),)}
        made = copy.copy(handler())
        made.request_class = type("Request", (kind.request_class,), urls)
        return made

    return build


ASGI: Mapping[str, Callable[[Receiver, str], ASGIApp]] = {
    "app": lambda receiver, _: WebhookApp(receiver),
    "route": _route,
    "middleware": _middleware,
    "fastapi": _fastapi,
    "litestar": _litestar,
    "django": _django(ASGIHandler),
    "routed": _post_only,
    "mounted": _below("route"),
    "middleware-mounted": _below("middleware"),
    "hasty": lambda receiver, _: WebhookApp(receiver, read_timeout=HASTE),
    "gzip": lambda receiver, _: GZipMiddleware(WebhookApp(receiver), minimum_size=1),
    "looked-at": lambda receiver, _: _Looks(WebhookApp(receiver)),
    "streamed": lambda receiver, _: _Streams(WebhookApp(receiver)),
    "drained": lambda receiver, _: _drains(WebhookApp(receiver, read_timeout=HASTE)),
    "emptied": lambda receiver, _: _empties(WebhookApp(receiver)),
    "rewritten": lambda receiver, _: _rewrites(WebhookApp(receiver)),
}
WSGI: Mapping[str, Callable[[Receiver, str], WSGIApplication]] = {
    "plain": _plain,
    "flask": _flask,
    "django": _django(WSGIHandler),
}


def through_asgi(app: ASGIApp, request: Request, path: str, pieces: int = 1) -> Answer:
    """Return the answer of *app* to *request*, whose body comes in so many *pieces*."""
    body, size = request.body, -(-len(request.body) // pieces) or 1
    chunks = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    configure()
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100):
        answer = asyncio.run(call(app, scope_of(request, path), chunks))
    assert answer is not None, "the app sent no answer"
    return answer._replace(headers={n.lower(): v for n, v in answer.headers.items()})


def through_wsgi(app: WSGIApplication, request: Request, path: str) -> Answer:
    """Return the answer of *app* to *request*."""
    configure()
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100):
        body, status, headers = run_wsgi_app(app, environ_of(request, path), buffered=True)
    named = {name.lower(): value for name, value in headers}
    return Answer(int(status.split()[0]), named, b"".join(body))
