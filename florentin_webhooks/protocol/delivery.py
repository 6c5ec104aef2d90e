"""Values of a delivery: what arrived, its outcome, and the reply.

All frozen, all free of I/O. A repr shows neither body nor signature.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.frozen import draft_class, slot_setters

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from florentin_webhooks.errors import WebhookError

__all__ = [
    "Delivery",
    "DeliveryDraft",
    "OnceContext",
    "Outcome",
    "Reply",
    "name_secret",
    "split_name",
]


class Outcome(StrEnum):
    """What became of a delivery."""

    PROCESSED = "processed"
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    ANSWERED = "answered"
    """A genuine request of the sender's own, such as a challenge; not an event."""
    MALFORMED = "malformed"
    STALE = "stale"
    INVALID_SIGNATURE = "invalid-signature"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    READ_TIMEOUT = "read-timeout"
    IN_PROGRESS = "in-progress"
    TOO_LARGE = "too-large"
    UNSUPPORTED_ENCODING = "unsupported-encoding"
    INVALID_EVENT = "invalid-event"
    BODY_UNAVAILABLE = "body-unavailable"
    HANDLER_FAILED = "handler-failed"
    UNAVAILABLE = "unavailable"
    __hash__ = str.__hash__  # Enum's is a function in Python, for each look-up by outcome.

    @property
    def status(self) -> int:
        """HTTP status of the reply."""
        return _STATUS[self]


_STATUS = {
    Outcome.PROCESSED: 200,
    Outcome.ACCEPTED: 202,
    Outcome.DUPLICATE: 200,
    Outcome.IGNORED: 200,
    Outcome.ANSWERED: 200,
    Outcome.MALFORMED: 400,
    Outcome.STALE: 400,
    Outcome.INVALID_SIGNATURE: 401,
    Outcome.METHOD_NOT_ALLOWED: 405,
    Outcome.READ_TIMEOUT: 408,
    Outcome.IN_PROGRESS: 409,
    Outcome.TOO_LARGE: 413,
    Outcome.UNSUPPORTED_ENCODING: 415,
    Outcome.INVALID_EVENT: 422,
    Outcome.BODY_UNAVAILABLE: 500,
    Outcome.HANDLER_FAILED: 500,
    Outcome.UNAVAILABLE: 503,
}

_TENANT = "tenant:"


def name_secret(tenant: str, name: str) -> str:
    """Return the name under which stores and logs have the secret *name* of *tenant*."""
    return f"{_TENANT}{tenant}/{name.replace('/', '|')}" if tenant else name


def split_name(secret: str) -> tuple[str, str]:
    """Return the tenant of a secret's name, empty without one, and the name that it has there."""
    tenant, _, own = secret.removeprefix(_TENANT).rpartition("/")
    return (tenant, own) if tenant and secret.startswith(_TENANT) else ("", secret)


class OnceContext(Protocol):
    """Context manager of :meth:`Delivery.once`, synchronous and asynchronous."""

    def __enter__(self) -> bool: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: object, where: TracebackType | None, /
    ) -> None: ...
    async def __aenter__(self) -> bool: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: object, where: TracebackType | None, /
    ) -> None: ...


@dataclass(frozen=True, slots=True, init=False)
class Delivery:
    """One genuine delivery.

    Everything but *delivery_id* and *received_at* comes from the signed body: *fingerprint* (128
    bits of a SHA-256 over it and *key_id*, in hex) identifies it, *event* is its type, *timestamp*
    is when the sender stamped it. *secret* is the name of the secret that matched (of a tenant's:
    ``tenant:acme/secret-1``), *key_id* a digest of that secret which does not reveal it.
    *delivery_id* comes from an unsigned header: use it to look deliveries up at the sender, and
    trust nothing to it.

    A handler's delivery has the fingerprint of the first attempt, also for a retry with a new
    timestamp, so everything derived from it is the same in all attempts.
    """

    fingerprint: str
    event: str
    timestamp: datetime
    delivery_id: str | None
    secret: str
    received_at: datetime
    body: bytes = field(repr=False)
    once_factory: Callable[[str], OnceContext] | None = field(
        default=None, repr=False, compare=False
    )
    """Factory behind :meth:`once`; set while handlers run."""
    key_id: str = field(default="", compare=False)
    digest: bytes = field(default=b"", repr=False, compare=False)
    """What was signed, without the key id; empty where the delivery was restored."""
    item: int | None = None
    """The place of the handler's event in a delivery that is a list, from 0; else None."""

    def __init__(  # noqa: PLR0917 - the order of the fields.
        self,
        fingerprint: str,
        event: str,
        timestamp: datetime,
        delivery_id: str | None,
        secret: str,
        received_at: datetime,
        body: bytes,
        once_factory: Callable[[str], OnceContext] | None = None,
        key_id: str = "",
        digest: bytes = b"",
        item: int | None = None,
    ) -> None:
        _set_fingerprint(self, fingerprint)
        _set_event(self, event)
        _set_timestamp(self, timestamp)
        _set_delivery_id(self, delivery_id)
        _set_secret(self, secret)
        _set_received_at(self, received_at)
        _set_body(self, body)
        _set_once_factory(self, once_factory)
        _set_key_id(self, key_id)
        _set_digest(self, digest)
        _set_item(self, item)

    @property
    def tenant(self) -> str:
        """The name of the tenant whose secret matched, empty without one."""
        return split_name(self.secret)[0]

    def idempotency_key(self, label: str) -> str:
        """Return a key for other services: the same in every attempt, another for each *label*."""
        of = self.fingerprint if self.item is None else f"{self.fingerprint}[{self.item}]"
        return sha256(f"{of}:{label}".encode(errors="backslashreplace")).hexdigest()[:32]

    def once(self, label: str) -> OnceContext:
        """Return a context manager for what must happen once, though the handler is retried.

        ``with delivery.once("email") as first:`` is True until a block has ended without an error;
        in ``async def`` write ``async with``. Raises :class:`ConfigurationError` outside a handler.
        """
        if self.once_factory is None:
            raise ConfigurationError(
                "once() was called outside a handler.",
                "Call it on the delivery that a receiver passes to a handler.",
            )
        return self.once_factory(label)

    def __copy__(self) -> Self:
        """Return itself: it is frozen."""
        return self

    def __deepcopy__(self, _: object) -> Self:
        """Return itself."""
        return self

    def __reduce__(self) -> tuple[type[Delivery], tuple[object, ...]]:
        """Return the fields for another process, where ``once`` has no store."""
        head = (self.fingerprint, self.event, self.timestamp, self.delivery_id, self.secret)
        tail = (self.received_at, self.body, None, self.key_id, self.digest, self.item)
        return Delivery, head + tail


@dataclass(frozen=True, slots=True, init=False)
class Reply:
    """The reply to the sender, ready for any HTTP server.

    *headers* has no content length, which every server sets by its own rules. *error* is why a
    delivery was not processed: for the surrounding program, never for the sender, whose *body*
    holds the outcome and the fingerprint only.
    """

    outcome: Outcome
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    error: WebhookError | None = field(default=None, repr=False, compare=False)

    def __init__(
        self,
        outcome: Outcome,
        status: int,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        error: WebhookError | None = None,
    ) -> None:
        _set_outcome(self, outcome)
        _set_status(self, status)
        _set_headers(self, headers)
        _set_reply_body(self, body)
        _set_error(self, error)


(
    _set_fingerprint,
    _set_event,
    _set_timestamp,
    _set_delivery_id,
    _set_secret,
    _set_received_at,
    _set_body,
    _set_once_factory,
    _set_key_id,
    _set_digest,
    _set_item,
) = slot_setters(Delivery)
_set_outcome, _set_status, _set_headers, _set_reply_body, _set_error = slot_setters(Reply)
DeliveryDraft = draft_class(Delivery)
