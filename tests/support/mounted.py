"""A program that mounts a receiver in every framework, for tests under real servers.

``asgi`` and ``wsgi`` serve ``/<mount>/webhooks/florentin``, for each mount in ASGI_MOUNTS and
WSGI_MOUNTS. Every delivery names the receiver that it is for in HEADER, so that none sees another's
deliveries, and an attack has the clock that it needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

import django
import flask
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.urls import URLPattern
from fastapi import FastAPI
from litestar import Litestar
from litestar.handlers import asgi as litestar_asgi
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from florentin_webhooks import Receiver, Reply
from florentin_webhooks.asgi import WebhookApp, WebhookMiddleware
from florentin_webhooks.django import webhook_path
from florentin_webhooks.fastapi import webhook_router
from florentin_webhooks.flask import webhook_blueprint
from florentin_webhooks.protocol.headers import Headers, get_all
from florentin_webhooks.wsgi import answer
from tests.support.mount_cases import ATTACKS, CASES, HEADER
from tests.support.vectors import SECRET

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["ASGI_MOUNTS", "WSGI_MOUNTS", "asgi", "wsgi"]


class Switching(Receiver):
    """Be the receiver that each request names, made when it is named for the first time."""

    def __init__(self) -> None:
        super().__init__(SECRET)
        self._named: dict[str, Receiver] = {}

    def screen(self, method: str, headers: Headers) -> Reply | None:
        return self._meant(headers).screen(method, headers)

    def receive(self, headers: Headers, body: bytes) -> Reply:
        return self._meant(headers).receive(headers, body)

    async def areceive(self, headers: Headers, body: bytes) -> Reply:
        return await self._meant(headers).areceive(headers, body)

    def _meant(self, headers: Headers) -> Receiver:
        (name,) = get_all(headers, HEADER.lower())
        if name not in self._named:
            number = int(name.partition("/")[0])
            self._named[name] = [*CASES.values(), *ATTACKS.values()][number].build()
        return self._named[name]


PATH = "/webhooks/florentin"
hooks = Switching()
urlpatterns: list[URLPattern] = [webhook_path(f"django{PATH}", hooks)]

# settings.configure() can be called once in a process; tests have other settings.
from django.conf import settings  # noqa: E402

settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="made-up",
    ROOT_URLCONF=__name__,
    DATA_UPLOAD_MAX_MEMORY_SIZE=100,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ],
)
django.setup()


def _flask() -> flask.Flask:
    app = flask.Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 100
    app.register_blueprint(webhook_blueprint(hooks, f"/flask{PATH}"))
    return app


def _fastapi() -> FastAPI:
    app = FastAPI()
    app.include_router(webhook_router(hooks, f"/fastapi{PATH}"))
    return app


def _litestar() -> ASGIApp:
    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        await WebhookApp(hooks)(scope, receive, send)

    route = litestar_asgi(f"/litestar{PATH}", copy_scope=True)(endpoint)
    return cast("ASGIApp", Litestar([route], openapi_config=None))


async def _absent(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await PlainTextResponse("not here", 404)(scope, receive, send)


def _plain(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    reply = answer(hooks, environ)
    length = ("Content-Length", str(len(reply.body)))
    start_response(f"{reply.status} Told", [*reply.headers, length])
    return [reply.body]


def _absent_too(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    del environ
    start_response("404 Not Found", [("Content-Length", "0")])
    return []


ASGI_MOUNTS: Mapping[str, ASGIApp] = {
    "route": Starlette(routes=[Route(f"/route{PATH}", WebhookApp(hooks))]),
    "middleware": WebhookMiddleware(_absent, receiver=hooks, path=f"/middleware{PATH}"),
    "fastapi": _fastapi(),
    "litestar": _litestar(),
    "django": cast("ASGIApp", ASGIHandler()),
}
WSGI_MOUNTS: Mapping[str, WSGIApplication] = {
    "plain": _plain,
    "flask": _flask(),
    "django": WSGIHandler(),
}


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve ASGI_MOUNTS."""
    _, name, *_ = f"{scope.get('path', '')}//".split("/")
    await ASGI_MOUNTS.get(name, _absent)(scope, receive, send)


def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve WSGI_MOUNTS."""
    _, name, *_ = f"{environ['PATH_INFO']}//".split("/")
    return WSGI_MOUNTS.get(name, _absent_too)(environ, start_response)
