"""Hold the receiver of ``settings.FLORENTIN_WEBHOOKS``, which is built once per process."""

from __future__ import annotations

from functools import cache
from typing import cast

import django
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from florentin_webhooks.django.connections import fit
from florentin_webhooks.django.options import SETTING, Problem, SettingsReceiver, build

__all__ = ["is_configured", "problems", "receiver"]


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
        told = " ".join(f"{each.text}; {each.hint}." for each in built)
        message = f"{told} See: manage.py check"
        raise ImproperlyConfigured(message)
    return built


class _Address(str):
    """Be a URL that shows no password where settings are shown, as on Django's error page."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(f"{self.partition('://')[0]}://…")


@cache
def _built() -> SettingsReceiver | tuple[Problem, ...]:
    if not is_configured():
        hint = f'set {SETTING} = {{"SECRETS": …}}, or pass a Receiver of your own'
        return (Problem("E001", f"{SETTING} is not set", hint),)
    given = getattr(settings, SETTING)
    _conceal(given)
    built = build(given)
    if isinstance(built, SettingsReceiver):
        fit(built)
    return built


def _conceal(given: object) -> None:
    # In place, since Django shows the settings themselves; it hides SECRETS by the key's name.
    if isinstance(given, dict):
        options = cast("dict[str, object]", given)
        store = options.get("STORE")
        if isinstance(store, str) and "://" in store:
            options["STORE"] = _Address(store)
