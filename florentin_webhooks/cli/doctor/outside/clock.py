"""Check the clock of the other side, and how long it takes to answer."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from florentin_webhooks.cli.doctor.check import fail, ok, warn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from florentin_webhooks.cli.doctor.check import Check
    from florentin_webhooks.cli.doctor.outside.exchange import Exchange

__all__ = ["check_clock", "check_time", "seconds_ahead"]

_UNNOTICED = 30
_TOLERANCE, _LEEWAY = 900, 300
_SLOW, _TOO_SLOW = 3, 10
"""Seconds that an answer may take; senders are known to wait about ten."""


def seconds_ahead(sent: Exchange) -> float | None:
    """Return how many seconds the clock there is ahead of ours, None where no Date shows it."""
    try:
        there = parsedate_to_datetime(sent.headers.get("date", "")).timestamp()
    except ValueError:
        return None
    # A Date has whole seconds; an answer from a cache has an old one.
    return None if "age" in sent.headers else there + 0.5 - (sent.began + sent.seconds / 2)


def check_clock(sent: Exchange) -> Iterator[Check]:
    """Yield what the Date of an answer shows; nothing without one."""
    ahead = seconds_ahead(sent)
    if ahead is None:
        return
    way = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} this machine's"
    hint = "Synchronise both clocks, as with chrony."
    if ahead > _TOLERANCE or ahead < -_LEEWAY:
        yield fail("clock", f"The clock there is {way}, so deliveries are stale.", hint)
    elif abs(ahead) > _UNNOTICED:
        yield warn("clock", f"The clock there is {way}.", hint)
    else:
        yield ok("clock", "The clock there agrees with this machine's.")


def check_time(sent: Exchange) -> Iterator[Check]:
    """Yield whether an answer came so late that senders give up."""
    message = f"The answer took {sent.seconds:.1f} s."
    hint = "Look for a slow proxy, a cold start, or a blocked event loop."
    if sent.seconds > _TOO_SLOW:
        yield fail("slow", f"{message} Senders give up before.", hint)
    elif sent.seconds > _SLOW:
        yield warn("slow", message, hint)
