"""The provider's REST API, for handlers that need more than their event holds."""

from __future__ import annotations

from typing import cast

from flask import Flask, current_app

from florentin_webhooks.api import FlorentinAPI

_NAME = "provider_api"


def init_provider(app: Flask) -> None:
    """Create the client of *app*, which all its threads share; None if no API is configured."""
    url, token = app.config["PROVIDER_API_URL"], app.config["PROVIDER_API_TOKEN"]
    app.extensions[_NAME] = FlorentinAPI(url, token) if url and token else None


def provider_api() -> FlorentinAPI | None:
    """Return the client of the running app."""
    return cast("FlorentinAPI | None", current_app.extensions[_NAME])
