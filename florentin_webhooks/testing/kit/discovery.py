"""Find the receiver under test."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from florentin_webhooks.core.loader import load_receiver, receiver_of, set_up_django
from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from florentin_webhooks.core.receiver import Receiver

__all__ = ["find_receiver", "to_receiver"]

_HINT = (
    'Set webhooks_app = "shop.hooks:hooks" in the configuration of pytest, or write a fixture '
    "webhooks_receiver that returns the receiver."
)


def find_receiver(app: object, path: str, directory: Path) -> Receiver[object]:
    """Return the receiver of the Flask program *app*, at *path*, or of Django's settings.

    Modules in *directory* are found. Raises :class:`ConfigurationError` without a receiver.
    """
    if found := receiver_of(app):
        return found
    if path:
        return _load(path, directory)
    if found := _django_receiver():
        return found
    raise ConfigurationError("The fixture webhooks found no receiver.", _HINT)


def to_receiver(value: object, directory: Path) -> Receiver[object]:
    """Return *value*, the receiver in it, or the one at this path.

    Modules in *directory* are found. Raises :class:`ConfigurationError` without a receiver.
    """
    found = _load(value, directory) if isinstance(value, str) else receiver_of(value)
    if found is None:
        raise ConfigurationError(
            f"The value to test is of type {type(value).__name__}, without a receiver.",
            "Use a Receiver, a Flask program that has one, or its import path.",
        )
    return found


def _load(path: str, directory: Path) -> Receiver[object]:
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
    return load_receiver(path)


def _django_receiver() -> Receiver[object] | None:
    if not set_up_django():
        return None
    conf = import_module("florentin_webhooks.django.conf")
    return receiver_of(conf.receiver()) if conf.is_configured() else None
