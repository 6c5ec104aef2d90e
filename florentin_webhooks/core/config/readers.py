"""What a value of the configuration may be: each reader returns it in one form, or refuses it."""

from __future__ import annotations

from datetime import datetime, timedelta
from os import PathLike, fspath
from typing import TYPE_CHECKING, Annotated, cast

from pydantic import BeforeValidator, SecretBytes, ValidationInfo
from pydantic_core import PydanticCustomError

from florentin_webhooks.core.config.stores import find_store
from florentin_webhooks.core.durations import parse_duration
from florentin_webhooks.core.spool import DeliverySpool
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.secrets import Secrets, normalize_secrets, unwrap_secret

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "DOTTED",
    "MOST",
    "Count",
    "Flag",
    "Span",
    "WholeSeconds",
    "read_alias",
    "read_clock",
    "read_name",
    "read_queue",
    "read_secrets",
    "read_sender",
    "read_spool",
    "read_store",
    "split",
]

_SENDER = (
    *("name", "catalogue", "is_open", "signs_delivery_id", "signs_url", "tolerance", "retention"),
    *("scheme", "parse", "retry_content"),
)


def read_secrets(value: object, info: ValidationInfo) -> object:
    """Return the secrets by name, or the function that looks them up; refuse weak ones."""
    if callable(value):
        return value
    try:
        secrets = dict(normalize_secrets(cast("Secrets", value)))
        if sender := info.data.get("sender"):
            sender.scheme(secrets)  # Raises for a weak secret, by the rules of the sender.
    except ConfigurationError as error:
        context = {"message": error.message, "hint": error.hint}
        raise PydanticCustomError("secret", "{message}", context) from None
    return {name: SecretBytes(secret) for name, secret in secrets.items()}


def read_sender(value: object) -> object:
    """Return the sender, or raise :class:`ValueError` for another object."""
    if isinstance(value, type) or not all(hasattr(value, name) for name in _SENDER):
        raise ValueError("not a sender")
    return value


def read_store(value: object) -> object:
    """Return the store or its URL, or raise :class:`ValueError`."""
    store = unwrap_secret(value)
    if not (_is_store(store) if not isinstance(store, str) else find_store(store)):
        raise ValueError("not a store")
    return store


def _is_store(value: object) -> bool:
    methods = (getattr(value, name, None) for name in ("execute", "aexecute", "close", "aclose"))
    durations = (getattr(value, name, None) for name in ("lease", "retention"))
    return (
        not isinstance(value, type)
        and all(map(callable, methods))
        and all(isinstance(duration, timedelta) for duration in durations)
        and hasattr(value, "supports_jobs")
        and hasattr(value, "supports_transactions")
    )


def read_queue(value: object) -> object:
    """Return the queue or its name, or raise :class:`ValueError`."""
    attributes = ("name", "receiver", "timeout", "job")
    is_queue = not isinstance(value, type) and all(hasattr(value, each) for each in attributes)
    if not isinstance(value, str) and not is_queue:
        raise ValueError("not a queue")
    return value


def read_spool(value: object) -> object:
    """Return the spool or its path, or raise :class:`ValueError`."""
    if isinstance(value, PathLike):
        value = fspath(cast("PathLike[str]", value))
    is_spool = isinstance(value, DeliverySpool) and not isinstance(value, type)
    if not (isinstance(value, str) or is_spool):
        raise ValueError("not a spool")
    return value


def read_name(value: str) -> str:
    """Return a printable name of at most 100 characters, or raise :class:`ValueError`."""
    if not value.isprintable() or len(value) > _LONGEST_NAME:
        raise ValueError("not a name")
    return value


def read_clock(value: Callable[[], object]) -> object:
    """Return the clock, or raise :class:`ValueError` unless it returns aware datetimes."""
    now = value()
    if not isinstance(now, datetime) or now.utcoffset() is None:
        raise ValueError("not aware")
    return value


def read_alias(value: str) -> str:
    """Return the alias of a database, or raise :class:`ValueError` for a URL."""
    if "://" in value:
        raise ValueError("not an alias")
    return value


def _refuse_bool(value: object) -> object:
    if value is True or value is False:  # Both are of type int, too.
        raise ValueError("not a number")
    return value


def _refuse_number(value: object) -> object:
    if type(value) not in (bool, str):
        raise ValueError("neither true nor false")
    return value


def _whole_seconds(value: object) -> int:
    seconds = parse_duration(value).total_seconds()
    if seconds < 1 or not seconds.is_integer():
        raise ValueError("not whole seconds")
    return int(seconds)


def split(value: object) -> object:
    """Return the parts of a text between commas; other values stay as they are."""
    return value.split(",") if isinstance(value, str) else value


_LONGEST_NAME = 100
DOTTED = r"[^\W\d]\w*(\.[^\W\d]\w*)*"
MOST = 2**31 - 1  # What every store can count to.
Span = Annotated[timedelta, BeforeValidator(parse_duration)]
Count = Annotated[int, BeforeValidator(_refuse_bool)]
WholeSeconds = Annotated[int, BeforeValidator(_whole_seconds)]
Flag = Annotated[bool, BeforeValidator(_refuse_number)]
