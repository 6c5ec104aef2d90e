"""The settings and the receiver whose deliveries are remembered in a database of Django's."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import django
import left_behind_shop
from django.conf import settings

NOON = datetime(2026, 6, 6, 12, tzinfo=UTC)

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["LEFT_BEHIND_DATABASE"],
        }
    },
    INSTALLED_APPS=["florentin_webhooks.django"],
    FLORENTIN_WEBHOOKS={"SECRETS": "a-secret-of-sixteen-and-more"},
    USE_TZ=True,
)
django.setup()

from florentin_webhooks import Receiver  # noqa: E402 - Django comes first.
from florentin_webhooks.django import DjangoStore  # noqa: E402 - the same.

hooks = Receiver("a-secret-of-sixteen-and-more", store=DjangoStore(), clock=lambda: NOON)
hooks.include(left_behind_shop.router)
