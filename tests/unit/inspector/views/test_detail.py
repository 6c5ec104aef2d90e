"""The buttons of a delivery's page do something."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import Record
from florentin_webhooks.inspector.views.detail import Detail

NOW = datetime(2026, 11, 29, tzinfo=UTC)
LATER = NOW + timedelta(minutes=2)


def page_of(record: Record, size: int = 226) -> Detail:
    return Detail(
        record=record,
        status=record.status(NOW),
        receiver="shop",
        app="shop.hooks:hooks",
        checks=(),
        handlers=(),
        arrivals=(),
        headers=(),
        content=None,
        size=size,
    )


@pytest.mark.parametrize(
    ("state", "size", "buttons"),
    [
        (State.DONE, 226, {"replay all"}),
        (State.DONE, 0, set[str]()),
        (State.FAILED, 226, {"replay", "replay all", "discard"}),
        (State.FAILED, 0, {"discard"}),
        (State.STALE, 226, {"replay", "replay all", "discard"}),
        (State.INVALID, 226, {"replay", "replay all", "discard"}),
        (State.DEAD, 226, {"replay", "replay all", "discard"}),
        (State.QUEUED, 226, {"discard"}),
    ],
)
def test_buttons_are_those_that_can_do_something(
    state: State, size: int, buttons: set[str]
) -> None:
    page = page_of(Record("0" * 32, state, waiting={"mail": ("shop:mail",)}), size)
    shown = {
        "replay": page.can_replay,
        "replay all": page.can_replay_all,
        "discard": page.can_discard,
    }
    assert {name for name, is_shown in shown.items() if is_shown} == buttons


def test_delivery_that_is_running_has_no_buttons() -> None:
    lease = datetime.now(UTC) + timedelta(hours=1)
    page = page_of(Record("0" * 32, State.RUNNING, leases={"": lease}))
    assert [page.can_replay, page.can_replay_all, page.can_discard] == [False] * 3


@pytest.mark.parametrize(
    ("state", "queue"),
    [(State.QUEUED, "mail"), (State.FAILED, "")],
    ids=["its job waits", "its sender comes back"],
)
def test_scheduled_delivery_can_be_replayed_now(state: State, queue: str) -> None:
    record = Record("0" * 32, state, waiting={queue: ("shop:mail",)}, next_attempts={queue: LATER})
    page = page_of(record)
    assert page.status == "scheduled"
    assert page.can_replay
