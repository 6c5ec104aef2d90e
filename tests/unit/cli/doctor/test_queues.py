"""A queue without workers, without a scheduler or with problems is found, with the command."""

from __future__ import annotations

from dataclasses import replace

import pytest

from florentin_webhooks.cli.doctor.queues import check_queue
from florentin_webhooks.rq.monitoring import QueueStatus, WorkerStatus

WORKER = WorkerStatus("w1", "idle", "host", 1, None)
SOUND = QueueStatus("bills", 0, None, 0, 0, 0, (WORKER,), scheduler=True, path="shop:hooks")

MISTAKES = [
    (replace(SOUND, workers=()), "fail queue-no-worker", "worker shop:hooks --queue bills"),
    (replace(SOUND, workers=(), waiting=2), "fail queue-no-worker", "worker shop:hooks"),
    (replace(SOUND, scheduler=False), "warn queue-no-scheduler", "worker shop:hooks"),
    (replace(SOUND, scheduler=False, scheduled=1), "fail queue-no-scheduler", "worker"),
    (replace(SOUND, dead=3), "fail queue-dead", "dead list shop:hooks"),
    (replace(SOUND, lost=1), "fail queue-lost", "send them again"),
    (replace(SOUND, foreign={"crm:hooks": 2}), "fail queue-foreign", "other-name"),
    (replace(SOUND, foreign={"shop:hooks": 2}), "fail queue-other-key", "secret"),
    (replace(SOUND, unreadable=1), "fail queue-unreadable", "dead list"),
    (replace(SOUND, unstarted=1), "fail queue-unstarted", "worker"),
]


@pytest.mark.parametrize(("status", "expected", "fix"), MISTAKES)
def test_problem_is_found_with_its_command(status: QueueStatus, expected: str, fix: str) -> None:
    (check,) = check_queue(status, "shop:hooks")
    assert f"{check.state} {check.name}" == expected
    assert fix in check.hint


def test_queue_with_worker_and_scheduler_is_sound() -> None:
    (check,) = check_queue(SOUND, "shop:hooks")
    assert check.message == "1 worker on queue bills."
