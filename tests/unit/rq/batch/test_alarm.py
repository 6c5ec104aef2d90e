"""The alarm of a batch: one handler for all jobs, whatever a handler of events does to it."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from rq.timeouts import JobTimeoutException

from florentin_webhooks.rq.batch.alarm import BatchAlarm


@pytest.fixture
def alarm() -> Iterator[BatchAlarm]:
    made = BatchAlarm(60)
    yield made
    made.close()
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def test_alarm_ends_a_block_with_rqs_exception(alarm: BatchAlarm) -> None:
    with pytest.raises(JobTimeoutException, match="60 seconds"), alarm:
        signal.raise_signal(signal.SIGALRM)


def test_alarm_rings_also_after_another_handler_was_set(alarm: BatchAlarm) -> None:
    with alarm:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
    with pytest.raises(JobTimeoutException), alarm:
        signal.raise_signal(signal.SIGALRM)


def test_alarm_that_rings_after_a_block_changes_nothing(
    alarm: BatchAlarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ring(_: int) -> None:
        monkeypatch.undo()
        signal.alarm(0)
        raise JobTimeoutException

    with alarm:
        monkeypatch.setattr(signal, "alarm", ring)
    assert signal.alarm(0) == 0


def test_no_alarm_is_left_after_a_block(alarm: BatchAlarm) -> None:
    with alarm:
        assert 0 < signal.alarm(60) <= 60
    assert signal.alarm(0) == 0
