"""The receiver of ``settings.FLORENTIN_WEBHOOKS``, which is built once per process."""

from __future__ import annotations

from functools import cache

import django
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from florentin_webhooks.core.config.keys import Problem
from florentin_webhooks.django.connections import use_fresh_connections
from florentin_webhooks.django.settings import SETTING, SettingsReceiver, build

__all__ = ["is_configured", "problems", "receiver", "receiver_or_none"]


def is_configured() -> bool:
    """Return whether the settings describe a receiver, valid or not."""
    return hasattr(settings, SETTING)


def problems() -> tuple[Problem, ...]:
    """Return all that is wrong with the settings."""
    built = _built()
    return built if isinstance(built, tuple) else ()


def receiver() -> SettingsReceiver:
    """Return the receiver of the settings; sets Django up if that is not done yet.

    Raises ``ImproperlyConfigured`` if the settings describe none.
    """
    if not apps.loading:
        django.setup()
    built = _built()
    if isinstance(built, tuple):
        sentences = " ".join(f"{each.message} {each.hint}" for each in built)
        raise ImproperlyConfigured(f"{sentences} For details, run: manage.py check.")
    return built


def receiver_or_none() -> SettingsReceiver | None:
    """Return the receiver of the settings, or None if they do not describe a valid one."""
    return None if problems() else receiver()


@cache
def _built() -> SettingsReceiver | tuple[Problem, ...]:
    if not is_configured():
        hint = f'Set {SETTING} = {{"SECRETS": ...}}, or pass a Receiver of your own.'
        return (Problem("settings", f"{SETTING} is not set.", hint),)
    built = build(getattr(settings, SETTING))
    if isinstance(built, SettingsReceiver):
        use_fresh_connections(built)
    return built
