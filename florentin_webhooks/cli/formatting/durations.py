"""Say how long ago something was, and understand people who say it: ``10m``, ``2h``, ``3d``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import click

__all__ = ["DurationParam", "format_age", "to_iso"]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_STEPS = ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h"), (float("inf"), 86_400, "d"))


class DurationParam(click.ParamType[timedelta]):
    """Be an age on the command line."""

    name = "age"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Give the time span that *value* spells."""
        found = re.fullmatch(r"(\d{1,6})([smhd])", str(value).strip())
        if not found:
            self.fail(f"{value!r} is no age such as 30s, 10m, 2h or 3d", param, ctx)
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


def format_age(moment: datetime | None) -> str:
    """Say how long ago *moment* was; nothing for none."""
    if moment is None:
        return ""
    seconds = max(0, int((datetime.now(UTC) - moment).total_seconds()))
    _, size, unit = next(step for step in _STEPS if seconds < step[0])
    return f"{seconds // size} {unit}"


def to_iso(moment: datetime | None) -> str | None:
    """Give *moment* for JSON."""
    return None if moment is None else moment.isoformat(timespec="milliseconds")
