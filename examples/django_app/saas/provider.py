"""The provider's REST API, for handlers that need more than their event holds."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from florentin_webhooks.api import FlorentinAPI


@cache
def provider_api() -> FlorentinAPI | None:
    """Return the client that all threads share; None if no API is configured."""
    url, token = settings.PROVIDER_API_URL, settings.PROVIDER_API_TOKEN
    return FlorentinAPI(url, token) if url and token else None
