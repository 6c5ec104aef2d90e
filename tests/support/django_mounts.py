"""Be a server to Django inside the test: its real handlers, with the middlewares that hurt."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any, cast

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from starlette.types import ASGIApp

from florentin_webhooks import Receiver
from florentin_webhooks.django import webhook_path
from tests.support.asgi import call, scope_of
from tests.support.django_settings import configure
from tests.support.http import Answer
from tests.support.vectors import Request
from tests.support.wsgi import environ_of

__all__ = ["through_asgi", "through_wsgi"]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
]


def through_wsgi(
    receiver: Receiver, request: Request, path: str, *, route: str | None = None
) -> Answer:
    """The answer to *request* at *path* under WSGI, where *route* or just that path is served."""
    told: list[tuple[str, list[tuple[str, str]]]] = []
    handler: Any = _handlers()[0]  # Any: what it tells is typed as a server does, not as it calls.
    with _serving(receiver, route or path):
        response = handler(environ_of(request, path), lambda *head: told.append(head))
        body = b"".join(response)
        response.close()
    ((status, headers),) = told
    return Answer(int(status[:3]), {name.lower(): value for name, value in headers}, body)


def through_asgi(receiver: Receiver, request: Request, path: str) -> Answer:
    """The answer to *request* under ASGI, whose body comes in pieces."""
    half = len(request.body) // 2
    pieces = [request.body[:half], request.body[half:]]
    handler = cast("ASGIApp", _handlers()[1])
    with _serving(receiver, path):
        answer = asyncio.run(call(handler, scope_of(request, path), pieces))
    assert answer is not None, "Django sent no answer"
    return answer._replace(headers={n.lower(): v for n, v in answer.headers.items()})


@cache
def _handlers() -> tuple[WSGIHandler, ASGIHandler]:
    configure()
    with override_settings(MIDDLEWARE=MIDDLEWARE):
        return WSGIHandler(), ASGIHandler()


def _serving(receiver: Receiver, path: str) -> override_settings:
    urls = (webhook_path(path, receiver),)
    return override_settings(ROOT_URLCONF=urls, DATA_UPLOAD_MAX_MEMORY_SIZE=100)
