"""Serve a receiver at a path of the program's URLs."""

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
    route: str = "webhooks/florentin", hooks: Receiver | None = None, *, name: str = NAME
) -> URLPattern:
    """Give the URL pattern that serves *hooks* at *route*, with and without a slash at its end.

    Without *hooks* it serves the receiver of ``settings.FLORENTIN_WEBHOOKS``. Neither form is a
    redirect to the other, whatever ``APPEND_SLASH`` says. ``reverse(name)`` gives the path.

    Raises ``ImproperlyConfigured`` for a route that has not both forms.
    """
    plain = route.strip("/")
    if not plain:
        message = (
            f"the route {route!r} has no form without a slash at its end; give the place here, as "
            'in webhook_path("webhooks/florentin"), and not to include()'
        )
        raise ImproperlyConfigured(message)
    return re_path(rf"^{re.escape(plain)}/?\Z", webhook_view(hooks), name=name)
