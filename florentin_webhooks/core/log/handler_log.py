"""Log how attempts of handlers end: each failure once, with its place and its stack."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from florentin_webhooks.core.log.failure import describe_error, error_text
from florentin_webhooks.core.log.logger import escape, logger
from florentin_webhooks.core.log.redaction import error_location, redact
from florentin_webhooks.core.times import to_iso

if TYPE_CHECKING:
    from types import TracebackType

    from florentin_webhooks.core.log.failure import DeadDelivery, HandlerAttempt, HandlerFailure

    ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

__all__ = ["HandlerLog", "log_observer_failure"]

_TEXT = 200
_LINE = "%s %s event=%s delivery_id=%s handler=%s attempt=%d%s"


class HandlerLog:
    """The log of one receiver's handlers.

    With *error_text* it has the texts of exceptions and the values in their frames, which may quote
    a payload.
    """

    def __init__(self, *, error_text: bool = False) -> None:
        self.error_text = error_text

    def failed(self, failure: HandlerFailure) -> None:
        """Log a failed attempt at ERROR, with its place and its stack."""
        if not logger.isEnabledFor(logging.ERROR):
            return
        when = to_iso(failure.next_attempt)
        more = f": {self._describe(failure)}{f'; next attempt at {when}' if when else ''}"
        _log(logging.ERROR, "handler-failed", failure, more, self._exc_info(failure.error))

    def scheduled(self, attempt: HandlerAttempt) -> None:
        """Log that a handler raised RetryLater."""
        _log(
            logging.INFO, "scheduled", attempt, f": next attempt at {to_iso(attempt.next_attempt)}"
        )

    def discarded(self, attempt: HandlerAttempt, why: str) -> None:
        """Log that a handler raised Discard, and *why*."""
        _log(logging.INFO, "discarded", attempt, f": {escape(why, _TEXT)}" if why else "")

    def ended(self, attempt: HandlerAttempt, outcome: str) -> None:
        """Log that a handler has ended, in a worker: no reply says so."""
        _log(logging.INFO, outcome, attempt, f" in {attempt.duration:.3f} s")

    def died(self, dead: DeadDelivery) -> None:
        """Log at ERROR that the last attempt has failed."""
        logger.error(
            "dead %s event=%s delivery_id=%s queue=%s attempts=%d: %s",
            dead.fingerprint,
            escape(dead.event),
            escape(dead.delivery_id or "-"),
            dead.queue,
            dead.attempts,
            dead.reason,
            extra={
                "outcome": "dead",
                "fingerprint": dead.fingerprint,
                "delivery": dead.fingerprint,
                "event": escape(dead.event),
                "delivery_id": escape(dead.delivery_id or "-"),
                "receiver": dead.receiver,
                "queue": dead.queue,
                "attempt": dead.attempts,
                "reason": dead.reason,
            },
        )

    def _describe(self, failure: HandlerFailure) -> str:
        error = failure.error
        text = describe_error(error)
        if self.error_text and text == type(error).__name__ and (more := error_text(error)):
            text = f"{text}: {escape(more, 5 * _TEXT)}"
        place = error_location(error, failure.handler.partition(":")[0])
        return text if place == "?" else f"{text} at {place}"

    def _exc_info(self, error: BaseException) -> ExcInfo:
        shown = error if self.error_text else redact(error)
        return type(shown), shown, shown.__traceback__


def log_observer_failure(name: str, error: BaseException) -> None:
    """Log that an observer, which changes no outcome, has failed."""
    where = error_location(error, name.partition(":")[0])
    logger.error("The observer %s failed: %s at %s.", name, describe_error(error), where)


def _log(
    level: int,
    outcome: str,
    attempt: HandlerAttempt,
    more: str,
    exc_info: ExcInfo | None = None,
) -> None:
    event, delivery_id = escape(attempt.event), escape(attempt.delivery_id or "-")
    logger.log(
        level,
        _LINE,
        outcome,
        attempt.fingerprint,
        event,
        delivery_id,
        attempt.handler,
        attempt.attempt,
        more,
        exc_info=exc_info,
        extra={
            "outcome": outcome,
            "fingerprint": attempt.fingerprint,
            "delivery": attempt.fingerprint,
            "event": event,
            "delivery_id": delivery_id,
            "receiver": attempt.receiver,
            "queue": attempt.queue,
            "handler": attempt.handler,
            "attempt": attempt.attempt,
            "next_attempt": to_iso(attempt.next_attempt),
            "duration": round(attempt.duration, 3),
        },
    )
