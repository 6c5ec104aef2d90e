"""A WSGI program that mounts receivers in Flask apps, for tests that want a real server.

``/<mount>/<name>/<milliseconds>`` is a receiver of its own in an app of its own for each *name*, as
in ``tests.support.program``; *mount* is one of MOUNTS. ``/seen/<name>`` tells which deliveries that
receiver's handler got. Everything that is logged goes to standard error.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from flask import Flask, current_app, redirect, request
from flask_wtf.csrf import CSRFProtect  # type: ignore[import-untyped]  # it has no types.
from werkzeug.wrappers import Response

from florentin_webhooks import Delivery, Receiver
from florentin_webhooks.events import Event
from florentin_webhooks.flask import FlorentinWebhooks, webhook_blueprint
from tests.support.vectors import SECRET, T0

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from werkzeug.wrappers import Response as Answer

__all__ = ["MOUNTS", "app"]

logging.basicConfig(level=logging.DEBUG, format="%(levelname)s %(name)s %(message)s")

_seen: dict[str, list[str | None]] = {}


def _receiver(name: str, offset: int) -> Receiver:
    receiver = Receiver(SECRET, clock=lambda: T0 + timedelta(milliseconds=offset))
    seen = _seen.setdefault(name, [])

    @receiver.on(Event)
    def remember(_: Event, delivery: Delivery) -> None:
        assert current_app.blueprints
        seen.append(delivery.delivery_id)

    return receiver


def _app(receiver: Receiver, path: str, **config: object) -> Flask:
    made = Flask(__name__)
    made.config.update(SECRET_KEY="made-up", **config)
    made.register_blueprint(webhook_blueprint(receiver, path))
    return made


def _after(touch: Callable[[], object]) -> Callable[[Receiver, str], Flask]:
    """An app that does something to each request first, as login walls and loggers do."""

    def build(receiver: Receiver, path: str) -> Flask:
        made = _app(receiver, path)

        @made.before_request
        def first() -> None:
            touch()

        return made

    return build


def _prefixed(receiver: Receiver, path: str) -> Flask:
    above, _, name = path.rpartition("/")
    made = Flask(__name__)
    blueprint = webhook_blueprint(receiver, f"/{name}", name="billing")
    made.register_blueprint(blueprint, url_prefix=above)
    return made


def _rooted(receiver: Receiver, path: str) -> Flask:
    """An app that nothing but the receiver is in."""
    made = Flask(__name__)
    made.register_blueprint(webhook_blueprint(receiver, "/"), url_prefix=path)
    return made


def _protected_before(receiver: Receiver, path: str) -> Flask:
    made = Flask(__name__)
    made.secret_key = "made-up"
    CSRFProtect(made)
    made.register_blueprint(webhook_blueprint(receiver, path))
    return made


def _protected_after(receiver: Receiver, path: str) -> Flask:
    made = _app(receiver, path)
    CSRFProtect(made)
    return made


def _walled(receiver: Receiver, path: str) -> Flask:
    made = _app(receiver, path)

    @made.before_request
    def require_login() -> Answer:
        return redirect("/login")

    return made


def _extended(receiver: Receiver, path: str) -> Flask:
    """An app with a receiver of the extension's making beside the one that is tested."""
    made = Flask(__name__)
    made.config.update(FLORENTIN_WEBHOOK_SECRET=SECRET, FLORENTIN_PATH=f"{path}/own")
    FlorentinWebhooks().init_app(made)
    made.register_blueprint(webhook_blueprint(receiver, path, name="another"))
    return made


MOUNTS: dict[str, Callable[[Receiver, str], Flask]] = {
    "app": _app,
    "prefixed": _prefixed,
    "rooted": _rooted,
    "extended": _extended,
    "limited": lambda receiver, path: _app(receiver, path, MAX_CONTENT_LENGTH=10),
    "json-before": _after(lambda: request.get_json(force=True)),
    "data-before": _after(lambda: request.get_data(as_text=True)),
    "form-before": _after(lambda: request.form),
    "values-before": _after(lambda: request.values),
    "parsed-before": _after(lambda: request.get_data(parse_form_data=True)),
    "stream-before": _after(lambda: request.stream.read(65_536)),
    "protected-before": _protected_before,
    "protected-after": _protected_after,
    "walled": _walled,
}

_PLACE = re.compile("/(?P<mount>[a-z-]+)/(?P<name>[a-z0-9]+)/(?P<offset>-?[0-9]+)")


@cache
def _mount(mount: str, name: str, offset: str) -> Flask:
    return MOUNTS[mount](_receiver(name, int(offset)), f"/{mount}/{name}/{offset}")


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    found = _PLACE.match(environ["PATH_INFO"])
    _, what, name = (*environ["PATH_INFO"].split("/"), "", "")[:3]
    if found and found["mount"] in MOUNTS:
        return _mount(**found.groupdict())(environ, start_response)
    told: WSGIApplication = Response("not here", 404)
    if what == "seen":
        told = Response(json.dumps(_seen.get(name, [])))
    return told(environ, start_response)
