"""Read what ``settings.FLORENTIN_WEBHOOKS`` holds: give the receiver, or all that is wrong.

Problems are values. An error raised here would show the secrets in the frames of its traceback.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.receiver import Receiver
from florentin_webhooks.settings import refuse_weak
from florentin_webhooks.stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from florentin_webhooks.handlers import Handler
    from florentin_webhooks.queues import Queue
    from florentin_webhooks.signatures import Secrets
    from florentin_webhooks.stores import Store

__all__ = ["APP", "PATH", "SETTING", "Problem", "SettingsReceiver", "build"]

SETTING = "FLORENTIN_WEBHOOKS"
APP = "florentin_webhooks.django"
PATH = f"{APP}:hooks"
"""The import path under which workers and commands find the receiver of the settings."""

_SPAN = ((timedelta, int, float), "a timedelta, or a number of seconds")
_KEYS: Mapping[str, tuple[Any, str]] = {  # Any: what isinstance takes.
    "SECRETS": ((str, bytes, list, tuple, dict), "a secret, a list, or a dict of names to secrets"),
    "STORE": (object, ""),
    "DATABASE": (str, "an alias of DATABASES"),
    "QUEUE": ((str, dict), 'the name of a queue, or a dict with "NAME"'),
    "TOLERANCE": _SPAN,
    "LEEWAY": _SPAN,
    "TIMEOUT": _SPAN,
    "RETENTION": _SPAN,
    "LEASE": _SPAN,
    "KEEP": _SPAN,
    "HISTORY": (int, "a number of deliveries"),
    "MAX_BODY": (int, "a number of bytes"),
}
_QUEUE_KEYS = ("NAME", "RETRIES", "TIMEOUT", "ERROR_TEXT")
_OF_STORES = ("RETENTION", "LEASE", "KEEP", "HISTORY")
_OF_RECEIVERS = ("TOLERANCE", "LEEWAY", "TIMEOUT", "MAX_BODY")
_SCHEMES = ("redis://", "rediss://", "unix://")


class Problem(NamedTuple):
    """Hold what is wrong with the settings, and what to do, under the number of a check."""

    number: str
    text: str
    hint: str


class SettingsReceiver(Receiver):
    """Be the receiver of the settings.

    *late* names the queued handlers that came after Django's set-up, which workers do not wait for.
    """

    late: tuple[str, ...] = ()

    def _add(self, handlers: Sequence[Handler]) -> None:
        super()._add(handlers)
        if apps.ready and self.queue is not None:
            self.late += tuple(handler.name for handler in handlers if not handler.inline)


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
    settings = {key: value for key, value in cast("_Given", given).items() if value is not None}
    if found := tuple(_misfits(settings)):
        return found
    try:
        return _receiver({key: _read(key, value) for key, value in settings.items()})
    except _Wrong as wrong:
        return (wrong.problem,)


_Given = Mapping[Any, Any]  # Any: whatever stands in the settings.


def _read(key: str, value: Any) -> object:  # Any: as it stands in the settings.
    if _KEYS[key] is not _SPAN or isinstance(value, timedelta):
        return value
    return timedelta(seconds=value)


def _misfits(settings: _Given) -> Iterator[Problem]:
    yield from _unknown(settings, _KEYS, SETTING)
    for key, (kinds, what) in _KEYS.items():
        if key in settings and not isinstance(settings[key], kinds):
            fact = f"{SETTING}[{key!r}] is {type(settings[key]).__name__}, not {what}"
            yield Problem("E001", fact, f"give {key} {what}, or remove it")
    queue = settings.get("QUEUE")
    if isinstance(queue, dict):
        yield from _unknown(cast("_Given", queue), _QUEUE_KEYS, f"{SETTING}['QUEUE']")


def _unknown(settings: _Given, known: Iterable[str], where: str) -> Iterator[Problem]:
    for key in settings:
        if key not in known:
            near = get_close_matches(str(key).upper(), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(known)}"
            yield Problem("E002", f"{where} has no key {key!r}", hint)


def _receiver(settings: _Given) -> SettingsReceiver:
    secrets, store = _secrets(settings), _store(settings)
    queue = _queue(settings, store)
    options = _chosen(settings, _OF_RECEIVERS)
    with _told_as("E006", f"correct {SETTING}"):
        return SettingsReceiver(secrets, store=store, queue=queue, **options)


def _secrets(settings: _Given) -> Secrets:
    secrets = settings.get("SECRETS", os.environ.get("FLORENTIN_WEBHOOK_SECRET"))
    if secrets is None:
        hint = (
            f"set SECRETS in {SETTING}, or FLORENTIN_WEBHOOK_SECRET in the environment, to the "
            "secret from Florentin's settings"
        )
        raise _Wrong("E003", "no secret is configured", hint)
    with _told_as("E003", f"correct SECRETS in {SETTING}"):
        refuse_weak(secrets)
    return cast("Secrets", secrets)


def _store(settings: _Given) -> Store:
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


def _named_store(named: str, settings: _Given) -> Store | None:
    """Give the store that is meant; loads only what that needs."""
    options = _chosen(settings, _OF_STORES)
    if named == "database":
        from florentin_webhooks.django.store import DjangoStore  # noqa: PLC0415

        return DjangoStore(settings.get("DATABASE", DEFAULT_DB_ALIAS), **options)
    if named.startswith(_SCHEMES):
        from florentin_webhooks.stores.redis import RedisStore  # noqa: PLC0415

        return RedisStore(named, **options)
    return MemoryStore(**options) if named == "memory" else None


def _own_store(settings: _Given, store: object) -> Store:
    if not hasattr(store, "aexecute"):
        fact = f"{SETTING}['STORE'] is {type(store).__name__}, which is no store"
        raise _Wrong("E004", fact, 'set it to "database", "memory", a redis:// URL, or a store')
    if lost := [key for key in _OF_STORES if key in settings]:
        fact = f"{' and '.join(lost)} cannot change a store that is made"
        raise _Wrong("E004", fact, f"give {lost[0].lower()}= to {type(store).__name__}(…) instead")
    return cast("Store", store)


def _queue(settings: _Given, store: Store) -> Queue | None:
    named = settings.get("QUEUE")
    if named is None:
        return None
    if not store.queues:
        fact = f"QUEUE is given, and {type(store).__name__} cannot push jobs"
        raise _Wrong("E005", fact, "set STORE to a redis:// URL, or remove QUEUE")
    from florentin_webhooks.rq import RQQueue  # noqa: PLC0415 - only where there is a queue.

    options = {"NAME": named} if isinstance(named, str) else cast("_Given", named)
    with _told_as("E005", f"correct QUEUE in {SETTING}"):
        return RQQueue(receiver=PATH, **_chosen(options, _QUEUE_KEYS))


def _chosen(settings: _Given, keys: Sequence[str]) -> dict[str, Any]:  # Any: checked before.
    return {key.lower(): settings[key] for key in keys if key in settings}


@contextmanager
def _told_as(number: str, hint: str) -> Generator[None]:
    """Tell what the parts refuse as a problem; their own words end with what to do."""
    try:
        yield
    except (ConfigurationError, TypeError) as error:
        fact, _, own_hint = str(error).partition("; ")
        raise _Wrong(number, fact, own_hint or hint) from None
