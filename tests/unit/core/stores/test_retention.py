"""How long stores remember deliveries."""

from __future__ import annotations

from datetime import timedelta

import pytest

from florentin_webhooks.core.stores.retention import (
    UNFINISHED_RETENTION,
    milliseconds,
    resolve_keep,
    validate_unfinished_retention,
)
from florentin_webhooks.errors import ConfigurationError

DAY = timedelta(days=1)


def test_milliseconds_are_whole() -> None:
    assert milliseconds(timedelta(seconds=1.5, microseconds=999)) == 1500


@pytest.mark.parametrize("unfinished", [DAY, UNFINISHED_RETENTION])
def test_unfinished_retention_may_equal_or_exceed_retention(unfinished: timedelta) -> None:
    validate_unfinished_retention(unfinished, DAY)


def test_shorter_unfinished_retention_is_refused() -> None:
    with pytest.raises(ConfigurationError) as refused:
        validate_unfinished_retention(timedelta(hours=1), DAY)
    assert refused.value.message == (
        "unfinished_retention (1:00:00) is shorter than retention (1 day, 0:00:00)."
    )
    assert refused.value.hint == "Raise unfinished_retention."


def test_keep_replaces_unfinished_retention_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match="keep was renamed to unfinished_retention"):
        assert resolve_keep(DAY, UNFINISHED_RETENTION) == DAY


def test_without_keep_unfinished_retention_is_unchanged() -> None:
    assert resolve_keep(None, DAY) == DAY
