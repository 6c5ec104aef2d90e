"""Receivers in Flask programs, mounted by a blueprint or by the extension."""

from __future__ import annotations

try:
    from florentin_webhooks.flask.blueprint import webhook_blueprint
    from florentin_webhooks.flask.extension import FlorentinWebhooks
    from florentin_webhooks.flask.health import health_blueprint
except ModuleNotFoundError as missing:
    if missing.name != "flask":
        raise
    message = 'Flask is not installed. Install it: pip install "florentin-webhooks[flask]"'
    raise ModuleNotFoundError(message, name="flask") from None

__all__ = ["FlorentinWebhooks", "health_blueprint", "webhook_blueprint"]
