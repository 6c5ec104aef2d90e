"""How long stores remember deliveries."""

from __future__ import annotations

from datetime import timedelta

import pytest

from florentin_webhooks.core.stores.retention import (
    UNFINISHED_RETENTION,
    milliseconds,
    resolve_unfinished_retention,
    validate_count,
)
from florentin_webhooks.errors import ConfigurationError

DAY = timedelta(days=1)


def test_milliseconds_are_whole() -> None:
    assert milliseconds(timedelta(seconds=1.5, microseconds=999)) == 1500


@pytest.mark.parametrize("unfinished", [DAY, UNFINISHED_RETENTION])
def test_unfinished_retention_may_equal_or_exceed_retention(unfinished: timedelta) -> None:
    assert resolve_unfinished_retention(unfinished, None, DAY) == unfinished


@pytest.mark.parametrize("duration", ["1d", 86_400, "86400"])
def test_unfinished_retention_may_be_any_duration(duration: str | float) -> None:
    assert resolve_unfinished_retention(duration, None, DAY) == DAY


def test_shorter_unfinished_retention_is_refused() -> None:
    with pytest.raises(ConfigurationError) as refused:
        resolve_unfinished_retention(timedelta(hours=1), None, DAY)
    assert refused.value.message == (
        "unfinished_retention (1:00:00) is shorter than retention (1 day, 0:00:00)."
    )
    assert refused.value.hint == "Raise unfinished_retention."


def test_keep_replaces_unfinished_retention_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match="keep was renamed to unfinished_retention"):
        assert resolve_unfinished_retention(UNFINISHED_RETENTION, DAY, DAY) == DAY


def test_count_of_at_least_the_least_is_valid() -> None:
    validate_count("history", 0, 0)


@pytest.mark.parametrize("value", [-1, "10", 1.5, None])
def test_other_count_is_refused(value: object) -> None:
    with pytest.raises(
        ConfigurationError, match=r"Set history to a number of deliveries, 0 or more"
    ):
        validate_count("history", value, 0)
