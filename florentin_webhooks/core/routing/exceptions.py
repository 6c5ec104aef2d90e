"""What a handler may raise to say something other than that it failed."""

from __future__ import annotations

from florentin_webhooks.errors import ConfigurationError

__all__ = ["Discard", "RetryLater"]


_LONGEST = 366 * 86400


class Discard(Exception):
    """Say that this event needs no handling here: the handler counts as done."""


class RetryLater(Exception):
    """Say that it is too early: run the handler again after *seconds*, without using up an attempt.

    An inline handler's sender is told to come back after *seconds*.
    """

    def __init__(self, seconds: float) -> None:
        if not 0 <= seconds <= _LONGEST:
            message = f"RetryLater({seconds}): seconds must be 0 or more, and a year at most"
            raise ConfigurationError(message)
        super().__init__(seconds)
        self.seconds = seconds
