"""What is reported of an attempt of a handler, and of a delivery that is dead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from florentin_webhooks.errors import WebhookError

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "DeadDelivery",
    "HandlerAttempt",
    "HandlerFailure",
    "describe_error",
    "discard_reason",
    "error_text",
]

MAX_REASON = 1000
"""The characters of a reason that are stored, and shown in one line of a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerAttempt:
    """One attempt of one handler.

    *attempt* counts from 1. *next_attempt* is when the next one is due: None after the last, and
    where it is left to the sender. *queue* is empty for an inline handler, *duration* is in
    seconds. *receiver* is the name or the import path of the receiver.
    """

    handler: str
    fingerprint: str
    event: str
    delivery_id: str | None
    receiver: str
    queue: str
    attempt: int
    next_attempt: datetime | None
    duration: float

    def failed(self, error: BaseException) -> HandlerFailure:
        """Return that this attempt failed with *error*."""
        return HandlerFailure(
            handler=self.handler,
            fingerprint=self.fingerprint,
            event=self.event,
            delivery_id=self.delivery_id,
            receiver=self.receiver,
            queue=self.queue,
            attempt=self.attempt,
            next_attempt=self.next_attempt,
            duration=self.duration,
            error=error,
        )

    def dead(self, reason: str) -> DeadDelivery:
        """Return that the delivery is dead after this attempt, because of *reason*."""
        return DeadDelivery(
            fingerprint=self.fingerprint,
            event=self.event,
            delivery_id=self.delivery_id,
            receiver=self.receiver,
            queue=self.queue,
            attempts=self.attempt,
            reason=reason,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerFailure(HandlerAttempt):
    """An attempt that failed.

    *error* is what the handler raised, or :class:`~florentin_webhooks.errors.HandlerTimeout`. A
    repr does not show it, because its text may quote a payload.
    """

    error: BaseException = field(repr=False)

    @property
    def reason(self) -> str:
        """The handler and the type of its error, without a text that may quote a payload."""
        return f"{self.handler}: {describe_error(self.error)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadDelivery:
    """A queue's part of a delivery, whose last attempt has failed.

    *reason* names the handlers that failed, and how. The delivery is stored, and an operator can
    requeue it.
    """

    fingerprint: str
    event: str
    delivery_id: str | None
    receiver: str
    queue: str
    attempts: int
    reason: str


def describe_error(error: BaseException) -> str:
    """Return the type of *error*, or its message where it is ours, which quotes no payload."""
    if isinstance(error, WebhookError) and type(error).__module__ == WebhookError.__module__:
        return error.message.rstrip(".")
    return type(error).__name__


def error_text(error: BaseException) -> str:
    """Return the text of *error*, or nothing where its class cannot write one."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - code of the user's, which must not change an outcome.
        return ""


def discard_reason(error: BaseException) -> str:
    """Return why a handler discarded its event, shortened, and as every store can keep it.

    PostgreSQL refuses NUL, and Redis half of a surrogate pair, which file names may have.
    """
    text = error_text(error)
    if len(text) > MAX_REASON:
        text = f"{text[: MAX_REASON - 3]}..."
    return text.replace("\0", "\\x00").encode(errors="backslashreplace").decode()
