"""Times and ages are shown in the unit that fits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from florentin_webhooks.core.times import format_age, format_time, to_iso

TIME = datetime(2026, 6, 6, 12, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "shown"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=90), "90 s"),
        (timedelta(minutes=10), "10 min"),
        (timedelta(hours=3), "3 h"),
        (timedelta(days=4), "4 d"),
    ],
)
def test_age_has_one_unit(age: timedelta, shown: str) -> None:
    assert format_age(datetime.now(UTC) - age) == shown


def test_time_is_shown_with_its_age() -> None:
    assert format_time(TIME).startswith("2026-06-06 12:00:00 UTC, ")
    assert format_time(TIME).endswith(" d ago")


def test_iso_time_has_milliseconds() -> None:
    assert to_iso(TIME) == "2026-06-06T12:00:00.250+00:00"


def test_missing_time_is_empty() -> None:
    assert (format_age(None), format_time(None), to_iso(None)) == ("", "", None)
