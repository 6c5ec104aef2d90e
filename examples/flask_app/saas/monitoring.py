"""Metrics for Prometheus, and health checks: without a login, so do not publish them."""

from __future__ import annotations

from flask import Flask, Response, request
from prometheus_client import CollectorRegistry

from florentin_webhooks.flask import health_blueprint
from florentin_webhooks.prometheus import Metrics


def init_monitoring(app: Flask) -> None:
    """Count what *app* receives, and serve ``/metrics`` and ``/health``."""
    hooks = app.extensions["florentin_webhooks"]
    # A registry of its own, since a factory may be called again.
    metrics = Metrics(hooks, registry=CollectorRegistry())
    app.register_blueprint(health_blueprint(hooks))

    @app.get("/metrics")
    def show_metrics() -> Response:
        content_type, body = metrics.write(request.headers.get("Accept", ""))
        return Response(body, content_type=content_type)
