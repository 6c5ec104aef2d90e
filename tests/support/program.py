"""A program that serves receivers under uvicorn, for tests that want a real server.

``python -m tests.support.program h11`` prints its port and serves until its standard input ends.
Everything that it logs, at any level, goes to standard error.

``/<mount>/<name>/<milliseconds>`` is a receiver of its own for each *name*, so that no test sees
another's deliveries; its clock stands at T0 plus that many milliseconds. *mount* is one of MOUNTS.
``/seen/<name>`` tells which deliveries that receiver's handler got, ``/memory`` the peak of this
process's memory in bytes.
"""

from __future__ import annotations

import json
import logging
import os
import re
import resource
import socket
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import cache

import uvicorn
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from florentin_webhooks import Delivery, Receiver
from florentin_webhooks.asgi import WebhookApp, WebhookMiddleware
from florentin_webhooks.events import Event
from tests.support.vectors import SECRET, T0

HASTE = 0.3
"""Seconds that a body may take at the mounts where one will not arrive."""

_seen: dict[str, list[str | None]] = {}


def _receiver(name: str, offset: int) -> Receiver:
    receiver = Receiver(SECRET, clock=lambda: T0 + timedelta(milliseconds=offset))
    seen = _seen.setdefault(name, [])

    @receiver.on(Event)
    async def remember(_: Event, delivery: Delivery) -> None:
        seen.append(delivery.delivery_id)

    return receiver


def _reader(left: Callable[[Receive, bytes], Receive]) -> Callable[[ASGIApp], ASGIApp]:
    """A middleware that reads the body; *left* says what there is to be received afterwards."""

    def around(app: ASGIApp) -> ASGIApp:
        async def reads(scope: Scope, receive: Receive, send: Send) -> None:
            body, more = b"", True
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
            await app(scope, left(receive, body), send)

        return reads

    return around


def _once(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


_drains = _reader(lambda receive, _: receive)
_empties = _reader(lambda *_: _once(b""))
_rewrites = _reader(lambda _, body: _once(json.dumps(json.loads(body)).encode()))


class _Streams(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        async for _ in request.stream():
            pass
        return await call_next(request)


class _Looks(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        await request.body()
        return await call_next(request)


async def _absent(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("not here", 404)(scope, receive, send)


def _in_front(receiver: Receiver, path: str) -> ASGIApp:
    return WebhookMiddleware(_absent, receiver=receiver, path=path)


def _routed(receiver: Receiver, path: str) -> ASGIApp:
    return Starlette(routes=[Route(path, WebhookApp(receiver), methods=["POST"])])


def _mounted(receiver: Receiver, path: str) -> ASGIApp:
    above, _, name = path.rpartition("/")
    inner = Starlette(routes=[Route(f"/{name}", WebhookApp(receiver))])
    return Starlette(routes=[Mount(above, inner)])


def _in_front_of_mount(receiver: Receiver, path: str) -> ASGIApp:
    above, _, name = path.rpartition("/")
    inner = WebhookMiddleware(_absent, receiver=receiver, path=f"/{name}")
    return Starlette(routes=[Mount(above, inner)])


MOUNTS: dict[str, Callable[[Receiver, str], ASGIApp]] = {
    "app": lambda receiver, _: WebhookApp(receiver),
    "middleware": _in_front,
    "routed": _routed,
    "mounted": _mounted,
    "middleware-mounted": _in_front_of_mount,
    "hasty": lambda receiver, _: WebhookApp(receiver, read_timeout=HASTE),
    "gzip": lambda receiver, _: GZipMiddleware(WebhookApp(receiver), minimum_size=1),
    "looked-at": lambda receiver, _: _Looks(WebhookApp(receiver)),
    "streamed": lambda receiver, _: _Streams(WebhookApp(receiver)),
    "drained": lambda receiver, _: _drains(WebhookApp(receiver, read_timeout=HASTE)),
    "emptied": lambda receiver, _: _empties(WebhookApp(receiver)),
    "rewritten": lambda receiver, _: _rewrites(WebhookApp(receiver)),
}


# What stands behind the number is for the receiver to judge.
_PLACE = re.compile("/(?P<mount>[a-z-]+)/(?P<name>[a-z0-9]+)/(?P<offset>-?[0-9]+)")


@cache
def _mount(mount: str, name: str, offset: str) -> ASGIApp:
    return MOUNTS[mount](_receiver(name, int(offset)), f"/{mount}/{name}/{offset}")


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    found = _PLACE.match(scope["path"])
    _, what, name = (*scope["path"].split("/"), "", "")[:3]
    if found and found["mount"] in MOUNTS:
        await _mount(**found.groupdict())(scope, receive, send)
    elif what == "seen":
        await JSONResponse(_seen.get(name, []))(scope, receive, send)
    elif what != "memory":
        await _absent(scope, receive, send)
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        await JSONResponse(peak * (1 if sys.platform == "darwin" else 1024))(scope, receive, send)


def _leave_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    logging.basicConfig(level=logging.DEBUG, format="%(levelname)s %(name)s %(message)s")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        sys.stdout.write(f"{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        threading.Thread(target=_leave_with_parent, daemon=True).start()
        config = uvicorn.Config(app, http=sys.argv[1], lifespan="off", log_config=None)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
