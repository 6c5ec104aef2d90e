"""A call of the API: one request and its retries, as a coroutine that both clients run.

A transport sends, waits and knows the time. That of the blocking client never suspends, so the
coroutine is finished without an event loop, as the flow of a delivery is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from secrets import randbelow
from typing import TYPE_CHECKING, Protocol

from florentin_webhooks.api.reply import read_error
from florentin_webhooks.core.log import logger
from florentin_webhooks.errors import APIError, APIUnavailable

if TYPE_CHECKING:
    from florentin_webhooks.api.request import APIReply, APIRequest, ModelT
    from florentin_webhooks.api.settings import Settings

__all__ = ["NoReply", "Transport", "exchange"]

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 8.0
_SHORTEST = 0.001


class NoReply(Exception):
    """There was no reply, for *reason*; *was_sent*: whether the API may have got the request."""

    def __init__(self, reason: str, *, was_sent: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.was_sent = was_sent


class Transport(Protocol):
    """Sends requests, waits, and knows the time."""

    async def send(self, request: APIRequest[ModelT], seconds: float) -> APIReply:
        """Send *request* and return the reply, of any status, after *seconds* at most.

        Raises :class:`NoReply`.
        """
        ...

    async def pause(self, seconds: float) -> None:
        """Wait."""
        ...

    def now(self) -> float:
        """Return the seconds of a clock that is never set back."""
        ...


async def exchange(
    request: APIRequest[ModelT], transport: Transport, settings: Settings
) -> APIReply:
    """Return the successful reply to *request*, after as many retries as are allowed and safe.

    A request is repeated only where that cannot change anything twice: a GET, one with a key, and
    one that was never sent. Raises :class:`APIError` and :class:`APIUnavailable`.
    """
    deadline = transport.now() + settings.total
    for attempt in count():
        left = max(deadline - transport.now(), _SHORTEST)
        outcome, can_repeat = await _attempt(request, transport, settings, left)
        if not isinstance(outcome, APIError):
            return outcome
        pause, left = _pause(outcome, attempt), deadline - transport.now()
        is_last = attempt == settings.retries or not isinstance(outcome, APIUnavailable)
        if is_last or not can_repeat or pause >= left:
            raise outcome
        logger.info("%s Trying again in %.1f s.", outcome.message, pause)
        await transport.pause(pause)
    raise AssertionError  # The loop has no end of its own.


async def _attempt(
    request: APIRequest[ModelT], transport: Transport, settings: Settings, left: float
) -> tuple[APIReply | APIError, bool]:
    """Return the reply or the error, and whether the request may be repeated."""
    try:
        reply = await transport.send(request, min(settings.timeout, left))
    except NoReply as failed:
        unavailable = APIUnavailable(
            f"The API did not answer {request.name}: {settings.hide(failed.reason)}.",
            f"Check that {settings.base_url} is reachable, and try again.",
        )
        return unavailable, request.can_repeat or not failed.was_sent
    error = read_error(request, reply, datetime.now(UTC), settings.hide)
    return error or reply, request.can_repeat


def _pause(error: APIError, attempt: int) -> float:
    """Return the seconds before the next attempt: what the API asks for, or more each time."""
    if error.retry_after is not None:
        return error.retry_after
    longest: float = min(_FIRST_PAUSE * 2.0**attempt, _LONGEST_PAUSE)
    # Half of it is random, so that clients that failed together do not come back together.
    return longest * (1 + randbelow(1000) / 1000) / 2
