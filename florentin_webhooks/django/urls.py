"""URL patterns that serve a receiver."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured
from django.urls import re_path

from florentin_webhooks.django.views import webhook_view

if TYPE_CHECKING:
    from django.urls import URLPattern

    from florentin_webhooks.core.receiver import Receiver

__all__ = ["webhook_path"]

NAME = "florentin-webhooks"


def webhook_path(
    route: str = "webhooks/florentin", hooks: Receiver[object] | None = None, *, name: str = NAME
) -> URLPattern:
    """Return the URL pattern that serves *hooks* at *route*, with and without a trailing slash.

    Without *hooks* it serves the receiver of ``settings.FLORENTIN_WEBHOOKS``. Neither form
    redirects to the other, also with ``APPEND_SLASH``. ``reverse(name)`` returns the path.

    Raises ``ImproperlyConfigured`` for a route that is empty without its slashes.
    """
    plain = route.strip("/")
    if not plain:
        raise ImproperlyConfigured(
            f"The route {route!r} is empty without its slashes. Pass the whole path here, as in "
            'webhook_path("webhooks/florentin"), and not to include().'
        )
    return re_path(rf"^{re.escape(plain)}/?\Z", webhook_view(hooks), name=name)
