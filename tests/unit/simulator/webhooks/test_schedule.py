"""The schedule and the idea of success that a sender carries as data."""

from __future__ import annotations

import pytest

from florentin_webhooks.core.defaults import DEFAULT_SENDER
from florentin_webhooks.senders import Linear, SendGrid, Stripe
from florentin_webhooks.senders.base import Sender
from florentin_webhooks.simulator.webhooks.schedule import is_success, retries_of


def test_florentin_waits_as_documented() -> None:
    assert retries_of(DEFAULT_SENDER).delays == (30, 120, 300)
    assert retries_of(Linear()).delays == (60, 3600, 21_600)


@pytest.mark.parametrize(
    ("sender", "statuses"),
    [(DEFAULT_SENDER, {200, 202, 204}), (Stripe(), {200, 202, 204}), (SendGrid(), {200, 202, 204})],
)
def test_statuses_are_taken_as_the_sender_takes_them(sender: Sender, statuses: set[int]) -> None:
    taken = {status for status in (200, 202, 204, 302, 409, 500) if is_success(sender, status)}
    assert taken == statuses
    assert not is_success(sender, None)
