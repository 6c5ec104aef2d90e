"""Every way to mount a receiver, as one function from a request to an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fastapi import FastAPI
from flask import Flask
from starlette.types import ASGIApp, Receive, Scope, Send
from werkzeug.test import run_wsgi_app

from florentin_webhooks import Receiver, Reply, wsgi
from florentin_webhooks.asgi import WebhookApp, WebhookMiddleware
from florentin_webhooks.fastapi import webhook_router
from florentin_webhooks.flask import webhook_blueprint
from tests.support.asgi import call, scope_of
from tests.support.django_mounts import through_asgi, through_wsgi
from tests.support.http import Answer
from tests.support.vectors import Request
from tests.support.wsgi import environ_of

__all__ = ["MOUNTS", "PATH", "Mount"]

PATH = "/webhooks/florentin"
Mount = Callable[[Receiver, Request], Answer]


def _told(reply: Reply) -> Answer:
    return Answer(reply.status, {n.lower(): v for n, v in reply.headers}, reply.body)


def _blocking(receiver: Receiver, request: Request) -> Answer:
    refused = receiver.screen(request.method, request.headers)
    return _told(refused or receiver.receive(request.headers, request.body))


def _asyncio(receiver: Receiver, request: Request) -> Answer:
    async def receive() -> Reply:
        refused = receiver.screen(request.method, request.headers)
        return refused or await receiver.areceive(request.headers, request.body)

    return _told(asyncio.run(receive()))


def _wsgi(receiver: Receiver, request: Request) -> Answer:
    return _told(wsgi.answer(receiver, environ_of(request, PATH)))


def _asgi(build: Callable[[Receiver], ASGIApp], chunks: int) -> Mount:
    def deliver(receiver: Receiver, request: Request) -> Answer:
        size = -(-len(request.body) // chunks) or 1
        body = request.body
        pieces = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
        answer = asyncio.run(call(build(receiver), scope_of(request, PATH), pieces))
        assert answer is not None, "the app sent no answer"
        return answer

    return deliver


async def _elsewhere(_: Scope, __: Receive, ___: Send) -> None:
    raise AssertionError("the delivery was handed on to the program behind")


def _middleware(receiver: Receiver) -> ASGIApp:
    return WebhookMiddleware(_elsewhere, receiver=receiver, path=PATH)


def _fastapi(receiver: Receiver) -> ASGIApp:
    app = FastAPI()
    app.include_router(webhook_router(receiver, PATH))
    return app


def _flask(receiver: Receiver, request: Request) -> Answer:
    app = Flask(__name__)
    app.register_blueprint(webhook_blueprint(receiver, PATH))
    pieces, status, headers = run_wsgi_app(app.wsgi_app, environ_of(request, PATH), buffered=True)
    named = {name.lower(): value for name, value in headers}
    return Answer(int(status.split()[0]), named, b"".join(pieces))


def _django_wsgi(receiver: Receiver, request: Request) -> Answer:
    return through_wsgi(receiver, request, PATH)


def _django_asgi(receiver: Receiver, request: Request) -> Answer:
    return through_asgi(receiver, request, PATH)


# A new mount is one more entry here.
MOUNTS: dict[str, Mount] = {
    "receive": _blocking,
    "areceive": _asyncio,
    "WSGI": _wsgi,
    "WebhookApp": _asgi(WebhookApp, 1),
    "WebhookApp, body in pieces": _asgi(WebhookApp, 7),
    "WebhookMiddleware": _asgi(_middleware, 1),
    "WebhookMiddleware, body in pieces": _asgi(_middleware, 3),
    "FastAPI, body in pieces": _asgi(_fastapi, 5),
    "Flask": _flask,
    "Django WSGI": _django_wsgi,
    "Django ASGI": _django_asgi,
}
