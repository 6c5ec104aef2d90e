"""The buttons of a delivery's page do something."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import Record
from florentin_webhooks.inspector.views.detail import Detail

NOW = datetime(2026, 11, 29, tzinfo=UTC)
LATER = NOW + timedelta(minutes=2)


@pytest.mark.parametrize(
    ("state", "queue"),
    [(State.QUEUED, "mail"), (State.FAILED, "")],
    ids=["its job waits", "its sender comes back"],
)
def test_scheduled_delivery_can_be_replayed_now(state: State, queue: str) -> None:
    record = Record("0" * 32, state, waiting={queue: ("shop:mail",)}, next_attempts={queue: LATER})
    page = Detail(
        record=record,
        status=record.status(NOW),
        receiver="shop",
        app="shop.hooks:hooks",
        checks=(),
        handlers=(),
        arrivals=(),
        headers=(),
        content=None,
        size=226,
    )
    assert page.status == "scheduled"
    assert page.can_replay
