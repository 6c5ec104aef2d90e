"""Django in a process that Django did not start: its set-up, and a store in its database."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.base import Store

__all__ = ["create_store", "set_up_django"]


def set_up_django() -> bool:
    """Set Django up if the environment names its settings, as ``manage.py`` does.

    Returns whether it is set up.
    """
    if not os.environ.get("DJANGO_SETTINGS_MODULE") or find_spec("django") is None:
        return False
    import django  # noqa: PLC0415 - only where it is used.
    from django.apps import apps  # noqa: PLC0415 - the same.

    if not apps.ready:
        django.setup()
    return True


def create_store(**options: Any) -> Store:  # Any: arguments of DjangoStore, validated before.
    """Create the store in Django's database; sets Django up first if the environment names it.

    Raises :class:`ConfigurationError` without Django, or without its settings.
    """
    if find_spec("django") is None:
        raise ConfigurationError(
            'Django is not installed, and the store is "database".',
            'Install it: pip install "florentin-webhooks[django]".',
        )
    from django.apps import apps  # noqa: PLC0415 - only where it is used.

    if not apps.loading and not apps.ready and not set_up_django():
        raise ConfigurationError(
            'Django is not set up, and the store is "database".',
            "Set DJANGO_SETTINGS_MODULE, or call django.setup() before.",
        )
    from florentin_webhooks.django.store.store import DjangoStore  # noqa: PLC0415 - needs the apps.

    return DjangoStore(**options)
