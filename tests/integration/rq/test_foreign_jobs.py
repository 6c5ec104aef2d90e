"""Two programs share a queue on one Redis: each worker runs the jobs of its own program only."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import redis

from florentin_webhooks import Receiver, RQQueue
from florentin_webhooks.core.replay import NotReplayable, drop, replay
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.rq.batch.batch import Batch
from florentin_webhooks.rq.batch.mixin import BatchingWorker
from florentin_webhooks.rq.batch.size import BatchSize
from florentin_webhooks.rq.foreign import foreign_wait
from florentin_webhooks.rq.monitoring import ProblemKind, queue_status
from florentin_webhooks.rq.sweeper import drop_expired, requeue_lost
from florentin_webhooks.rq.worker import SimpleWorker, WorkerKind, build_worker
from florentin_webhooks.testing import Provider
from tests.support.workshop import Workshop, open_workshop, told_in

OURS, THEIRS = "whsec_of_the_program_alpha", "whsec_of_the_program_beta"


@pytest.fixture
def shops(redis_url: str, redis_prefix: str) -> Iterator[tuple[Workshop, Workshop]]:
    """Two programs, with a handler each, that share queue and store."""
    with (
        open_workshop(redis_url, redis_prefix, secret=OURS) as ours,
        open_workshop(redis_url, redis_prefix, secret=THEIRS, queue=ours.queue) as theirs,
    ):
        ours.does("bill")
        theirs.does("ship")
        yield ours, theirs


def deliver(shop: Workshop, secret: str) -> str:
    """Deliver a new event to *shop* and return its fingerprint."""
    made = Provider(secret, clock=shop.clock).make("invoice.created")
    return told_in(shop.hooks.receive(*made))


@contextmanager
def elsewhere(shop: Workshop) -> Iterator[None]:
    """Take the module of *shop* out of this process; it cannot be imported."""
    module = sys.modules.pop(shop.module.__name__)
    yield
    sys.modules[module.__name__] = module


def test_each_worker_runs_its_own_jobs(shops: tuple[Workshop, Workshop]) -> None:
    ours, theirs = shops
    deliver(ours, OURS)
    fingerprint = deliver(theirs, THEIRS)
    with elsewhere(theirs):
        ours.work()
    assert (ours.ran, theirs.ran) == (["bill"], [])
    assert theirs.job(fingerprint)[b"retries_left"] == b"2"
    assert theirs.rq().failed_job_registry.count == 0
    with elsewhere(ours):
        theirs.work_it_off()
    assert (ours.ran, theirs.ran) == (["bill"], ["ship"])
    assert theirs.record(fingerprint).attempts == {theirs.queue: 1}


def start_forking_worker(self: Workshop, client: redis.Redis, *_: object) -> Any:
    """Return a worker that forks for each job; Any: rq leaves its types open."""
    return build_worker(self.hooks, client, queue=self.queue)


def test_forking_worker_leaves_foreign_jobs_in_the_queue(
    shops: tuple[Workshop, Workshop], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = shops
    fingerprints = deliver(ours, OURS), deliver(theirs, THEIRS)
    monkeypatch.setattr(Workshop, "worker", start_forking_worker)
    with elsewhere(theirs):
        ours.work()
    assert [ours.record(each).state for each in fingerprints] == [State.DONE, State.QUEUED]
    assert theirs.job(fingerprints[1])[b"retries_left"] == b"2"


def test_warning_names_both_programs_once(
    shops: tuple[Workshop, Workshop], caplog: pytest.LogCaptureFixture
) -> None:
    ours, theirs = shops
    for _ in range(3):
        deliver(theirs, THEIRS)
    with elsewhere(theirs), caplog.at_level(logging.WARNING, "florentin_webhooks"):
        ours.work()
    (warning,) = [each.getMessage() for each in caplog.records if "another" in each.getMessage()]
    assert theirs.hooks.path in warning
    assert ours.hooks.path in warning
    assert 'RQQueue("other-name")' in warning


def test_worker_leaves_the_jobs_of_a_receiver_beside_its_own(
    shops: tuple[Workshop, Workshop],
) -> None:
    ours, theirs = shops
    fingerprint = deliver(theirs, THEIRS)
    ours.work()
    assert theirs.ran == []
    assert theirs.record(fingerprint).state is State.QUEUED
    assert theirs.job(fingerprint)[b"retries_left"] == b"2"
    theirs.work_it_off()
    assert theirs.ran == ["ship"]


def start_for_both(theirs: Workshop) -> Callable[..., Any]:
    """Return a builder of workers that also serve *theirs*; Any: rq leaves its types open."""

    def start(self: Workshop, client: redis.Redis, *_: object) -> Any:
        kind, others = WorkerKind.SIMPLE, [theirs.hooks]
        return build_worker(self.hooks, client, queue=self.queue, kind=kind, others=others)

    return start


def test_worker_of_two_receivers_runs_the_jobs_of_both(
    shops: tuple[Workshop, Workshop], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = shops
    prints = deliver(ours, OURS), deliver(theirs, THEIRS)
    monkeypatch.setattr(Workshop, "worker", start_for_both(theirs))
    ours.work()
    assert (ours.ran, theirs.ran) == (["bill"], ["ship"])
    assert [ours.record(each).state for each in prints] == [State.DONE] * 2


def test_worker_claims_the_jobs_of_each_receiver_together(
    shops: tuple[Workshop, Workshop], monkeypatch: pytest.MonkeyPatch
) -> None:
    def execute_job(worker: SimpleWorker, job: Any, queue: Any) -> None:  # Any: as RQ's.
        jobs.append(len(job.jobs) if isinstance(job, Batch) else 0)
        BatchingWorker.execute_job(worker, job, queue)

    ours, theirs, jobs = *shops, list[int]()
    monkeypatch.setattr(BatchSize, "first", 64)
    monkeypatch.setattr(SimpleWorker, "execute_job", execute_job)
    monkeypatch.setattr(Workshop, "worker", start_for_both(theirs))
    for shop, secret in ((theirs, THEIRS), (ours, OURS), (theirs, THEIRS)):
        for _ in range(4):
            deliver(shop, secret)
    ours.work()
    assert (ours.ran, theirs.ran) == (["bill"] * 4, ["ship"] * 8)
    assert jobs == [4, 4, 4]


def test_job_of_an_earlier_path_finds_its_receiver_among_several(
    shops: tuple[Workshop, Workshop], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = shops
    deliver(theirs, THEIRS)
    sys.modules["renamed_module"] = sys.modules.pop(theirs.module.__name__)
    monkeypatch.setattr(theirs.hooks.dispatcher, "_path", "renamed_module:hooks")
    monkeypatch.setattr(Workshop, "worker", start_for_both(theirs))
    try:
        ours.work()
    finally:
        sys.modules[theirs.module.__name__] = sys.modules.pop("renamed_module")
    assert theirs.ran == ["ship"]


def test_program_with_the_same_import_path_skips_foreign_jobs(
    redis_url: str, redis_prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    with open_workshop(redis_url, redis_prefix, secret=THEIRS) as theirs:
        theirs.does("ship")
        fingerprint = deliver(theirs, THEIRS)
        hooks, ran = Receiver(OURS, store=theirs.store, queue=RQQueue(theirs.queue)), theirs.ran
        theirs.module.hooks = theirs.hooks = hooks  # type: ignore[attr-defined]  # a module is open.
        theirs.does("ship")
        theirs.work()
        assert ran == []
        assert theirs.record(fingerprint).state is State.QUEUED
        assert "under another secret" in caplog.text


def test_worker_with_the_earlier_secret_runs_waiting_jobs(
    redis_url: str, redis_prefix: str
) -> None:
    with open_workshop(redis_url, redis_prefix, secret=OURS) as shop:
        shop.does("bill")
        fingerprint = deliver(shop, OURS)
        replace_secrets(shop, THEIRS)
        shop.work()
        status = queue_status(shop.client, shop.queue, shop.hooks)
        assert status.foreign == {shop.hooks.path: 1}
        assert status.problems()[-1].kind is ProblemKind.OTHER_KEY
        replace_secrets(shop, {"new": THEIRS, "old": OURS})
        shop.work_it_off()
        assert shop.ran == ["bill"]
        assert shop.record(fingerprint).attempts == {shop.queue: 1}


def replace_secrets(shop: Workshop, secrets: str | dict[str, str]) -> None:
    """Deploy *shop* again with other secrets."""
    queue = RQQueue(shop.queue)
    shop.hooks = Receiver(secrets, store=shop.store, queue=queue, clock=shop.clock)
    shop.module.hooks = shop.hooks  # type: ignore[attr-defined]  # a module is open.
    shop.does("bill")


def test_job_waits_while_its_secret_is_rotated_out(redis_url: str, redis_prefix: str) -> None:
    with open_workshop(redis_url, redis_prefix, secret=OURS) as shop:
        replace_secrets(shop, {"new": THEIRS, "old": OURS})
        deliver(shop, OURS)
        replace_secrets(shop, THEIRS)
        shop.work()
        assert shop.ran == ["bill"]


def test_job_that_names_an_earlier_import_path_runs(redis_url: str, redis_prefix: str) -> None:
    with open_workshop(redis_url, redis_prefix, secret=OURS) as shop:
        shop.does("bill")
        deliver(shop, OURS)
        name = shop.module.__name__
        sys.modules[f"{name}_moved"] = sys.modules.pop(name)
        moved = Receiver(
            OURS, store=shop.store, queue=RQQueue(shop.queue, receiver=f"{name}_moved:hooks")
        )
        moved.include(shop.hooks.router)
        shop.module.hooks = shop.hooks = moved  # type: ignore[attr-defined]  # a module is open.
        shop.work()
        assert shop.ran == ["bill"]
        sys.modules[name] = sys.modules.pop(f"{name}_moved")


def test_sweeper_leaves_lost_jobs_of_another_program(shops: tuple[Workshop, Workshop]) -> None:
    ours, theirs = shops
    deliver(theirs, THEIRS)
    assert ours.client.lpop(ours.rq().key)
    assert requeue_lost(ours.hooks, ours.rq(), -1) == 0
    assert requeue_lost(theirs.hooks, theirs.rq(), -1) == 1
    theirs.work()
    assert theirs.ran == ["ship"]


def test_dead_letters_of_another_program_are_not_dropped(
    redis_url: str, redis_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        open_workshop(redis_url, redis_prefix, secret=OURS) as ours,
        open_workshop(redis_url, redis_prefix, secret=THEIRS, queue=ours.queue) as theirs,
    ):
        ours.does("bill")
        theirs.does("ship", *[ValueError()] * 3)
        fingerprint = deliver(theirs, THEIRS)
        theirs.work_it_off()
        assert theirs.record(fingerprint).state is State.DEAD
        for shop in (ours, theirs):
            monkeypatch.setattr(shop.store, "unfinished_retention", timedelta(seconds=-1))
        assert drop_expired(ours.hooks) == 0
        assert drop_expired(theirs.hooks) == 1


def test_status_of_the_queue_counts_foreign_jobs(shops: tuple[Workshop, Workshop]) -> None:
    ours, theirs = shops
    deliver(ours, OURS)
    for _ in range(2):
        deliver(theirs, THEIRS)
    status = queue_status(ours.client, ours.queue, ours.hooks)
    assert status.foreign == {theirs.hooks.path: 2}
    assert any(theirs.hooks.path in problem.message for problem in status.problems())
    assert queue_status(theirs.client, ours.queue, theirs.hooks).foreign == {ours.hooks.path: 1}
    with elsewhere(theirs):
        ours.work()
        assert queue_status(ours.client, ours.queue, ours.hooks).foreign == {theirs.hooks.path: 2}


@pytest.mark.parametrize("operate", [replay, drop])
def test_delivery_of_another_program_is_not_replayed_or_dropped(
    shops: tuple[Workshop, Workshop], operate: Callable[[Receiver, str], object]
) -> None:
    ours, theirs = shops
    fingerprint = deliver(theirs, THEIRS)
    with pytest.raises(NotReplayable, match=f"it belongs to {theirs.hooks.path}"):
        operate(ours.hooks, fingerprint)
    assert theirs.record(fingerprint).state is State.QUEUED


def test_foreign_job_goes_back_quickly_then_rarely() -> None:
    assert max(foreign_wait(count) for count in range(1, 10)) <= 2
    assert min(foreign_wait(count) for count in range(40, 60)) >= 200
    assert max(foreign_wait(count) for count in range(1, 10_000)) <= 400
