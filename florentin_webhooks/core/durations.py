"""Durations as people write them: seconds, a text such as ``15m``, or a timedelta."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.secrets import describe_value

__all__ = ["LONGEST", "Duration", "parse_duration", "positive_duration"]

Duration = timedelta | float | str

LONGEST = timedelta(seconds=2**31 - 1)
"""68 years: the largest number of seconds that every store can count."""

_UNITS = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_TEXT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([smhd]?)")


def parse_duration(value: object) -> timedelta:
    """Return *value* as a timedelta: seconds, a text such as ``15m`` or ``900``, or a timedelta.

    The units are s, m, h and d. Raises ValueError for anything else, and beyond ``LONGEST``.
    """
    duration = _read(value)
    if abs(duration) > LONGEST:
        raise ValueError("the duration is too long")
    return duration


def positive_duration(name: str, value: Duration) -> timedelta:
    """Return the argument *name* as a timedelta above 0. Raises :class:`ConfigurationError`."""
    with suppress(ValueError):
        if (duration := parse_duration(value)) > timedelta():
            return duration
    raise ConfigurationError(
        describe_value(name, value),
        f'Set {name} to a duration above 0: seconds, a text such as "15m", or a timedelta.',
    )


def _read(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and (found := _TEXT.fullmatch(value.strip())):
        return _create(_UNITS[found[2]], float(found[1]))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _create("seconds", value)
    raise ValueError("not a duration")


def _create(unit: str, number: float) -> timedelta:
    try:
        return timedelta(**{unit: number})
    except OverflowError:  # Infinite, or more days than a timedelta has.
        raise ValueError("the duration is too long") from None
