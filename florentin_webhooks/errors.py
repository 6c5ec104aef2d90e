"""All exceptions of this package, in one tree.

::

    WebhookError
    ├── ConfigurationError
    ├── Rejected
    │   ├── DeliveryTooLarge
    │   ├── InvalidEvent
    │   ├── InvalidSignature
    │   ├── MalformedDelivery
    │   └── StaleDelivery
    ├── APIError
    │   └── APIUnavailable
    ├── HandlerFailed
    ├── HandlerTimeout
    ├── MissingHandler
    └── Unavailable

*message* says what happened, *hint* what to do about it; both are whole sentences for the operator
of the receiver, and ``str(error)`` joins them. The sender receives *code* and nothing else. No
message holds a secret, a signature or a piece of a body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

__all__ = [
    "APIError",
    "APIUnavailable",
    "ConfigurationError",
    "DeliveryTooLarge",
    "HandlerFailed",
    "HandlerTimeout",
    "InvalidEvent",
    "InvalidSignature",
    "MalformedDelivery",
    "MissingHandler",
    "Rejected",
    "StaleDelivery",
    "Unavailable",
    "WebhookError",
]


class WebhookError(Exception):
    """Base class of all exceptions raised by this package."""

    code: ClassVar[str] = "error"
    """The outcome in replies and logs."""
    status: ClassVar[int] = 500
    """The HTTP status of the reply."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()

    def __reduce__(self) -> tuple[object, ...]:
        # By default a copy is built from the message, and not from what the class is built from.
        return type(self).__new__, (type(self),), {**self.__dict__, "args": self.args}


class ConfigurationError(WebhookError):
    """Invalid configuration; raised at start, never for a request."""

    code = "configuration"


class Rejected(WebhookError):
    """A delivery that was refused before any handler ran."""

    code = "rejected"
    status = 400


class MalformedDelivery(Rejected):
    """A genuine body that is not an event: not JSON, no envelope, or headers that disagree."""

    code = "malformed"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The signed body is not an event: {reason}.",
            "Compare the body with the sender's documentation.",
        )
        self.reason = reason


class InvalidSignature(Rejected):
    """The signature does not match any configured secret.

    *reason* is ``missing``, ``repeated``, ``malformed``, ``mismatch`` or ``unknown tenant``. It is
    for the log: to the sender all of them look alike.
    """

    code = "invalid-signature"
    status = 401

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The signature is invalid: {reason}.",
            "To find the cause, pass the captured request to: florentin-webhooks verify.",
        )
        self.reason = reason


class StaleDelivery(Rejected):
    """The signed timestamp is outside the accepted window.

    *age* is the time since the event was stamped, negative for the future; *limit* is the
    tolerance, or the leeway for a timestamp in the future.
    """

    code = "stale"

    def __init__(self, age: timedelta, limit: timedelta) -> None:
        late = age == abs(age)
        where = f"{_seconds(age)} old" if late else f"{_seconds(-age)} in the future"
        super().__init__(
            f"The event is {where}; the limit is {_seconds(limit)}.",
            f"Check the clock of this machine, or raise {'tolerance' if late else 'leeway'}.",
        )
        self.age = age
        self.limit = limit


def _seconds(duration: timedelta) -> str:
    # Milliseconds where there are any: 900.001 s must not be shown as a limit of 900 s kept.
    return f"{duration.total_seconds():.3f}".rstrip("0").rstrip(".") + " s"


class DeliveryTooLarge(Rejected):
    """A body of more than *limit* bytes."""

    code = "too-large"
    status = 413

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is longer than {limit} bytes.", "Raise max_body to accept it.")
        self.limit = limit


class InvalidEvent(Rejected):
    """An event that its model refuses.

    *problems* names each field and what is wrong with it, never its value.
    """

    code = "invalid-event"
    status = 422

    def __init__(self, event: str, problems: Sequence[str]) -> None:
        super().__init__(
            f"{event} does not fit its model: {'; '.join(problems)}.",
            "Correct the model, then replay the delivery.",
        )
        self.event = event
        self.problems = tuple(problems)


class HandlerFailed(WebhookError):
    """Failed handlers; *failures* holds the exception of each, in order."""

    code = "handler-failed"

    def __init__(self, failures: BaseExceptionGroup[BaseException]) -> None:
        count = len(failures.exceptions)
        super().__init__(
            f"{count} handler{'s' * (count != 1)} failed.",
            "The log names each handler and the line where it failed.",
        )
        self.failures = failures


class HandlerTimeout(WebhookError, TimeoutError):
    """A handler that took longer than its time; *seconds* is the limit."""

    code = "handler-timeout"

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The handler took longer than {seconds:g} s (timeout=).",
            "Raise timeout, or let a worker run the handler.",
        )
        self.seconds = seconds


class MissingHandler(WebhookError):
    """A handler that a delivery was queued for, and that its worker does not have."""

    code = "missing-handler"

    def __init__(self) -> None:
        super().__init__(
            "The handler is missing here: it was renamed or removed, or this worker is older.",
            "Restart the workers after each deployment, and keep the names of handlers.",
        )


class Unavailable(WebhookError):
    """No answer from the store in time, so that nothing was promised to the sender.

    *retry_after* is the number of seconds after which asking again makes sense. With *may_pass*,
    the record of an effect is sent again for a few seconds.
    """

    code = "unavailable"
    status = 503

    def __init__(
        self, message: str, hint: str = "", *, retry_after: int = 5, may_pass: bool = False
    ) -> None:
        super().__init__(message, hint or f"Try again in {retry_after} s.")
        self.retry_after, self.may_pass = retry_after, may_pass


class APIError(WebhookError):
    """A request to the provider's API that has failed.

    *status_code* is that of the API's reply, None without a reply; *detail* is the API's own
    message. *retry_after* is the number of seconds that the API asks to wait, None without one.
    """

    code = "api-error"

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        status_code: int | None = None,
        detail: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.status_code, self.detail, self.retry_after = status_code, detail, retry_after


class APIUnavailable(APIError):
    """A request that the API did not answer in time, or not now: the next one may succeed."""

    code = "api-unavailable"
