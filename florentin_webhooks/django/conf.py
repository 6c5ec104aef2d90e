"""Hold the receiver of ``settings.FLORENTIN_WEBHOOKS``, which is built once per process."""

from __future__ import annotations

from functools import cache

import django
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from florentin_webhooks.django.connections import use_fresh_connections
from florentin_webhooks.django.masking import mask_secrets
from florentin_webhooks.django.settings import SETTING, Problem, SettingsReceiver, build

__all__ = ["is_configured", "problems", "receiver", "receiver_or_none"]


def is_configured() -> bool:
    """Tell whether the settings describe a receiver, rightly or wrongly."""
    return hasattr(settings, SETTING)


def problems() -> tuple[Problem, ...]:
    """Give what is wrong with the settings."""
    built = _built()
    return built if isinstance(built, tuple) else ()


def receiver() -> SettingsReceiver:
    """Give the receiver of the settings; sets Django up where nobody has.

    Raises ``ImproperlyConfigured`` where there is none.
    """
    if not apps.loading:
        django.setup()
    built = _built()
    if isinstance(built, tuple):
        told = " ".join(f"{each.text}; {each.hint}." for each in built).replace("?.", "?")
        message = f"{told} See: manage.py check"
        raise ImproperlyConfigured(message)
    return built


def receiver_or_none() -> SettingsReceiver | None:
    """Give the receiver of the settings, None where they describe none or a wrong one."""
    return None if problems() else receiver()


@cache
def _built() -> SettingsReceiver | tuple[Problem, ...]:
    if not is_configured():
        hint = f'set {SETTING} = {{"SECRETS": …}}, or pass a Receiver of your own'
        return (Problem("E001", f"{SETTING} is not set", hint),)
    given = getattr(settings, SETTING)
    mask_secrets(given)
    built = build(given)
    if isinstance(built, SettingsReceiver):
        use_fresh_connections(built)
    return built
