"""A program that mounts receivers in every way, for tests that want a real server.

``asgi`` and ``wsgi`` serve ``/<mount>/<name>/<milliseconds>``: each *name* has a receiver of its
own, so that no test sees another's deliveries, and its clock is T0 plus those milliseconds. The
name ``case12use3`` is a receiver of case 12 of ``mount_cases``. ``/seen/<name>`` lists the
deliveries that a receiver's handler got, ``/memory`` is the peak memory of this process in bytes.
Everything that is logged goes to standard error.
"""

from __future__ import annotations

import json
import logging
import re
import resource
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from flask import Flask, current_app, redirect, request
from flask_wtf.csrf import CSRFProtect  # type: ignore[import-untyped]  # it has no types.
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send
from werkzeug import Response as FlaskResponse

from florentin_webhooks import Delivery, Receiver
from florentin_webhooks.events import Event
from florentin_webhooks.flask import FlorentinWebhooks, webhook_blueprint
from tests.support import mounts
from tests.support.django_settings import configure
from tests.support.mount_cases import ATTACKS, CASES
from tests.support.vectors import SECRET, T0

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_ALL = [*CASES.values(), *ATTACKS.values()]
_seen: dict[str, list[str | None]] = {}


def _receiver(kind: str, name: str, offset: int) -> Receiver:
    if case := re.match("case([0-9]+)use", name):
        return _ALL[int(case[1])].build()
    receiver = Receiver(SECRET, clock=lambda: T0 + timedelta(milliseconds=offset))
    seen = _seen.setdefault(name, [])

    async def remember(_: Event, delivery: Delivery) -> None:
        seen.append(delivery.delivery_id)

    def remember_in_flask(_: Event, delivery: Delivery) -> None:
        assert current_app.blueprints
        seen.append(delivery.delivery_id)

    receiver.on(Event)(remember if kind == "asgi" else remember_in_flask)
    return receiver


def _flask(receiver: Receiver, path: str, **config: object) -> Flask:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="made-up", **config)
    app.register_blueprint(webhook_blueprint(receiver, path))
    return app


def _before(touch: Callable[[], object]) -> Callable[[Receiver, str], Flask]:
    """Create an app that touches each request first, as login walls and loggers do."""

    def build(receiver: Receiver, path: str) -> Flask:
        app = _flask(receiver, path)

        @app.before_request
        def first() -> None:
            touch()

        return app

    return build


def _prefixed(receiver: Receiver, path: str) -> Flask:
    above, _, name = path.rpartition("/")
    app = Flask(__name__)
    blueprint = webhook_blueprint(receiver, f"/{name}", name="billing")
    app.register_blueprint(blueprint, url_prefix=above)
    return app


def _rooted(receiver: Receiver, path: str) -> Flask:
    app = Flask(__name__)
    app.register_blueprint(webhook_blueprint(receiver, "/"), url_prefix=path)
    return app


def _protected_before(receiver: Receiver, path: str) -> Flask:
    app = Flask(__name__)
    app.secret_key = "made-up"
    CSRFProtect(app)
    app.register_blueprint(webhook_blueprint(receiver, path))
    return app


def _protected_after(receiver: Receiver, path: str) -> Flask:
    app = _flask(receiver, path)
    CSRFProtect(app)
    return app


def _walled(receiver: Receiver, path: str) -> Flask:
    app = _flask(receiver, path)

    @app.before_request
    def require_login() -> FlaskResponse:
        return redirect("/login")

    return app


def _extended(receiver: Receiver, path: str) -> Flask:
    """Create an app with a receiver of the extension beside the one that is tested."""
    app = Flask(__name__)
    app.config.update(FLORENTIN_WEBHOOK_SECRET=SECRET, FLORENTIN_PATH=f"{path}/own")
    FlorentinWebhooks().init_app(app)
    app.register_blueprint(webhook_blueprint(receiver, path, name="another"))
    return app


WSGI: Mapping[str, Callable[[Receiver, str], WSGIApplication]] = {
    **mounts.WSGI,
    "app": _flask,
    "prefixed": _prefixed,
    "rooted": _rooted,
    "extended": _extended,
    "limited": lambda receiver, path: _flask(receiver, path, MAX_CONTENT_LENGTH=10),
    "json-before": _before(lambda: request.get_json(force=True)),
    "data-before": _before(lambda: request.get_data(as_text=True)),
    "form-before": _before(lambda: request.form),
    "values-before": _before(lambda: request.values),
    "parsed-before": _before(lambda: request.get_data(parse_form_data=True)),
    "stream-before": _before(lambda: request.stream.read(65_536)),
    "protected-before": _protected_before,
    "protected-after": _protected_after,
    "walled": _walled,
}


# --- the program ---

# The receiver judges what follows the number.
_PLACE = re.compile("/(?P<mount>[a-z-]+)/(?P<name>[a-z0-9]+)/(?P<offset>-?[0-9]+)")


@cache
def _app(kind: str, mount: str, name: str, offset: str) -> Any:  # Any: of that kind.
    build = {"asgi": mounts.ASGI, "wsgi": WSGI}[kind][mount]
    return build(_receiver(kind, name, int(offset)), f"/{mount}/{name}/{offset}")


def _report(path: str) -> object:
    """Return what the program tells about itself at *path*, or None."""
    _, what, name = (*path.split("/"), "", "")[:3]
    if what == "seen":
        return _seen.get(name, [])
    if what != "memory":
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve every mount of ``mounts.ASGI``."""
    if scope["type"] != "http":
        return
    app, found = mounts.not_found, _PLACE.match(scope["path"])
    if found and found["mount"] in mounts.ASGI:
        app = _app("asgi", **found.groupdict())
    elif (report := _report(scope["path"])) is not None:
        app = JSONResponse(report)
    await app(scope, receive, send)


def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve every mount of WSGI."""
    app: WSGIApplication = FlaskResponse("not here", 404)
    if (found := _PLACE.match(environ["PATH_INFO"])) and found["mount"] in WSGI:
        app = _app("wsgi", **found.groupdict())
    elif (report := _report(environ["PATH_INFO"])) is not None:
        app = FlaskResponse(json.dumps(report))
    return app(environ, start_response)


configure()
settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
logging.basicConfig(level=logging.DEBUG, format="%(levelname)s %(name)s %(message)s")
for name in ("uvicorn", "uvicorn.access"):
    logging.getLogger(name).handlers.clear()
    logging.getLogger(name).propagate = True
