"""Flask apps for tests without a server."""

from __future__ import annotations

from uuid import uuid4

from flask import Flask

from florentin_webhooks import Receiver
from florentin_webhooks.flask import webhook_blueprint
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.http import Answer
from tests.support.vectors import SECRET

PATH = "/webhooks/florentin"


def flask(**config: object) -> Flask:
    app = Flask(f"shop_{uuid4().hex[:8]}")
    app.config.update(FLORENTIN_WEBHOOK_SECRET=SECRET, FLORENTIN_REDIS_URL=None, **config)
    return app


def mounted(receiver: Receiver) -> Flask:
    app = Flask(__name__)
    app.register_blueprint(webhook_blueprint(receiver))
    return app


def held(app: Flask) -> Receiver:
    """Return the receiver that the extension has built."""
    receiver = app.extensions["florentin_webhooks"]
    assert isinstance(receiver, Receiver)
    return receiver


def post(app: Flask, made: SignedDelivery | None = None, path: str = PATH) -> Answer:
    """Return the answer of *app* to *made*, or to a new delivery."""
    headers, body = made or Provider(SECRET).make("invoice.created")
    response = app.test_client().post(path, data=body, headers=headers)
    named = {name.lower(): value for name, value in response.headers}
    return Answer(response.status_code, named, response.data)
