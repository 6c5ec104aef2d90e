"""Runs of handlers and planned failures are kept in Redis."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module

import pytest

from florentin_webhooks.cli.demo.recorder import Run, RunRecorder, most_runs
from florentin_webhooks.protocol.delivery import Delivery
from tests.support.vectors import SECRET


@pytest.fixture
def recorder(redis_url: str) -> Iterator[RunRecorder]:
    recorder = RunRecorder(redis_url)
    yield recorder
    recorder.close()


def delivery() -> Delivery:
    from florentin_webhooks import Receiver
    from florentin_webhooks.testing import Provider

    seen: list[Delivery] = []
    hooks = Receiver(SECRET)
    hooks.on("user.login")(lambda _, delivery: seen.append(delivery))
    Provider(SECRET).deliver(hooks, "user.login")
    return seen[0]


def test_runs_are_read_back_in_order(recorder: RunRecorder) -> None:
    received = delivery()
    first = recorder.start("greet", received)
    second = recorder.start("mail", received)
    recorder.finish(second, "sent")
    assert recorder.started() == [first, second]
    assert [run.note for run in recorder.finished()] == ["sent"]
    assert first == Run("greet", received.fingerprint, received.delivery_id, os.getpid())


def test_planned_failures_are_counted_down(recorder: RunRecorder) -> None:
    recorder.plan_failures("mail", 2)
    assert [recorder.is_failing("mail") for _ in range(4)] == [True, True, False, False]
    assert not recorder.is_failing("greet")


def test_failure_is_counted_before_its_run_is_seen(
    recorder: RunRecorder, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLORENTIN_REDIS_URL", redis_url)
    monkeypatch.setenv("FLORENTIN_WEBHOOK_SECRET", SECRET)
    app = import_module("florentin_webhooks.cli.demo.app")
    recorder.plan_failures("bill", 1)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(recorder, "start", die)
    monkeypatch.setattr(app, "recorder", recorder)
    with pytest.raises(KeyboardInterrupt):
        app._record("bill", delivery(), "")
    assert not recorder.is_failing("bill")


def test_most_runs_counts_bodies_and_delivery_ids() -> None:
    assert most_runs([]) == 0
    assert most_runs([Run("a", "1", "x", 1), Run("b", "1", "x", 1)]) == 1
    assert most_runs([Run("a", "1", "x", 1), Run("a", "1", "y", 1)]) == 2
    assert most_runs([Run("a", "1", "x", 1), Run("a", "2", "x", 1)]) == 2
