"""Mount a receiver, or its health, in any ASGI program."""

from florentin_webhooks.asgi.health import HealthApp
from florentin_webhooks.asgi.mounts import WebhookApp, WebhookMiddleware

__all__ = ["HealthApp", "WebhookApp", "WebhookMiddleware"]
