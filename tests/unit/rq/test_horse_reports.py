"""Reports that a forked process writes, and the worker reads."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from florentin_webhooks import AttemptReport, DeadReport, DeliveryReport, MemoryStore, Receiver
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.rq.horse_reports import HorseReports
from tests.support.recorder import Recorder, Report
from tests.support.shop import SECRET

NOW = datetime(2026, 11, 28, 12, 0, 1, 500_000, tzinfo=UTC)
NAMES = ("crm", "Florentin", "user.login", "ab" * 16)
REPORTS: list[tuple[str, Report]] = [
    ("handled", AttemptReport(*NAMES, "shop:greet", "slow", 1, "done", 0.25)),
    (
        "failed",
        AttemptReport(*NAMES, "shop:é", "q", 2, "failed", 1.5, "OSError", "a.py:1", NOW, "é"),
    ),
    ("dead", DeadReport(*NAMES, "slow", 6, "shop:greet: OSError")),
    ("refused", DeliveryReport("crm", "Florentin", Outcome.STALE, 0.1, "user.login", reason="old")),
    (
        "accepted",
        DeliveryReport(
            "crm", "Florentin", Outcome.PROCESSED, None, *NAMES[2:], "secret-1", NOW, NOW
        ),
    ),
]


@pytest.fixture
def recorder() -> Recorder:
    made = Recorder()
    made.reads_error_text = True
    return made


@pytest.fixture
def receiver(recorder: Recorder) -> Receiver:
    receiver = Receiver(SECRET, store=MemoryStore())
    receiver.observe(recorder)
    return receiver


def write(receiver: Receiver) -> None:
    assert receiver.reporter.notifier
    for method, report in REPORTS:
        receiver.reporter.notifier.notify(method, report)


def test_diverted_reports_are_passed_on_unchanged(receiver: Receiver, recorder: Recorder) -> None:
    reports = HorseReports([Receiver("unobserved-secret", name="b"), receiver])
    reports.divert()
    write(receiver)
    assert recorder.seen == []
    assert receiver.reporter.notifier
    receiver.reporter.notifier.divert(None)  # As in the worker, which has not forked itself.
    for _ in range(2):
        reports.pass_on()
        assert recorder.seen == REPORTS
    reports.close()
    assert [type(each) for _, each in recorder.seen] == [type(each) for _, each in REPORTS]


def test_half_a_line_of_a_killed_process_is_skipped(receiver: Receiver, recorder: Recorder) -> None:
    reports = HorseReports([receiver])
    reports.divert()
    write(receiver)
    assert receiver.reporter.notifier
    receiver.reporter.notifier.divert(None)
    assert reports._file
    reports._file.seek(-30, 2)
    reports._file.truncate()
    reports.pass_on()
    reports.close()
    assert recorder.seen == REPORTS[:-1]


def test_worker_without_observers_opens_no_file() -> None:
    reports = HorseReports([Receiver(SECRET, store=MemoryStore())])
    reports.divert()
    reports.pass_on()
    reports.close()
    assert reports._file is None
