"""Receivers in Flask programs, mounted by a blueprint or by the extension."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.protocol.suggestions import missing_extra

try:
    from florentin_webhooks.flask.blueprint import webhook_blueprint
    from florentin_webhooks.flask.extension import FlorentinWebhooks
    from florentin_webhooks.flask.health import health_blueprint
except ModuleNotFoundError as missing:
    raise missing_extra(missing, "flask", "Flask") from None

__all__ = ["FlorentinWebhooks", "health_blueprint", "inspector_blueprint", "webhook_blueprint"]

if TYPE_CHECKING:
    from florentin_webhooks.flask.inspector import inspector_blueprint
else:

    def __getattr__(name):
        """Return the blueprint of the inspector, which is imported by programs that use it."""
        if name != "inspector_blueprint":
            text = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(text)
        from florentin_webhooks.flask.inspector import inspector_blueprint  # noqa: PLC0415 - above.

        return inspector_blueprint
