"""Every way to mount a receiver: from a receiver and a path to an ASGI or a WSGI program.

Each imports its framework when it is built, because few servers serve all of them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from florentin_webhooks import Receiver
from florentin_webhooks.asgi import WebhookApp, WebhookMiddleware
from florentin_webhooks.core import wsgi
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
    from fastapi import FastAPI

    from florentin_webhooks.fastapi import webhook_router

    app = FastAPI()
    app.include_router(webhook_router(receiver, path))
    return app


def _litestar(receiver: Receiver, path: str) -> ASGIApp:
    from litestar import Litestar
    from litestar.handlers import asgi as litestar_asgi

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        await WebhookApp(receiver)(scope, receive, send)

    route = litestar_asgi(path, copy_scope=True)(endpoint)
    return cast("ASGIApp", Litestar([route], openapi_config=None, logging_config=None))


def _flask(receiver: Receiver, path: str) -> WSGIApplication:
    from flask import Flask

    from florentin_webhooks.flask import webhook_blueprint

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


@cache
def _django_handler(name: str) -> Any:  # Any: Django types it as a server sees it.
    from django.test import override_settings

    from tests.support.django_settings import configure

    configure()
    module = import_module(f"django.core.handlers.{name.lower()}")
    with override_settings(MIDDLEWARE=MIDDLEWARE):
        return getattr(module, f"{name}Handler")()


def _django(name: str, receiver: Receiver, path: str) -> Any:
    """Create Django's handler for each receiver, which is all that its URLs hold."""
    from florentin_webhooks.django import webhook_path

    made = copy.copy(_django_handler(name))
    urls = {"urlconf": (webhook_path(path, receiver),)}
    made.request_class = type("Request", (made.request_class,), urls)
    return made


ASGI: Mapping[str, Callable[[Receiver, str], ASGIApp]] = {
    "app": lambda receiver, _: WebhookApp(receiver),
    "route": _route,
    "middleware": _middleware,
    "fastapi": _fastapi,
    "litestar": _litestar,
    "django": partial(_django, "ASGI"),
}
WSGI: Mapping[str, Callable[[Receiver, str], WSGIApplication]] = {
    "plain": _plain,
    "flask": _flask,
    "django": partial(_django, "WSGI"),
}


def through_wsgi(app: WSGIApplication, request: Request, path: str) -> Answer:
    """Return the answer of *app* to *request*."""
    from django.test import override_settings
    from werkzeug.test import run_wsgi_app

    from tests.support.django_settings import configure

    configure()
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100):
        body, status, headers = run_wsgi_app(app, environ_of(request, path), buffered=True)
    named = {name.lower(): value for name, value in headers}
    return Answer(int(status.split()[0]), named, b"".join(body))
