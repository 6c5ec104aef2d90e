"""The receiver of Django's settings, which are another dict for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.test import override_settings

from florentin_webhooks.django import conf
from tests.support.django_settings import configure


@contextmanager
def described(given: object, **settings: Any) -> Iterator[None]:
    """Have FLORENTIN_WEBHOOKS be *given*, and other *settings* with it."""
    configure()
    conf._built.cache_clear()
    with override_settings(FLORENTIN_WEBHOOKS=given, **settings):
        yield
    conf._built.cache_clear()
