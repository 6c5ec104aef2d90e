"""Every way to mount a receiver: from a receiver and a path to an ASGI or a WSGI program."""

from __future__ import annotations

import copy
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
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from werkzeug.test import run_wsgi_app

from florentin_webhooks import Receiver
from florentin_webhooks.asgi import WebhookApp, WebhookMiddleware
from florentin_webhooks.core import wsgi
from florentin_webhooks.django import webhook_path
from florentin_webhooks.fastapi import webhook_router
from florentin_webhooks.flask import webhook_blueprint
from tests.support.django_settings import configure
from tests.support.http import Answer, environ_of
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
    return cast("ASGIApp", Litestar([route], openapi_config=None, logging_config=None))


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
}
WSGI: Mapping[str, Callable[[Receiver, str], WSGIApplication]] = {
    "plain": _plain,
    "flask": _flask,
    "django": _django(WSGIHandler),
}


def through_wsgi(app: WSGIApplication, request: Request, path: str) -> Answer:
    """Return the answer of *app* to *request*."""
    configure()
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100):
        body, status, headers = run_wsgi_app(app, environ_of(request, path), buffered=True)
    named = {name.lower(): value for name, value in headers}
    return Answer(int(status.split()[0]), named, b"".join(body))
