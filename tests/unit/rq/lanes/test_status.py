from __future__ import annotations

from datetime import UTC, datetime

from florentin_webhooks.core.queue import QueueFacts
from florentin_webhooks.rq.lanes.status import merge_statuses
from florentin_webhooks.rq.measure import merge_facts
from florentin_webhooks.rq.monitoring import QueueStatus, WorkerStatus

EARLY, LATE = (datetime(2026, 6, 6, hour, tzinfo=UTC) for hour in (9, 10))
IDLE = WorkerStatus("w", "idle", "host", 1, EARLY)
BUSY = IDLE.__class__("w", "busy", "host", 1, LATE)


def test_lanes_are_counted_as_one_queue() -> None:
    one = QueueStatus("q", 1, LATE, 2, 3, 4, (IDLE,), True, 5, {"a": 1}, 6, "p", 7, ("s",))
    two = QueueStatus(
        "q", 1, EARLY, 2, 3, 4, (BUSY,), False, 5, {"a": 1, "b": 1}, 6, "p", 7, ("s",)
    )
    assert merge_statuses([one, two]) == QueueStatus(
        "q", 2, EARLY, 4, 6, 8, (BUSY,), False, 10, {"a": 2, "b": 1}, 12, "p", 14, ("s",)
    )


def test_one_lane_is_its_own_status() -> None:
    one = QueueStatus("q", 1, LATE, 2, 3, 4, (IDLE,), True)
    assert merge_statuses([one]) is one


def test_worker_of_all_lanes_is_measured_once() -> None:
    one, two = (
        QueueFacts("q", 1, None, 0, 1, 0, 2, True),
        QueueFacts("q", 2, LATE, 1, 0, 1, 1, True),
    )
    assert merge_facts([one, two]) == QueueFacts("q", 3, LATE, 1, 1, 1, 2, True)
