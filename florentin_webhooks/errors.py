"""Every error that is raised on purpose, in one tree.

::

    WebhookError
    ├── ConfigurationError
    ├── Rejected
    │   ├── DeliveryTooLarge
    │   ├── InvalidEvent
    │   ├── InvalidSignature
    │   ├── MalformedDelivery
    │   └── StaleDelivery
    ├── HandlerFailed
    └── Unavailable

``str(error)`` is written for the person who runs the receiver. The sender is told *code* and
nothing else. No message holds a secret, a signature or a piece of a body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

__all__ = [
    "ConfigurationError",
    "DeliveryTooLarge",
    "HandlerFailed",
    "InvalidEvent",
    "InvalidSignature",
    "MalformedDelivery",
    "Rejected",
    "StaleDelivery",
    "Unavailable",
    "WebhookError",
]


class WebhookError(Exception):
    """Be the base of everything this package raises on purpose."""

    code: ClassVar[str] = "error"
    """The outcome that stands in replies and logs."""
    status: ClassVar[int] = 500
    """The HTTP status that goes with it."""


class ConfigurationError(WebhookError):
    """Say that the receiver was put together wrongly; raised at start, never for a request."""

    code = "configuration"


class Rejected(WebhookError):
    """Say that a delivery was refused before any handler saw it."""

    code = "rejected"
    status = 400


class MalformedDelivery(Rejected):
    """Say that a genuine body is not an event: not JSON, no envelope, or headers that disagree."""

    code = "malformed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidSignature(Rejected):
    """Say that no configured secret signed these bytes.

    *reason* is ``missing``, ``repeated``, ``malformed`` or ``mismatch``. It is for the log: to
    the sender all four look alike.
    """

    code = "invalid-signature"
    status = 401

    def __init__(self, reason: str) -> None:
        super().__init__(f"the signature is refused: {reason}")
        self.reason = reason


class StaleDelivery(Rejected):
    """Say that the signed timestamp lies outside the window.

    *age* is how long ago the event was stamped, negative for the future; *limit* is the
    tolerance, or the leeway for a timestamp in the future.
    """

    code = "stale"

    def __init__(self, age: timedelta, limit: timedelta) -> None:
        where = f"{_seconds(age)} old" if age == abs(age) else f"{_seconds(-age)} in the future"
        super().__init__(f"the event is {where}, the limit is {_seconds(limit)}")
        self.age = age
        self.limit = limit


def _seconds(duration: timedelta) -> str:
    # Milliseconds where there are any, so that no limit is missed by nothing.
    return f"{duration.total_seconds():.3f}".rstrip("0").rstrip(".") + " s"


class DeliveryTooLarge(Rejected):
    """Say that a body is longer than *limit* bytes."""

    code = "too-large"
    status = 413

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is longer than {limit} bytes")
        self.limit = limit


class InvalidEvent(Rejected):
    """Say that an event's model refuses the payload.

    *problems* names each field and what is wrong with it, never its value.
    """

    code = "invalid-event"
    status = 422

    def __init__(self, event: str, problems: Sequence[str]) -> None:
        super().__init__(f"{event} does not fit its model: {'; '.join(problems)}")
        self.event = event
        self.problems = tuple(problems)


class HandlerFailed(WebhookError):
    """Say that handlers failed; *failures* holds what each of them raised, in order."""

    code = "handler-failed"

    def __init__(self, failures: BaseExceptionGroup[BaseException]) -> None:
        super().__init__(f"{len(failures.exceptions)} handler(s) failed")
        self.failures = failures


class Unavailable(WebhookError):
    """Say that the store gave no answer in time, so that nothing was promised to the sender.

    *retry_after* is the number of seconds after which asking again makes sense.
    """

    code = "unavailable"
    status = 503

    def __init__(self, reason: str, *, retry_after: int = 5) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
