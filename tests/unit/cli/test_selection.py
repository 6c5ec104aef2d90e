"""Times and filters on the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
import pytest

from florentin_webhooks.cli.selection import Filter, TimeParam


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("30s", timedelta(seconds=30)),
        ("10m", timedelta(minutes=10)),
        (" 2h ", timedelta(hours=2)),
        ("3d", timedelta(days=3)),
        ("90", timedelta(seconds=90)),
    ],
)
def test_age_has_a_number_and_a_unit(text: str, age: timedelta) -> None:
    since = TimeParam().convert(text, None, None)
    assert timedelta() <= datetime.now(UTC) - since - age < timedelta(minutes=1)


@pytest.mark.parametrize("text", ["2026-06-06T12:00:00Z", "2026-06-06 12:00", "20260606T14+02"])
def test_time_without_a_zone_is_in_utc(text: str) -> None:
    assert TimeParam().convert(text, None, None) == datetime(2026, 6, 6, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["soon", "h", "-1h", "1 week", "99999999999d"])
def test_other_ages_are_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not an age"):
        TimeParam().convert(text, None, None)


def test_filter_without_conditions_is_false() -> None:
    assert not Filter()
    assert Filter(event="user.login")
    assert Filter(until=datetime(2026, 6, 6, tzinfo=UTC))
