"""How long a handler may be put off."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from florentin_webhooks import RetryLater
from florentin_webhooks.errors import ConfigurationError

YEAR = timedelta(days=366).total_seconds()


@pytest.mark.parametrize("seconds", [0, 0.5, YEAR])
def test_handler_is_put_off_for_a_year_at_most(seconds: float) -> None:
    assert RetryLater(seconds).seconds == seconds


@pytest.mark.parametrize("seconds", [-0.1, YEAR + 1, math.inf, math.nan])
def test_time_that_no_queue_can_wait_is_refused(seconds: float) -> None:
    with pytest.raises(ConfigurationError, match=r"is out of range\. Use 0 seconds to one year"):
        RetryLater(seconds)
