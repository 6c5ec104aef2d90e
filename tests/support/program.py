"""A program that mounts receivers in every way, for tests that want a real server.

``asgi`` and ``wsgi`` serve ``/<mount>/<name>/<milliseconds>``: each *name* has a receiver of its
own, so that no test sees another's deliveries, and its clock is T0 plus those milliseconds. The
name ``case12`` is a receiver of case 12 of ``mount_cases``. ``/seen/<name>`` lists the
deliveries that a receiver's handler got, ``/memory`` is the peak memory of this process in bytes.
$MOUNTS_OF names a module that adds MOUNTS. Everything that is logged goes to standard error.
"""

from __future__ import annotations

import json
import logging
import os
import re
import resource
import sys
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from florentin_webhooks import Delivery, Receiver
from florentin_webhooks.events import Event
from tests.support import mounts
from tests.support.mount_cases import ATTACKS, CASES
from tests.support.vectors import SECRET, T0

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_ALL = [*CASES.values(), *ATTACKS.values()]
_ADDED = import_module(os.environ["MOUNTS_OF"]).MOUNTS if "MOUNTS_OF" in os.environ else {}
_MOUNTS: dict[str, dict[str, Any]] = {  # Any: programs of that kind.
    "asgi": {**mounts.ASGI, **_ADDED},
    "wsgi": {**mounts.WSGI, **_ADDED},
}
_seen: dict[str, list[str | None]] = {}


def _receiver(kind: str, name: str, offset: int) -> Receiver:
    if case := re.match("case([0-9]+)", name):
        return _ALL[int(case[1])].build()
    receiver = Receiver(SECRET, clock=lambda: T0 + timedelta(milliseconds=offset))
    seen = _seen.setdefault(name, [])

    async def remember(_: Event, delivery: Delivery) -> None:
        seen.append(delivery.delivery_id)

    def remember_in_flask(_: Event, delivery: Delivery) -> None:
        from flask import current_app

        assert current_app.blueprints
        seen.append(delivery.delivery_id)

    receiver.on(Event)(remember if kind == "asgi" else remember_in_flask)
    return receiver


# The receiver judges what follows the number.
_PLACE = re.compile("/(?P<mount>[a-z-]+)/(?P<name>[a-z0-9]+)/(?P<offset>-?[0-9]+)")


@cache
def _app(kind: str, mount: str, name: str, offset: str) -> Any:  # Any: of that kind.
    if mount == "django":
        _set_django_up()
    return _MOUNTS[kind][mount](_receiver(kind, name, int(offset)), f"/{mount}/{name}/{offset}")


def _set_django_up() -> None:
    from django.conf import settings

    from tests.support.django_settings import configure

    configure()
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100


def _report(path: str) -> object:
    """Return what the program reports at *path*, or None."""
    _, what, name = (*path.split("/"), "", "")[:3]
    if what == "seen":
        return _seen.get(name, [])
    if what != "memory":
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve every mount of ASGI."""
    if scope["type"] != "http":
        return
    app, found = mounts.not_found, _PLACE.match(scope["path"])
    if found and found["mount"] in _MOUNTS["asgi"]:
        app = _app("asgi", **found.groupdict())
    elif (report := _report(scope["path"])) is not None:
        app = JSONResponse(report)
    await app(scope, receive, send)


def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve every mount of WSGI."""
    from werkzeug import Response as FlaskResponse

    app: WSGIApplication = FlaskResponse("not here", 404)
    if (found := _PLACE.match(environ["PATH_INFO"])) and found["mount"] in _MOUNTS["wsgi"]:
        app = _app("wsgi", **found.groupdict())
    elif (report := _report(environ["PATH_INFO"])) is not None:
        app = FlaskResponse(json.dumps(report))
    return app(environ, start_response)


logging.basicConfig(level=logging.DEBUG, format="%(levelname)s %(name)s %(message)s")
for name in ("uvicorn", "uvicorn.access"):
    logging.getLogger(name).handlers.clear()
    logging.getLogger(name).propagate = True
