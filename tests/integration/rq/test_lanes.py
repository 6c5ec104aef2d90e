"""One worker for all lanes of a store in a Redis Cluster."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
import redis

from florentin_webhooks import Receiver, RedisStore, RQQueue
from florentin_webhooks.core.replay import replay
from florentin_webhooks.core.stores.queries import ListDeadLetters, ListRecords
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.events import InvoiceCreated
from florentin_webhooks.redis.cluster.store import ClusterStore
from florentin_webhooks.rq.lanes.fleet import LaneFleet, build_fleet
from florentin_webhooks.rq.lanes.status import read_status
from florentin_webhooks.rq.monitoring import WorkerStatus
from florentin_webhooks.rq.worker import WorkerKind
from florentin_webhooks.testing import Provider
from tests.support.cluster import Cluster
from tests.support.inspected import get, site_of
from tests.support.operated import Operated

SECRET = "a-made-up-secret-of-the-lanes"
QUEUE = "florentin"


class Clustered:
    """A receiver with a queue in a cluster, importable by jobs, and the runs of its handler."""

    def __init__(self, url: str, prefix: str) -> None:
        self.ran: list[str] = []
        self.errors: list[BaseException] = []
        self.on_run: Callable[[], None] = lambda: None
        self.provider = Provider(SECRET)
        name = f"clustered_{uuid4().hex[:8]}"
        queue = RQQueue(QUEUE, retries=(1,), receiver=f"{name}:hooks")
        store = RedisStore(url, prefix=prefix, lanes=4)
        assert isinstance(store, ClusterStore)
        self.store = store
        self.hooks: Receiver[Any] = Receiver(SECRET, store=store, queue=queue)
        module: Any = ModuleType(name)
        module.hooks = self.hooks
        sys.modules[name] = module

        def bill(event: InvoiceCreated) -> None:
            self.ran.append(event.data.invoice.number)
            self.on_run()
            if self.errors:
                raise self.errors.pop()

        bill.__module__, bill.__qualname__ = name, "bill"
        self.hooks.on(InvoiceCreated)(bill)

    def send(self, count: int) -> None:
        for _ in range(count):
            assert self.hooks.receive(*self.provider.make("invoice.created")).outcome == "accepted"

    def fleet(self, **options: Any) -> LaneFleet:
        return build_fleet(self.hooks, queue=QUEUE, kind=WorkerKind.SIMPLE, **options)

    def make_due(self) -> None:
        """Bring the time of each scheduled job forward to now."""
        for client in self.store.queue_clients():
            untyped: Any = client  # Any: redis-py leaves its types open.
            for job_id in untyped.zrange(f"rq:scheduled:{QUEUE}", 0, -1):
                untyped.zadd(f"rq:scheduled:{QUEUE}", {job_id: 1})
            untyped.close()

    def run(self) -> bool:
        return self.fleet(name="burst").work(burst=True, with_scheduler=True)


@pytest.fixture
def shop(cluster_url: str, redis_prefix: str) -> Iterator[Clustered]:
    made = Clustered(cluster_url, redis_prefix)
    yield made
    made.store.close()


def test_one_worker_runs_the_jobs_of_all_lanes(shop: Clustered) -> None:
    shop.send(12)
    waiting = read_status(shop.hooks, QUEUE)
    assert (waiting.waiting, waiting.workers) == (12, ())
    assert sum(count or 0 for count in shop.store.count_waiting(QUEUE, range(4))) == 12
    assert shop.run()
    assert len(shop.ran) == 12
    assert read_status(shop.hooks, QUEUE).waiting == 0
    assert not shop.run()


def test_commands_work_on_a_cluster(
    directory: Path, redis_url: str, cluster_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_REDIS", cluster_url)
    operated = Operated(directory, redis_url)
    operated.environ["SHOP_REDIS"] = cluster_url
    operated.sent("invoice.created")
    assert "waiting    1" in operated.types("queue").stdout
    program = operated.works("--worker-class", "simple")
    assert program.process.returncode == 0, program.talk
    assert operated.effects() == ["bill begins", "bill ends"]
    operated.close()


def test_full_node_refuses_new_deliveries_of_its_lanes_and_drains(
    shop: Clustered, redis_cluster: Cluster
) -> None:
    shop.send(8)
    node = redis_cluster.primaries[0]
    node.ask("CONFIG", "SET", "maxmemory", 1)
    try:
        sent = [shop.hooks.receive(*shop.provider.make("invoice.created")) for _ in range(16)]
        outcomes = Counter(str(reply.outcome) for reply in sent)
        assert set(outcomes) == {"accepted", "unavailable"}
        assert shop.run()
        assert len(shop.ran) == 8 + outcomes["accepted"]
        assert read_status(shop.hooks, QUEUE).waiting == 0
    finally:
        node.ask("CONFIG", "SET", "maxmemory", 0)
    shop.send(8)


def test_failed_job_is_retried_dead_and_revived_in_its_lane(shop: Clustered) -> None:
    shop.send(2)
    shop.errors = [ValueError(), ValueError(), ValueError(), ValueError()]
    shop.run()
    assert read_status(shop.hooks, QUEUE).scheduled == 2
    shop.make_due()
    shop.run()
    assert len(shop.ran) == 4
    status = read_status(shop.hooks, QUEUE)
    assert (status.scheduled, status.dead) == (0, 2)
    (facts,) = RQQueue(QUEUE).measure(shop.store, [QUEUE])
    assert (facts.dead, facts.scheduled) == (2, 0)
    for letter in shop.store.execute(ListDeadLetters()):
        assert replay(shop.hooks, letter.fingerprint).outcome == "accepted"
    shop.run()
    assert len(shop.ran) == 6
    assert read_status(shop.hooks, QUEUE).dead == 0


def test_worker_is_one_worker_and_ends_by_a_signal(shop: Clustered) -> None:
    seen, before = list[WorkerStatus](), signal.getsignal(signal.SIGTERM)

    def stop() -> None:
        seen.extend(read_status(shop.hooks, QUEUE).workers)
        os.kill(os.getpid(), signal.SIGTERM)

    shop.on_run = stop
    shop.send(3)
    assert shop.fleet(name="the-worker").work()
    assert [(worker.name, worker.state) for worker in seen] == [("the-worker", "busy")]
    assert len(shop.ran) == 1
    assert signal.getsignal(signal.SIGTERM) is before
    status = read_status(shop.hooks, QUEUE)
    assert (status.workers, status.waiting, status.running) == ((), 2, 0)


def test_inspector_shows_the_deliveries_of_all_lanes(shop: Clustered) -> None:
    shop.send(6)
    site = site_of(shop.hooks)
    known = [record.fingerprint for record in shop.store.execute(ListRecords()).records]
    assert len(known) == 6
    page = get(site, "/").body.decode()
    assert all(fingerprint[:8] in page for fingerprint in known)
    assert get(site, f"/deliveries/{known[0]}").status == 200
    assert get(site, "/overview").status == 200


def test_tools_of_rq_see_a_lane_by_its_prefix(shop: Clustered) -> None:
    shop.send(1)
    fleet = shop.fleet(name="seen")
    worker = fleet.workers[0]
    worker.start()
    lane = shop.store.lanes[0]
    client: Any = worker.connection
    key = f"{lane.tag}rq:worker:seen".encode()
    stored = client.execute_command(
        "EVAL", "return redis.call('SMEMBERS', KEYS[1])", 1, "rq:workers"
    )
    assert stored == [key]
    assert client.smembers("rq:workers") == {b"rq:worker:seen"}
    worker.stop()


def test_worker_of_class_spawn_is_refused(shop: Clustered) -> None:
    with pytest.raises(ConfigurationError, match="class spawn does not work in a Redis Cluster"):
        build_fleet(shop.hooks, queue=QUEUE, kind=WorkerKind.SPAWN)


def test_absent_lane_is_left_out_and_the_others_are_served(shop: Clustered) -> None:
    shop.send(12)
    fleet = shop.fleet(name="partial")
    absent = fleet.workers[1]

    def fail() -> bool:
        raise redis.ConnectionError

    waiting = shop.store.count_waiting(QUEUE, [1])[0]
    absent.step = fail  # type: ignore[method-assign]  # its node has gone.
    fleet.work(burst=True)
    assert len(shop.ran) == 12 - (waiting or 0)
