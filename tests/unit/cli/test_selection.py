"""Ages and filters on the command line."""

from __future__ import annotations

from datetime import timedelta

import click
import pytest

from florentin_webhooks.cli.selection import AgeParam, Filter


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
    assert AgeParam().convert(text, None, None) == age


@pytest.mark.parametrize("text", ["soon", "h", "-1h", "1 week", "99999999999d"])
def test_other_ages_are_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not an age"):
        AgeParam().convert(text, None, None)


def test_filter_without_conditions_is_false() -> None:
    assert not Filter()
    assert Filter(event="user.login")
    assert Filter(since=timedelta(0))
