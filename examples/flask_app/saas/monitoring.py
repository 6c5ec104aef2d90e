"""Metrics and health checks, which have no login, so do not publish them; and the inspector."""

from __future__ import annotations

from flask import Flask, Response, request
from prometheus_client import CollectorRegistry

from florentin_webhooks.flask import health_blueprint, inspector_blueprint
from florentin_webhooks.prometheus import Metrics


def init_monitoring(app: Flask) -> None:
    """Count what *app* receives, and serve ``/metrics``, ``/health`` and ``/inspector``."""
    hooks = app.extensions["florentin_webhooks"]
    # A registry of its own, since a factory may be called again.
    metrics = Metrics(hooks, registry=CollectorRegistry())
    app.register_blueprint(health_blueprint(hooks))
    # Without a password, only this machine sees the inspector.
    password = app.config.get("INSPECTOR_PASSWORD")
    auth = ("operator", password) if password else None
    app.register_blueprint(inspector_blueprint(hooks, path="/inspector", auth=auth))

    @app.get("/metrics")
    def show_metrics() -> Response:
        content_type, body = metrics.write(request.headers.get("Accept", ""))
        return Response(body, content_type=content_type)
