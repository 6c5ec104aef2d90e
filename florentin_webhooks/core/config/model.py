"""The configuration of a receiver: one model for the environment, Flask, Django and code.

A value that was not set stays out of what is built, so that every default is defined once, where
it is used. Stores and queues are built by name; the library that one needs is loaded then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from importlib import import_module
from typing import Annotated, Any, Literal, NamedTuple, Self, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ImportString,
    SecretBytes,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError

from florentin_webhooks.core.clock import utc_now
from florentin_webhooks.core.defaults import DEFAULT_SENDER
from florentin_webhooks.core.durations import parse_duration
from florentin_webhooks.core.queue import Queue
from florentin_webhooks.core.stores.base import Store
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.secrets import Secrets, normalize_secrets, unwrap_secret

__all__ = ["STORES", "ReceiverConfig", "StoreEntry", "find_store"]


class StoreEntry(NamedTuple):
    """A store that can be named: the *path* of what builds it, and the *options* that it takes."""

    path: str
    options: tuple[str, ...]


_KEPT = ("retention", "lease", "unfinished_retention", "history")
_REDIS = StoreEntry("florentin_webhooks.redis.store:RedisStore", (*_KEPT, "redis_prefix"))
STORES: Mapping[str, StoreEntry] = {
    "memory": StoreEntry(
        "florentin_webhooks.core.stores.memory:MemoryStore", ("retention", "lease", "capacity")
    ),
    "database": StoreEntry(
        "florentin_webhooks.django.bootstrap:create_store", (*_KEPT, "database")
    ),
    **dict.fromkeys(("redis://", "rediss://", "unix://"), _REDIS),
}
"""Stores by name, or by the scheme of their URL. A new store registers here."""

_SENDER = (
    *("name", "catalogue", "is_open", "signs_delivery_id", "signs_url", "tolerance", "retention"),
    *("scheme", "parse", "retry_content"),
)
_QUEUE = "florentin_webhooks.rq.queue:RQQueue"
_ARGUMENTS = {"database": "using", "redis_prefix": "prefix"}
"""Arguments of stores with another name than the field."""


def find_store(name: str) -> StoreEntry | None:
    """Return the store that *name*, or the scheme of the URL *name*, selects."""
    scheme, separator, _ = name.partition("://")
    return STORES.get(scheme + separator)


def _read_secrets(value: object, info: ValidationInfo) -> dict[str, SecretBytes]:
    try:
        secrets = dict(normalize_secrets(cast("Secrets", value)))
        if sender := info.data.get("sender"):
            sender.scheme(secrets)  # Raises for a weak secret, by the rules of the sender.
    except ConfigurationError as error:
        context = {"message": error.message, "hint": error.hint}
        raise PydanticCustomError("secret", "{message}", context) from None
    return {name: SecretBytes(secret) for name, secret in secrets.items()}


def _read_sender(value: object) -> object:
    if isinstance(value, type) or not all(hasattr(value, name) for name in _SENDER):
        raise ValueError("not a sender")
    return value


def _read_store(value: object) -> object:
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


def _read_queue(value: object) -> object:
    attributes = ("name", "receiver", "timeout", "job")
    is_queue = not isinstance(value, type) and all(hasattr(value, each) for each in attributes)
    if not isinstance(value, str) and not is_queue:
        raise ValueError("not a queue")
    return value


def _read_name(value: str) -> str:
    if not value.isprintable() or len(value) > _LONGEST_NAME:
        raise ValueError("not a name")
    return value


def _read_alias(value: str) -> str:
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


def _split(value: object) -> object:
    return value.split(",") if isinstance(value, str) else value


_LONGEST_NAME = 100
_DOTTED = r"[^\W\d]\w*(\.[^\W\d]\w*)*"
_MOST = 2**31 - 1  # What every store can count to.
_Span = Annotated[timedelta, BeforeValidator(parse_duration)]
_Count = Annotated[int, BeforeValidator(_refuse_bool)]
_WholeSeconds = Annotated[int, BeforeValidator(_whole_seconds)]
_Flag = Annotated[bool, BeforeValidator(_refuse_number)]
_SECONDS = 'seconds, a text such as "15m", or a timedelta'


def _span(default: timedelta | None = None) -> Any:  # Any: as pydantic's Field.
    return Field(default, gt=timedelta(), description=f"a duration above 0: {_SECONDS}")


def _count(least: int, what: str, default: int | None = None) -> Any:  # Any: as pydantic's Field.
    return Field(default, ge=least, le=_MOST, description=f"a number of {what}, {least} or more")


class ReceiverConfig(BaseModel):
    """Everything that can be set of a receiver, its store and its queue.

    Each description completes the sentence "Set FIELD to ...".
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    sender: Annotated[ImportString[Any], AfterValidator(_read_sender)] = Field(
        DEFAULT_SENDER, description="a sender, or its import path"
    )
    secrets: Annotated[dict[str, SecretBytes], BeforeValidator(_read_secrets)] = Field(
        description="a secret, a list of secrets, or a mapping of names to secrets"
    )
    store: Annotated[Any, BeforeValidator(_read_store)] = Field(
        None,
        repr=False,  # A URL may have a password.
        description='"memory", "database", a redis://, rediss:// or unix:// URL, or a store',
    )
    queue: Annotated[Any, BeforeValidator(_read_queue)] = Field(
        None, description="the name of a queue, or a queue"
    )

    tolerance: _Span | None = _span()
    leeway: _Span = Field(
        timedelta(minutes=5), ge=timedelta(), description=f"a duration of 0 or more: {_SECONDS}"
    )
    timeout: _Span = _span(timedelta(seconds=8))
    max_body: _Count = _count(1, "bytes", 1_048_576)
    clock: ImportString[Callable[[], datetime]] = Field(
        utc_now, description="a function that returns the time in UTC, or its import path"
    )

    name: Annotated[str, AfterValidator(_read_name)] = Field(
        "", description="a short text of printable characters"
    )

    tracebacks: Literal["redacted", "full"] = Field("redacted", description="redacted or full")

    retention: _Span | None = _span()
    lease: _Span | None = _span()
    unfinished_retention: _Span | None = _span()
    history: _Count | None = _count(0, "deliveries")
    capacity: _Count | None = _count(1, "deliveries")
    database: Annotated[str, AfterValidator(_read_alias)] | None = Field(
        None, description="an alias of Django's DATABASES"
    )
    redis_prefix: str | None = Field(None, description="the text that all keys begin with")

    queue_retries: Annotated[tuple[_WholeSeconds, ...], BeforeValidator(_split)] | None = Field(
        None, min_length=1, description="whole seconds of 1 or more, such as 5,30,120"
    )
    queue_timeout: _WholeSeconds | None = Field(None, description="whole seconds, 1 or more")
    queue_receiver: str | None = Field(
        None,
        pattern=rf"^{_DOTTED}:{_DOTTED}$",
        description="an import path for workers, such as shop.hooks:hooks",
    )
    queue_error_text: _Flag | None = Field(None, description="true or false")

    def receiver_options(self) -> dict[str, Any]:  # Any: arguments of the types above.
        """Return the arguments of ``Receiver`` that were set, but for store and queue."""
        options = self._set(
            ("sender", "tolerance", "leeway", "timeout", "max_body", "clock", "name", "tracebacks")
        )
        return {"secrets": self.plain_secrets(), **dict(options)}

    def plain_secrets(self) -> dict[str, bytes]:
        """Return the secrets themselves, by name."""
        return {name: secret.get_secret_value() for name, secret in self.secrets.items()}

    def with_queue_receiver(self, path: str) -> Self:
        """Return this configuration with *path* as the import path of the receiver."""
        return self.model_copy(update={"queue_receiver": path})

    def build_store(self) -> Store:
        """Create the store, by default one in memory; loads the library that it needs."""
        if not isinstance(self.store, str | None):
            return cast("Store", self.store)
        entry = find_store(self.store or "") or STORES["memory"]
        options = {_ARGUMENTS.get(name, name): value for name, value in self._set(entry.options)}
        url = (self.store,) if self.store and "://" in self.store else ()
        return cast("Store", _load(entry.path)(*url, **options))

    def build_queue(self) -> Queue | None:
        """Create the queue, if there is one; loads the library that it needs."""
        if not isinstance(self.queue, str):
            return cast("Queue | None", self.queue)
        names = ("queue_retries", "queue_timeout", "queue_receiver", "queue_error_text")
        options = {name.removeprefix("queue_"): value for name, value in self._set(names)}
        return cast("Queue", _load(_QUEUE)(self.queue, **options))

    def _set(self, names: tuple[str, ...]) -> list[tuple[str, Any]]:  # Any: as above.
        return [(name, getattr(self, name)) for name in names if name in self.model_fields_set]


def _load(path: str) -> Callable[..., object]:
    module, _, name = path.partition(":")
    return cast("Callable[..., object]", getattr(import_module(module), name))
