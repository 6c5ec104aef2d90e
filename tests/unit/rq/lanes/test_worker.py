"""How long the worker of one lane waits, while those of the others wait for it."""

from __future__ import annotations

from typing import Any

import pytest

from florentin_webhooks.redis.waiting_retry import WaitingRetry
from florentin_webhooks.rq.lanes.worker import LaneSimpleWorker
from florentin_webhooks.rq.worker import SweepingWorker


def test_heartbeat_waits_once_for_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    worker: Any = object.__new__(LaneSimpleWorker)
    retry = worker.retry = WaitingRetry("redis://one")
    seen = list[bool]()
    monkeypatch.setattr(
        SweepingWorker, "heartbeat", lambda *_: seen.append(retry.is_impatient), raising=False
    )
    worker.heartbeat()
    assert seen == [True]
    assert not retry.is_impatient
    with worker._impatience():
        worker.heartbeat()
        assert retry.is_impatient
