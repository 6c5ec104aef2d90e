"""Durations in every form, and what is not one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from florentin_webhooks.core.durations import LONGEST, parse_duration


@pytest.mark.parametrize(
    "value", [900, 900.0, "900", "900s", "15m", "0.25h", " 15 m ", timedelta(minutes=15)]
)
def test_every_form_of_fifteen_minutes_is_read(value: object) -> None:
    assert parse_duration(value) == timedelta(minutes=15)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("0", timedelta()),
        ("1.5s", timedelta(seconds=1.5)),
        ("36h", timedelta(hours=36)),
        ("2d", timedelta(days=2)),
    ],
)
def test_a_unit_counts(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "value",
    [
        *("", "abc", "15 min", "15M", "-5", "1e3", "1,5", "nan", "inf", "9" * 400, "٩", "5m\n3"),
        *(True, None, [8], b"15m", float("nan"), float("inf"), 10**400),
        *(timedelta.max, timedelta.min, LONGEST + timedelta.resolution, 2**31),
    ],
)
def test_anything_else_is_a_value_error(value: object) -> None:
    with pytest.raises(ValueError, match=r"duration|NaN"):
        parse_duration(value)


def test_a_negative_number_is_read_for_the_caller_to_judge() -> None:
    assert parse_duration(-1) == timedelta(seconds=-1)
