"""Times and ages as text."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["format_age", "format_due", "format_time", "to_iso"]

_STEPS = ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h"), (float("inf"), 86_400, "d"))


def format_age(time: datetime | None) -> str:
    """Return how long ago *time* was, such as ``5 min``; empty for None."""
    if time is None:
        return ""
    return _format_seconds(max(0, int((datetime.now(UTC) - time).total_seconds())))


def format_due(time: datetime) -> str:
    """Return when *time* is: ``in 5 min``, or ``overdue by 5 min``."""
    seconds = round((time - datetime.now(UTC)).total_seconds())
    return f"in {_format_seconds(seconds)}" if seconds > 0 else f"overdue by {format_age(time)}"


def format_time(time: datetime | None) -> str:
    """Return *time* and its age; empty for None."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC, {format_age(time)} ago" if time else ""


def to_iso(time: datetime | None) -> str | None:
    """Return *time* for JSON."""
    return None if time is None else time.isoformat(timespec="milliseconds")


def _format_seconds(seconds: int) -> str:
    _, size, unit = next(step for step in _STEPS if seconds < step[0])
    return f"{seconds // size} {unit}"
