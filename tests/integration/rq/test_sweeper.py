"""The sweeper: it requeues lost jobs once, and touches no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.rq import RQQueue
from florentin_webhooks.rq.sweeper import drop_expired, requeue_lost
from tests.support.vectors import CANONICAL, delivery
from tests.support.workshop import Workshop, open_workshop


@pytest.fixture
def shop(redis_url: str, redis_prefix: str) -> Iterator[Workshop]:
    with open_workshop(redis_url, redis_prefix) as opened:
        opened.does("bill")
        yield opened


def swept(shop: Workshop, older_than: float = -1, queue: str | None = None) -> int:
    """How many jobs were put back."""
    return requeue_lost(shop.hooks, shop.rq(queue), older_than)


def popped_and_forgotten(shop: Workshop, fingerprint: str) -> None:
    """A worker with two queues dies between pop and start: the job is in no list."""
    assert shop.client.lpop(shop.rq().key) == shop.job_id(fingerprint).encode()


def evicted(shop: Workshop, fingerprint: str) -> None:
    popped_and_forgotten(shop, fingerprint)
    assert shop.client.delete(f"rq:job:{shop.job_id(fingerprint)}") == 1


def queue_deleted(shop: Workshop, _fingerprint: str) -> None:
    assert shop.client.delete(shop.rq().key) == 1


LOSSES = [popped_and_forgotten, evicted, queue_deleted]


@pytest.mark.answers("RQ-09")
@pytest.mark.parametrize("lose", LOSSES)
def test_lost_job_is_requeued_with_all_retries(
    shop: Workshop, lose: Callable[[Workshop, str], None], caplog: pytest.LogCaptureFixture
) -> None:
    fingerprint = shop.accept()
    result = shop.job(fingerprint)
    lose(shop, fingerprint)
    assert swept(shop) == 1
    assert swept(shop) == 0
    assert shop.listed() == [shop.job_id(fingerprint)]
    job = f"job {fingerprint}-{shop.queue} of queue {shop.queue}"
    assert [each for each in caplog.messages if shop.queue in each] == [f"{job}: lost"]
    times = {b"created_at", b"enqueued_at"}
    assert {k: v for k, v in shop.job(fingerprint).items() if k not in times} == {
        k: v for k, v in result.items() if k not in times
    }
    shop.work()
    assert shop.ran == ["bill"]
    assert shop.record(fingerprint).state is State.DONE


@pytest.mark.parametrize("lose", LOSSES)
def test_recent_job_is_not_requeued(shop: Workshop, lose: Callable[[Workshop, str], None]) -> None:
    lose(shop, shop.accept())
    assert swept(shop, 60) == 0


def test_duplicate_requeues_an_evicted_job_at_once(shop: Workshop) -> None:
    fingerprint = shop.accept()
    evicted(shop, fingerprint)
    assert shop.accept() == fingerprint
    assert shop.send().outcome == "duplicate"
    shop.work()
    assert shop.ran == ["bill"]


def test_job_in_any_list_is_not_requeued(
    redis_url: str, redis_prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    with open_workshop(redis_url, redis_prefix) as shop:
        found: list[int] = []

        @shop.handles("bill")
        def bill(_event: object) -> None:
            found.append(swept(shop))
            if len(found) == 1:
                raise ValueError

        fingerprint = shop.accept()
        assert swept(shop) == 0
        shop.work()
        before = shop.job(fingerprint)
        assert swept(shop) == 0
        assert shop.job(fingerprint) == before
        shop.work_it_off()
        assert swept(shop) == 0
        assert found == [0, 0]
        assert not [each for each in caplog.messages if "of queue" in each]
        assert shop.record(fingerprint).state is State.DONE


def test_job_between_pop_and_start_is_left_to_rq(shop: Workshop) -> None:
    fingerprint = shop.accept()
    queue = shop.rq()
    shop.client.lmove(queue.key, queue.intermediate_queue_key, "LEFT", "RIGHT")
    assert swept(shop) == 0
    assert shop.record(fingerprint).state is State.QUEUED


@pytest.mark.parametrize("status", ["failed", "stopped", "canceled"])
def test_job_that_rq_has_failed_is_dead(shop: Workshop, status: str) -> None:
    fingerprint = shop.accept()
    shop.client.lpop(shop.rq().key)
    shop.client.hset(f"rq:job:{shop.job_id(fingerprint)}", "status", status)
    assert swept(shop) == 0
    assert shop.record(fingerprint).state is State.DEAD
    assert shop.life(fingerprint) < float("inf")
    assert shop.accept() == fingerprint
    shop.work()
    assert shop.record(fingerprint).state is State.DONE


def test_dead_letters_are_not_swept_again(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    fingerprint = shop.accept()
    shop.client.lpop(shop.rq().key)
    shop.client.hset(f"rq:job:{shop.job_id(fingerprint)}", "status", "failed")
    swept(shop)
    monkeypatch.delattr(RQQueue, "job")  # Which prepares each job that is looked at.
    assert swept(shop) == 0


def test_job_without_a_record_leaves_nothing_behind(shop: Workshop) -> None:
    fingerprint = shop.accept()
    popped_and_forgotten(shop, fingerprint)
    shop.client.delete(f"{shop.prefix}d".encode() + bytes.fromhex(fingerprint))
    assert swept(shop) == 0
    assert shop.job(fingerprint) == {}
    assert not shop.client.exists(f"{shop.prefix}pending:{shop.queue}")


def test_only_expired_dead_letters_are_discarded(shop: Workshop) -> None:
    bodies = [CANONICAL.replace(b"F-0001", b"F-%04d" % number) for number in range(3)]
    sent = [shop.accept(delivery(body, delivery_id=f"{n}")) for n, body in enumerate(bodies)]
    for fingerprint in sent:
        shop.client.lpop(shop.rq().key)
        shop.client.hset(f"rq:job:{shop.job_id(fingerprint)}", "status", "failed")
    swept(shop)
    recent, expired, evicted = sent
    dead, month = shop.store.schema.dead, 31 * 86_400_000
    for fingerprint in (evicted, expired):
        shop.client.zincrby(dead, -month, shop.job_id(fingerprint))
    shop.client.delete(shop.store.record_key(evicted))
    assert drop_expired(shop.hooks) == 1
    assert shop.record(expired).state is State.DONE
    swept(shop)
    assert shop.client.zrange(dead, 0, -1) == [shop.job_id(recent).encode()]


def test_each_queue_is_swept_by_its_own_workers(redis_url: str, redis_prefix: str) -> None:
    with open_workshop(redis_url, redis_prefix) as shop:
        other = f"{shop.queue}-other"
        shop.does("bill")
        shop.does("mail", queue=other)
        fingerprint = shop.accept()
        shop.client.delete(shop.rq().key, shop.rq(other).key)
        assert swept(shop, queue=other) == 1
        assert (shop.listed(), shop.listed(other)) == ([], [shop.job_id(fingerprint, other)])
        assert swept(shop) == 1


def test_maintenance_runs_the_sweeper(redis_url: str, shop: Workshop) -> None:
    fingerprint = shop.accept()
    evicted(shop, fingerprint)
    with redis.Redis.from_url(redis_url) as client:
        worker = shop.worker(client)
        worker.lost_after = -1
        worker.run_maintenance_tasks()
    assert shop.listed() == [shop.job_id(fingerprint)]


def test_worker_survives_a_failing_sweeper(
    redis_url: str,
    shop: Workshop,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(*_: object) -> None:
        raise redis.ConnectionError("gone, with user:password@host")

    shop.accept()
    with redis.Redis.from_url(redis_url) as client:
        worker = shop.worker(client)
        worker.lost_after = -1
        monkeypatch.setattr(worker.connection, "lrange", refuse)
        worker.queues[0].intermediate_queue.get_job_ids = list
        monkeypatch.setattr("rq.intermediate_queue.IntermediateQueue.get_job_ids", lambda _: [])
        worker.run_maintenance_tasks()
    assert "The sweeper failed and runs again later: ConnectionError." in caplog.text


def test_lost_job_is_found_behind_dead_letters(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("florentin_webhooks.redis.codec.jobs._MOST_PENDING", 2)
    monkeypatch.setattr("florentin_webhooks.rq.sweeper._PAGE", 2)
    bodies = [CANONICAL.replace(b"F-0001", b"F-%04d" % number) for number in range(9)]
    keys = [shop.accept(delivery(body, delivery_id=f"{n}")) for n, body in enumerate(bodies)]
    for key in keys[:5]:
        shop.client.lpop(shop.rq().key)
        shop.client.hset(f"rq:job:{shop.job_id(key)}", "status", "failed")
    assert swept(shop) == 0
    assert {shop.record(key).state for key in keys[:5]} == {State.DEAD}
    assert shop.client.lpop(shop.rq().key) == shop.job_id(keys[5]).encode()
    assert swept(shop) == 1
    assert shop.listed() == [shop.job_id(key) for key in (*keys[6:], keys[5])]


def test_one_round_looks_at_a_limited_number_of_jobs(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("florentin_webhooks.redis.codec.jobs._MOST_PENDING", 2)
    monkeypatch.setattr("florentin_webhooks.rq.sweeper._MOST", 3)
    for number in range(5):
        body = CANONICAL.replace(b"F-0001", b"F-%04d" % number)
        shop.accept(delivery(body, delivery_id=f"{number}"))
    shop.client.delete(shop.rq().key)
    assert swept(shop) == 3
