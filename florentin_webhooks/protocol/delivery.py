"""The values that a delivery becomes: what arrived, what was decided, what the sender is told.

All frozen, all free of I/O. A repr shows neither body nor signature.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from florentin_webhooks.errors import WebhookError

__all__ = ["Delivery", "OnceContext", "Outcome", "Reply"]


class Outcome(StrEnum):
    """Name what became of a delivery."""

    PROCESSED = "processed"
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
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

    @property
    def status(self) -> int:
        """Give the HTTP status that says it to the sender."""
        return _STATUS[self]


_STATUS = {
    Outcome.PROCESSED: 200,
    Outcome.ACCEPTED: 202,
    Outcome.DUPLICATE: 200,
    Outcome.IGNORED: 200,
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


class OnceContext(Protocol):
    """Be what :meth:`Delivery.once` gives: for ``with`` and, in ``async def``, ``async with``."""

    def __enter__(self) -> bool: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: object, where: TracebackType | None, /
    ) -> None: ...
    async def __aenter__(self) -> bool: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: object, where: TracebackType | None, /
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """Hold what is known of one genuine delivery.

    Everything but *delivery_id* and *received_at* comes from the signed body: *fingerprint* (128
    bits of its SHA-256, in hex) identifies it, *event* names its type, *timestamp* is when
    Florentin stamped it. *secret* is the name of the secret that matched. *delivery_id* stands
    in an unsigned header: good for looking things up at Florentin, and evidence for nothing.

    A handler's delivery has the fingerprint of the first attempt, also where the sender stamped a
    retry anew, so that what is derived from it stays the same over all attempts.
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
    """How :meth:`once` reaches the store; set while handlers run."""

    def idempotency_key(self, label: str) -> str:
        """Give a key for the outside world: the same in every attempt, another for each *label*."""
        return sha256(f"{self.fingerprint}:{label}".encode()).hexdigest()[:32]

    def once(self, label: str) -> OnceContext:
        """Give a context manager for what must happen once, though the handler is retried.

        ``with delivery.once("email") as first:`` is True until somebody has left it without an
        error; in ``async def`` write ``async with``. Raises :class:`ConfigurationError` outside a
        handler.
        """
        if self.once_factory is None:
            message = "once() works inside a handler, which gets its delivery from a receiver"
            raise ConfigurationError(message)
        return self.once_factory(label)


@dataclass(frozen=True, slots=True)
class Reply:
    """Hold what the sender is told, ready for any HTTP server.

    *headers* does not hold the content length, which every server sets by its own rules.
    *error* is why a delivery was not processed: for the program around us and never for the
    sender, to whom *body* tells the outcome and the fingerprint only.
    """

    outcome: Outcome
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    error: WebhookError | None = field(default=None, repr=False, compare=False)
