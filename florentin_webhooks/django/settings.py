"""Read what ``settings.FLORENTIN_WEBHOOKS`` holds: give the receiver, or all that is wrong.

Problems are values. An error raised here would show the secrets in the frames of its traceback.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS

from florentin_webhooks.core.receiver import Receiver
from florentin_webhooks.core.stores.memory import MemoryStore
from florentin_webhooks.django.settings_schema import (
    DURATION_KEYS,
    OF_QUEUES,
    SETTING,
    Problem,
    RawSettings,
    find_problems,
)
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.secrets import validate_strength

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from florentin_webhooks.core.queue import Queue
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.senders.secrets import Secrets

__all__ = ["PATH", "SETTING", "Problem", "SettingsReceiver", "build"]

PATH = "florentin_webhooks.django:hooks"
"""The import path under which workers and commands find the receiver of the settings."""

_VARIABLE = "FLORENTIN_WEBHOOK_SECRET"
_OF_A_STORE = (
    "execute",
    "aexecute",
    "lease",
    "retention",
    "supports_jobs",
    "supports_transactions",
)
_OF_STORES = ("RETENTION", "LEASE", "KEEP", "HISTORY")
_OF_RECEIVERS = ("TOLERANCE", "LEEWAY", "TIMEOUT", "MAX_BODY")
_SCHEMES = ("redis://", "rediss://", "unix://")


class SettingsReceiver(Receiver):
    """Be the receiver of the settings.

    *late* names the queued handlers that came after Django's set-up, which workers do not wait for.
    """

    late_handlers: tuple[str, ...] = ()

    def _check_handler(self, handler: Handler) -> None:
        super()._check_handler(handler)
        if apps.ready and self.queue is not None and not handler.options.inline:
            self.late_handlers += (handler.name,)


class _Wrong(Exception):
    """Carry a problem to where it becomes a value."""

    def __init__(self, number: str, text: str, hint: str) -> None:
        super().__init__(text)
        self.problem = Problem(number, text, hint)


def build(given: object) -> SettingsReceiver | tuple[Problem, ...]:
    """Give the receiver that *given* describes, or all that is wrong with it."""
    if not isinstance(given, dict):
        kind = type(given).__name__
        return (Problem("E001", f"{SETTING} is {kind}, not a dict", f"write {SETTING} = {{…}}"),)
    settings = {
        key: value for key, value in cast("RawSettings", given).items() if value is not None
    }
    if found := tuple(find_problems(settings)):
        return found
    try:
        return _receiver({key: _read(key, value) for key, value in settings.items()})
    except _Wrong as wrong:
        return (wrong.problem,)


def _read(key: str, value: Any) -> object:  # Any: as it stands in the settings.
    if key not in DURATION_KEYS or isinstance(value, timedelta):
        return value
    return timedelta(seconds=value)


def _receiver(settings: RawSettings) -> SettingsReceiver:
    secrets, store = _secrets(settings), _store(settings)
    queue = _queue(settings, store)
    options = _chosen(settings, _OF_RECEIVERS)
    with _told_as("E006", f"correct {SETTING}"):
        return SettingsReceiver(secrets, store=store, queue=queue, **options)


def _secrets(settings: RawSettings) -> Secrets:
    secrets = settings.get("SECRETS", os.environ.get(_VARIABLE))
    if secrets is None:
        hint = (
            f"set SECRETS in {SETTING}, or {_VARIABLE} in the environment, to the secret from "
            "Florentin's settings"
        )
        raise _Wrong("E003", "no secret is configured", hint)
    where = "SECRETS" if "SECRETS" in settings else _VARIABLE
    with _told_as("E003", f"correct {where}", f"{where}: "):
        validate_strength(secrets)
    return cast("Secrets", secrets)


def _store(settings: RawSettings) -> Store:
    named = settings.get("STORE", "database")
    if named != "database" and "DATABASE" in settings:
        fact = "DATABASE is given, and STORE is another one"
        raise _Wrong("E004", fact, 'remove DATABASE, or set STORE to "database"')
    if not isinstance(named, str):
        return _own_store(settings, named)
    with _told_as("E004", f"correct STORE in {SETTING}"):
        store = _named_store(named, settings)
        if store is not None:
            return store
    # Not quoted: it may be a URL with a password.
    fact = f"{SETTING}['STORE'] names no store"
    raise _Wrong("E004", fact, 'set it to "database", "memory", or a redis:// URL')


def _named_store(named: str, settings: RawSettings) -> Store | None:
    """Give the store that is meant; loads only what that needs."""
    options = _chosen(settings, _OF_STORES)
    if named == "database":
        from florentin_webhooks.django.store.store import DjangoStore  # noqa: PLC0415

        if "keep" in options:
            options["unfinished_retention"] = options.pop("keep")
        return DjangoStore(settings.get("DATABASE", DEFAULT_DB_ALIAS), **options)
    if named.startswith(_SCHEMES):
        from florentin_webhooks.redis.store import RedisStore  # noqa: PLC0415

        if "keep" in options:
            options["unfinished_retention"] = options.pop("keep")
        return RedisStore(named, **options)
    return MemoryStore(**options) if named == "memory" else None


def _own_store(settings: RawSettings, store: object) -> Store:
    if isinstance(store, type) or not all(hasattr(store, name) for name in _OF_A_STORE):
        fact = f"{SETTING}['STORE'] is {type(store).__name__}, which is no store"
        raise _Wrong("E004", fact, 'set it to "database", "memory", a redis:// URL, or a store')
    if lost := [key for key in _OF_STORES if key in settings]:
        fact = f"{' and '.join(lost)} cannot change a store that is made"
        raise _Wrong("E004", fact, f"give {lost[0].lower()}= to {type(store).__name__}(…) instead")
    return cast("Store", store)


def _queue(settings: RawSettings, store: Store) -> Queue | None:
    named = settings.get("QUEUE")
    if named is None:
        return None
    if not store.supports_jobs:
        fact = f"QUEUE is given, and {type(store).__name__} cannot push jobs"
        raise _Wrong("E005", fact, "set STORE to a redis:// URL, or remove QUEUE")
    from florentin_webhooks.rq.queue import RQQueue  # noqa: PLC0415 - only where there is a queue.

    options = {"NAME": named} if isinstance(named, str) else cast("RawSettings", named)
    with _told_as("E005", f"correct QUEUE in {SETTING}"):
        return RQQueue(receiver=PATH, **_chosen(options, OF_QUEUES))


def _chosen(settings: RawSettings, keys: Iterable[str]) -> dict[str, Any]:  # Any: checked before.
    return {key.lower(): settings[key] for key in keys if key in settings}


@contextmanager
def _told_as(number: str, hint: str, where: str = "") -> Generator[None]:
    """Tell what the parts refuse as a problem of *where*; their own words end with what to do."""
    try:
        yield
    except (ConfigurationError, TypeError) as error:
        fact, _, own_hint = str(error).partition("; ")
        raise _Wrong(number, where + fact, own_hint or hint) from None
