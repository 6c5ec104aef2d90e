"""What a worker logs and reports: a line for each handler, and each death once, loudly."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from florentin_webhooks import AttemptReport, DeadDelivery, Discard, HandlerFailure, RetryLater
from florentin_webhooks.rq.sweeper import requeue_lost
from tests.support.recorder import Recorder
from tests.support.vectors import CANONICAL, delivery
from tests.support.workshop import Workshop, open_workshop


@pytest.fixture
def shop(redis_url: str, redis_prefix: str) -> Iterator[Workshop]:
    with open_workshop(redis_url, redis_prefix, retries=(40,)) as opened:
        yield opened


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="florentin_webhooks")
    return caplog


def facts(log: pytest.LogCaptureFixture, *names: str) -> list[tuple[Any, ...]]:
    """Return these attributes of each record about a handler or a dead delivery."""
    records = [vars(record) for record in log.records if hasattr(record, "receiver")]
    return [tuple(record.get(name) for name in names) for record in records]


def test_read_outcome_each_handler_is_a_line(shop: Workshop, log: pytest.LogCaptureFixture) -> None:
    shop.does("bill")
    shop.does("mail", Discard("a test customer"))
    shop.does("book", RetryLater(90))
    shop.accept()
    shop.work()
    assert facts(log, "levelname", "outcome", "handler", "event", "attempt", "queue") == [
        ("INFO", "done", shop.named("bill"), "invoice.created", 1, shop.queue),
        ("INFO", "discarded", shop.named("mail"), "invoice.created", 1, shop.queue),
        ("INFO", "scheduled", shop.named("book"), "invoice.created", 1, shop.queue),
    ]
    assert {receiver for (receiver,) in facts(log, "receiver")} == {shop.named("hooks")}
    assert all(0 <= duration < 60 for (duration,) in facts(log, "duration"))
    assert "a test customer" in log.text


def test_failure_in_a_worker_is_one_error_with_next_attempt(
    shop: Workshop, log: pytest.LogCaptureFixture
) -> None:
    shop.does("bill", ValueError())
    shop.accept()
    shop.work()
    errors = [record for record in log.records if record.levelno >= logging.ERROR]
    assert [vars(each).get("outcome") for each in errors] == ["handler-failed"]
    ((due,),) = facts(log, "next_attempt")
    assert 30 < (datetime.fromisoformat(due) - datetime.now(UTC)).total_seconds() <= 40


def test_death_is_one_error_after_the_last_failure(
    shop: Workshop, log: pytest.LogCaptureFixture
) -> None:
    dead, failed, recorder = list[DeadDelivery](), list[HandlerFailure](), Recorder()
    shop.hooks.observe(recorder)
    shop.hooks.on_dead(dead.append)
    shop.hooks.on_failure(failed.append)
    shop.does("bill", ValueError(), ValueError())
    fingerprint = shop.accept()
    shop.work_it_off()
    assert requeue_lost(shop.hooks, shop.rq(), -1) == 0
    assert facts(log, "levelname", "outcome", "attempt", "next_attempt")[1:] == [
        ("ERROR", "handler-failed", 2, None),
        ("ERROR", "dead", 2, None),
    ]
    reason = f"{shop.named('bill')}: ValueError"
    assert [(each.attempt, each.reason) for each in failed] == [(1, reason), (2, reason)]
    (news,) = dead
    assert (news.fingerprint, news.queue, news.attempts) == (fingerprint, shop.queue, 2)
    assert (news.event, news.reason) == ("invoice.created", reason)
    assert recorder.methods == ["accepted", "failed", "failed", "dead"]
    assert {each.fingerprint for _, each in recorder.seen} == {fingerprint}


def test_observer_learns_of_each_attempt_in_a_batch(shop: Workshop) -> None:
    recorder = Recorder()
    shop.hooks.observe(recorder)
    shop.does("bill", None, RetryLater(60), Discard("a test customer"))
    for number in range(3):
        shop.accept(delivery(CANONICAL.replace(b"F-0001", b"F-%04d" % number)))
    shop.work()
    attempts = [each for _, each in recorder.seen if isinstance(each, AttemptReport)]
    assert [each.outcome for each in attempts] == ["done", "scheduled", "discarded"]
    assert {(each.queue, each.receiver) for each in attempts} == {(shop.queue, shop.named("hooks"))}


def test_death_that_the_sweeper_finds_is_one_error(
    shop: Workshop, log: pytest.LogCaptureFixture
) -> None:
    dead: list[DeadDelivery] = []
    shop.hooks.on_dead(dead.append)
    shop.does("bill")
    fingerprint = shop.accept()
    shop.client.lpop(shop.rq().key)
    shop.client.hset(f"rq:job:{shop.job_id(fingerprint)}", "status", "failed")
    for _ in range(2):
        requeue_lost(shop.hooks, shop.rq(), -1)
    assert facts(log, "levelname", "outcome", "queue") == [("ERROR", "dead", shop.queue)]
    assert [each.reason for each in dead] == ["its worker was killed or stopped"]


def test_reports_of_a_forked_process_reach_the_worker(shop: Workshop) -> None:
    recorder = Recorder()
    shop.hooks.observe(recorder)
    shop.does("bill", ValueError())
    fingerprint = shop.accept()
    shop.work_in_forks()
    (report,) = [each for _, each in recorder.seen if isinstance(each, AttemptReport)]
    assert recorder.methods == ["accepted", "failed"]
    assert (report.fingerprint, report.error, report.attempt) == (fingerprint, "ValueError", 1)
    assert report.next_attempt is not None
    assert report.next_attempt > datetime.now(UTC)
