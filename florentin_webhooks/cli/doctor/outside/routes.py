"""Explain a 404: which framework or proxy wrote it, and how the receiver is mounted there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from florentin_webhooks.cli.doctor.check import fail

if TYPE_CHECKING:
    from florentin_webhooks.cli.doctor.check import Check
    from florentin_webhooks.cli.doctor.outside.exchange import Exchange

__all__ = ["explain_missing_route"]

_FRAMEWORKS = (
    (
        r"using the URLconf|The requested resource was not found on this server",
        "Django",
        'Add webhook_path("{bare}", hooks) to urlpatterns.',
    ),
    (
        r"If you entered the URL manually please check your spelling",
        "Flask",
        'Add app.register_blueprint(webhook_blueprint(hooks, "{path}")).',
    ),
    (
        r'^\{"detail":"Not Found"\}$',
        "FastAPI",
        'Add app.include_router(webhook_router(hooks, "{path}")).',
    ),
    (
        r"^Not Found$",
        "Starlette",
        'Add Route("{path}", WebhookApp(hooks), methods=["POST"]).',
    ),
    (
        r"<center>(?:nginx|openresty)",
        "nginx",
        "Pass {path} on to the program: location {path} {{ proxy_pass ...; }}",
    ),
)
_OTHER = "Compare the path with the one it has there."


def explain_missing_route(sent: Exchange) -> Check:
    """Return the check of a 404."""
    path = urlsplit(sent.url).path or "/"
    for pattern, name, hint in _FRAMEWORKS:
        if re.search(pattern, sent.text.strip(), re.IGNORECASE):
            message = f"No route leads to the receiver: {name} answers with 404."
            return fail("route", message, hint.format(path=path, bare=path.strip("/")))
    return fail("route", "No route leads to the receiver (HTTP 404).", _OTHER)
