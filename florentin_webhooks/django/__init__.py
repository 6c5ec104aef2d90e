"""An app for ``INSTALLED_APPS``, a URL pattern and a store for Django programs.

Django imports this package before its apps are ready, so every name is loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from florentin_webhooks.protocol.suggestions import missing_extra

__all__ = [
    "DjangoStore",
    "health_path",
    "hooks",
    "inspector_path",
    "webhook_path",
    "webhook_view",
]

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.django.health import health_path
    from florentin_webhooks.django.inspector import inspector_path
    from florentin_webhooks.django.store.store import DjangoStore
    from florentin_webhooks.django.urls import webhook_path
    from florentin_webhooks.django.views import webhook_view

    hooks: Receiver
    """The receiver of ``settings.FLORENTIN_WEBHOOKS``."""
else:
    # Hidden from type checkers, which would accept every misspelt name.
    _HOMES = {
        "DjangoStore": "store",
        "health_path": "health",
        "inspector_path": "inspector",
        "webhook_path": "urls",
        "webhook_view": "views",
    }

    def __getattr__(name):
        if name not in __all__:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        if name == "hooks":
            return _module("conf").receiver()
        return getattr(_module(_HOMES[name]), name)

    def __dir__():
        return sorted({*globals(), *__all__})

    def _module(name):
        try:
            return import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as missing:
            raise missing_extra(missing, "django", "Django") from None
