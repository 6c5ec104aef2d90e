"""Times and durations as pages show them."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["clock", "iso", "moment", "span"]

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def clock(time: datetime | None) -> str:
    """Return the time of day in UTC, or the date too where it is not today's."""
    if time is None:
        return "-"
    is_today = time.astimezone(UTC).date() == datetime.now(UTC).date()
    return f"{time.astimezone(UTC):{'%H:%M:%S' if is_today else '%d %b %H:%M'}}"


def moment(time: datetime | None) -> str:
    """Return *time* in UTC, to the millisecond."""
    if time is None:
        return "-"
    utc = time.astimezone(UTC)
    return f"{utc:%Y-%m-%d %H:%M:%S}.{utc.microsecond // 1000:03} UTC"


def iso(time: datetime | None) -> str:
    """Return *time* for the attribute of a ``time`` element."""
    return "" if time is None else time.astimezone(UTC).isoformat(timespec="milliseconds")


def span(seconds: float | None) -> str:
    """Return a duration: ``12 ms``, ``3.4 s``, ``5 min``, ``2 h`` or ``3 d``."""
    if seconds is None:
        return "-"
    if seconds < 1:
        return f"{seconds * 1000:.1f} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"  # noqa: PLR2004
    if seconds < 2 * _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.0f} h" if seconds < 2 * _DAY else f"{seconds / _DAY:.0f} d"
