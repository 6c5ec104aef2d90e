"""How long a delivery may wait: while the store would still know an earlier attempt."""

from __future__ import annotations

from datetime import timedelta

import pytest

from florentin_webhooks import MemoryStore
from florentin_webhooks.core.drain.waits import check_wait, longest_wait, validate_spool
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders import Discord, GitHub, Stripe
from florentin_webhooks.senders.base import Sender
from florentin_webhooks.senders.florentin.sender import FLORENTIN
from tests.support.spooled import T0

HOUR = timedelta(hours=1)
WINDOW = HOUR / 3


@pytest.mark.parametrize(
    ("retention", "longest"), [(24, 12), (72, 60), (4, 2), (0.5, 1 / 6), (1 / 3, 0)]
)
def test_delivery_may_wait_for_what_the_retention_leaves(retention: float, longest: float) -> None:
    store = MemoryStore(retention=retention * HOUR)
    found = longest_wait(store, FLORENTIN, WINDOW)
    assert found / HOUR == pytest.approx(longest, abs=1e-6)


@pytest.mark.parametrize("sender", [FLORENTIN, Stripe(), GitHub(), Discord()])
def test_retry_is_known_as_long_as_a_delivery_may_wait(sender: Sender) -> None:
    store = MemoryStore(retention=sender.retention)
    retries = getattr(sender, "retries", None)
    assert retries is not None
    longest = longest_wait(store, sender, sender.tolerance + WINDOW)
    assert longest + retries.span <= store.retention


def test_retention_of_the_window_leaves_no_time_to_wait() -> None:
    with pytest.raises(ConfigurationError, match="is not longer than tolerance"):
        validate_spool(MemoryStore(retention=WINDOW), FLORENTIN, WINDOW)


def test_wait_that_is_too_long_is_named_in_hours() -> None:
    assert check_wait(T0, T0 + 12 * HOUR, 12 * HOUR) is None
    late = check_wait(T0, T0 + 13 * HOUR, 12 * HOUR)
    assert late is not None
    assert "It waited 13.0 h in the spool, and after 12.0 h" in str(late)
    assert late.hint == "Check whether it ran, then replay or discard it."
