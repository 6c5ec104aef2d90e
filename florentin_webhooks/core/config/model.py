"""The configuration of a receiver: one model for the environment, Flask, Django and code.

A value that was not set stays out of what is built, so that every default is defined once, where
it is used. Stores and queues are built by name; the library that one needs is loaded then.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from typing import Annotated, Any, Literal, Self, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ImportString,
    SecretBytes,
)

from florentin_webhooks.core.clock import utc_now
from florentin_webhooks.core.config.readers import (
    DOTTED,
    MOST,
    Count,
    Flag,
    Span,
    WholeSeconds,
    read_alias,
    read_clock,
    read_name,
    read_queue,
    read_secrets,
    read_sender,
    read_spool,
    read_store,
    split,
)
from florentin_webhooks.core.config.stores import STORES, find_store
from florentin_webhooks.core.defaults import DEFAULT_SENDER
from florentin_webhooks.core.queue import Queue
from florentin_webhooks.core.spool import DeliverySpool
from florentin_webhooks.core.stores.base import Store

__all__ = ["ReceiverConfig"]


_QUEUE = "florentin_webhooks.rq.queue:RQQueue"
_SPOOL = "florentin_webhooks.spool.spool:Spool"
_ARGUMENTS = {"database": "using", "redis_prefix": "prefix"}
"""Arguments of stores with another name than the field."""
_SECONDS = 'seconds, a text such as "15m", or a timedelta'


def _span(default: timedelta | None = None) -> Any:  # Any: as pydantic's Field.
    return Field(default, gt=timedelta(), description=f"a duration above 0: {_SECONDS}")


def _count(least: int, what: str, default: int | None = None) -> Any:  # Any: as pydantic's Field.
    return Field(default, ge=least, le=MOST, description=f"a number of {what}, {least} or more")


class ReceiverConfig(BaseModel):
    """Everything that can be set of a receiver, its store and its queue.

    Each description completes the sentence "Set FIELD to ...".
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    sender: Annotated[ImportString[Any], AfterValidator(read_sender)] = Field(
        DEFAULT_SENDER,
        description="a sender, such as GitHub(), or to the path of an instance: shop.hooks:github",
    )
    secrets: Annotated[
        dict[str, SecretBytes] | Callable[..., Any], BeforeValidator(read_secrets)
    ] = Field(
        description="a secret, a list of secrets, a mapping of names to secrets, or a function "
        "that returns one of these for a request"
    )
    store: Annotated[Any, BeforeValidator(read_store)] = Field(
        None,
        repr=False,  # A URL may have a password.
        description='"memory", "database", a redis://, redis+sentinel://, redis+cluster:// or '
        "unix:// URL, or a store",
    )
    queue: Annotated[Any, BeforeValidator(read_queue)] = Field(
        None, description="the name of a queue, or a queue"
    )

    tolerance: Span | None = _span()
    leeway: Span = Field(
        timedelta(minutes=5), ge=timedelta(), description=f"a duration of 0 or more: {_SECONDS}"
    )
    timeout: Span = _span(timedelta(seconds=8))
    max_body: Count = _count(1, "bytes", 1_048_576)
    clock: Annotated[ImportString[Callable[[], datetime]], AfterValidator(read_clock)] = Field(
        utc_now,
        description="a function that returns an aware datetime in UTC, or to its import path",
    )

    name: Annotated[str, AfterValidator(read_name)] = Field(
        "", description="a short text of printable characters"
    )

    tracebacks: Literal["redacted", "full"] = Field("redacted", description="redacted or full")

    spool: Annotated[Any, BeforeValidator(read_spool)] = Field(
        None, description="the path of a local file, or a spool"
    )
    spool_max_bytes: Count | None = _count(1_048_576, "bytes")
    spool_keys: Annotated[tuple[SecretBytes, ...], BeforeValidator(split)] | None = Field(
        None, min_length=1, description="keys of Fernet, such as KEY1,KEY2"
    )

    retention: Span | None = _span()
    lease: Span | None = _span()
    unfinished_retention: Span | None = _span()
    history: Count | None = _count(0, "deliveries")
    capacity: Count | None = _count(1, "deliveries")
    database: Annotated[str, AfterValidator(read_alias)] | None = Field(
        None, description="an alias of Django's DATABASES"
    )
    redis_prefix: str | None = Field(None, description="the text that all keys begin with")
    replicas: Count | None = _count(0, "replicas")
    lanes: Count | None = _count(1, "lanes")

    queue_retries: Annotated[tuple[WholeSeconds, ...], BeforeValidator(split)] | None = Field(
        None, min_length=1, description="whole seconds of 1 or more, such as 5,30,120"
    )
    queue_timeout: WholeSeconds | None = Field(None, description="whole seconds, 1 or more")
    queue_receiver: str | None = Field(
        None,
        pattern=rf"^{DOTTED}:{DOTTED}$",
        description="an import path for workers, such as shop.hooks:hooks",
    )
    queue_error_text: Flag | None = Field(None, description="true or false")

    def receiver_options(self) -> dict[str, Any]:  # Any: arguments of the types above.
        """Return the arguments of ``Receiver`` that were set, but for store and queue."""
        options = self._set(
            ("sender", "tolerance", "leeway", "timeout", "max_body", "clock", "name", "tracebacks")
        )
        if self.spool is not None:
            options.append(("spool", self.build_spool()))
        return {"secrets": self.secrets_source or self.plain_secrets(), **dict(options)}

    @property
    def secrets_source(self) -> Callable[..., Any] | None:
        """The function that looks secrets up for each request, if there is one."""
        return self.secrets if callable(self.secrets) else None

    @property
    def known_secrets(self) -> dict[str, SecretBytes]:
        """The secrets that are known at start, by name."""
        return {} if callable(self.secrets) else self.secrets

    def plain_secrets(self) -> dict[str, bytes]:
        """Return the secrets themselves, by name."""
        return {name: secret.get_secret_value() for name, secret in self.known_secrets.items()}

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

    def build_spool(self) -> DeliverySpool | None:
        """Create the spool, if there is one; loads the library that it needs."""
        if not isinstance(self.spool, str):
            return cast("DeliverySpool | None", self.spool)
        options: dict[str, Any] = {
            "keys": [key.get_secret_value() for key in self.spool_keys or ()]
        }
        if self.spool_max_bytes is not None:
            options["max_bytes"] = self.spool_max_bytes
        return cast("DeliverySpool", _load(_SPOOL)(self.spool, **options))

    def _set(self, names: tuple[str, ...]) -> list[tuple[str, Any]]:  # Any: as above.
        return [(name, getattr(self, name)) for name in names if name in self.model_fields_set]


def _load(path: str) -> Callable[..., object]:
    module, _, name = path.partition(":")
    return cast("Callable[..., object]", getattr(import_module(module), name))
