"""Set Django up in a process that Django did not start."""

from __future__ import annotations

import os
from importlib.util import find_spec

__all__ = [
    "set_up_django",
]


def set_up_django() -> bool:
    """Set Django up where the environment names its settings, as ``manage.py`` does.

    Tells whether it does.
    """
    if not os.environ.get("DJANGO_SETTINGS_MODULE") or find_spec("django") is None:
        return False
    import django  # noqa: PLC0415 - only where it is used.
    from django.apps import apps  # noqa: PLC0415 - the same.

    if not apps.ready:
        django.setup()
    return True
