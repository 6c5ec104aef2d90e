"""Read what an app's config says of its receiver; values may be strings, as in the environment.

Pure: a mapping in, settings out. Only what is set is handed on, so that every default stands where
the thing itself does. Keys are written here without their prefix.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, cast

from florentin_webhooks.core.suggestions import closest_match
from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from florentin_webhooks.senders.secrets import Secrets

__all__ = ["DEFAULT_PATH", "KEYS", "OPTIONS", "PREFIX", "Option", "Settings", "read"]

PREFIX = "FLORENTIN_"
DEFAULT_PATH = "/webhooks/florentin"

Options = dict[str, Any]  # Any: keyword arguments, which were read to their types here.


@dataclass(frozen=True, slots=True)
class Settings:
    """Hold what is set: where to mount and remember, and the options of each part by name."""

    secrets: Secrets = field(repr=False)
    path: str | None
    redis_url: str | None = field(repr=False)
    queue: str | None
    for_receiver: Options
    for_store: Options
    for_queue: Options


class Option(NamedTuple):
    """Say which *part* takes a value, under which *name*, and how it is read."""

    part: str
    name: str
    read: Callable[[str, object], object]


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        _refuse(key, value, "text")
    return value


def _duration(key: str, value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    try:
        return timedelta(seconds=float(cast("str", value)))
    except (TypeError, ValueError, OverflowError):
        _refuse(key, value, "seconds, or a timedelta")


def _whole(key: str, value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        _refuse(key, value, "a whole number")


def _wholes(key: str, value: object) -> tuple[int, ...]:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | tuple):
        _refuse(key, value, "whole seconds, such as 5,30,120")
    return tuple(_whole(key, each) for each in cast("list[object]", value))


_PLAIN = ("WEBHOOK_SECRET", "WEBHOOK_SECRETS", "REDIS_URL", "QUEUE", "APP", "PATH")
OPTIONS: Mapping[str, Option] = {
    "TOLERANCE": Option("receiver", "tolerance", _duration),
    "LEEWAY": Option("receiver", "leeway", _duration),
    "TIMEOUT": Option("receiver", "timeout", _duration),
    "MAX_BODY": Option("receiver", "max_body", _whole),
    "RETENTION": Option("store", "retention", _duration),
    "KEEP": Option("store", "unfinished_retention", _duration),
    "LEASE": Option("store", "lease", _duration),
    "HISTORY": Option("store", "history", _whole),
    "REDIS_PREFIX": Option("store", "prefix", _text),
    "RETRIES": Option("queue", "retries", _wholes),
    "JOB_TIMEOUT": Option("queue", "timeout", _whole),
}
_FROM_ENVIRONMENT = ("WEBHOOK_SECRET", "REDIS_URL", "QUEUE")
"""What ``Receiver.from_env()`` reads as well."""

KEYS = tuple(PREFIX + key for key in (*_PLAIN, *OPTIONS))
"""Every key that an app's config may have."""


def read(config: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    """Give the settings in *config*, and from *environ* what ``Receiver.from_env`` reads there.

    A key of *config* counts more than the variable of its name, also where it is None, which
    stands for nothing. Raises :class:`ConfigurationError` for a key that is not known, and for
    values that cannot be meant.
    """
    _refuse_unknown(config)
    given = _given(config, environ)
    return Settings(
        secrets=_secrets(given),
        path=_optional(given, "PATH") if PREFIX + "PATH" in config else DEFAULT_PATH,
        redis_url=_optional(given, "REDIS_URL"),
        queue=_optional(given, "QUEUE"),
        for_receiver=_options(given, "receiver"),
        for_store=_options(given, "store"),
        for_queue=_options(given, "queue"),
    )


def _given(config: Mapping[str, object], environ: Mapping[str, str]) -> dict[str, object]:
    """Give what is set, by key: an empty string is nothing, as in a shell."""
    told: dict[str, object] = {key: environ.get(PREFIX + key) for key in _FROM_ENVIRONMENT}
    if config.get(PREFIX + "WEBHOOK_SECRETS") is not None:
        del told["WEBHOOK_SECRET"]
    told.update((key.removeprefix(PREFIX), config[key]) for key in KEYS if key in config)
    return {key: value for key, value in told.items() if value is not None and value != ""}


def _secrets(given: Mapping[str, object]) -> Secrets:
    one, several = given.get("WEBHOOK_SECRET"), given.get("WEBHOOK_SECRETS")
    key = PREFIX + "WEBHOOK_SECRET"
    if one is None and several is None:
        message = f"{key} is not set; copy it from Florentin's settings"
        raise ConfigurationError(message)
    if one is not None and several is not None:
        message = f"{key} and {key}S are both set; keep one of them"
        raise ConfigurationError(message)
    if several is None:
        return {key: cast("str", one)}  # Named, so that what is wrong with it names the key.
    return _mapping(f"{key}S", several)


def _mapping(key: str, value: object) -> Secrets:
    try:
        read = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        read = None
    if not isinstance(read, Mapping | list | tuple):
        # Not the value: these are secrets.
        message = f"{key} is neither a mapping of names to secrets, nor a list, nor JSON of one"
        raise ConfigurationError(message)
    return cast("Secrets", read)


def _optional(given: Mapping[str, object], key: str) -> str | None:
    return _text(PREFIX + key, given[key]) if key in given else None


def _options(given: Mapping[str, object], part: str) -> Options:
    return {
        option.name: option.read(PREFIX + key, given[key])
        for key, option in OPTIONS.items()
        if option.part == part and key in given
    }


def _refuse_unknown(config: Mapping[str, object]) -> None:
    for key in config:
        if key.startswith(PREFIX) and key not in KEYS:
            near = closest_match(key.removeprefix(PREFIX), (*_PLAIN, *OPTIONS))
            meant = f"did you mean {PREFIX}{near}?" if near else f"there are {', '.join(KEYS)}"
            message = f"there is no setting {key}; {meant}"
            raise ConfigurationError(message)


def _refuse(key: str, value: object, wanted: str) -> NoReturn:
    message = f"{key} is {value!r}; give {wanted}"
    raise ConfigurationError(message)
