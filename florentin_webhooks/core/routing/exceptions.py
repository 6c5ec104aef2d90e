"""Exceptions by which a handler ends without having failed."""

from __future__ import annotations

from florentin_webhooks.errors import ConfigurationError

__all__ = ["Discard", "RetryLater"]


MAX_WAIT = 366 * 86400


class Discard(Exception):
    """The event needs no handling here: the handler counts as done."""


class RetryLater(Exception):
    """It is too early: run the handler again after *seconds*, without using up an attempt.

    For an inline handler, the reply asks the sender to retry after *seconds*.
    """

    def __init__(self, seconds: float) -> None:
        if not 0 <= seconds <= MAX_WAIT:
            raise ConfigurationError(
                f"RetryLater({seconds}) is out of range.", "Use 0 seconds to one year."
            )
        super().__init__(seconds)
        self.seconds = seconds
