"""A store in a Redis Cluster of two nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from florentin_webhooks import Delivery, Receiver, RedisStore, RQQueue
from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.core.stores.queries import GetRecord, ListRecords, ResetMode, ResetRecord
from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.events import Event, InvoiceCreated
from florentin_webhooks.redis import durability
from florentin_webhooks.redis.cluster import follower
from florentin_webhooks.redis.cluster.address import Node
from florentin_webhooks.redis.cluster.lanes import Lane
from florentin_webhooks.redis.cluster.store import ClusterStore
from florentin_webhooks.testing import Provider
from tests.support.cluster import Cluster, ClusterNode
from tests.support.receivers import Clock
from tests.support.waiting import eventually

SECRET, NEXT_SECRET = "a-made-up-secret-of-the-cluster", "the-next-made-up-secret-of-it"
Build = Callable[..., ClusterStore]


@pytest.fixture
def build(cluster_url: str, redis_prefix: str) -> Iterator[Build]:
    with ExitStack() as stack:

        def built(server: Any = cluster_url, **options: Any) -> ClusterStore:
            store = RedisStore(server, prefix=redis_prefix, **{"lanes": 4, **options})
            assert isinstance(store, ClusterStore)
            stack.callback(store.close)
            return store

        yield built


class Shop:
    """A receiver on *store*, and the deliveries whose handler ran."""

    def __init__(self, store: RedisStore, secret: Any = SECRET) -> None:
        self.ran: list[str] = []
        self.hooks: Receiver[Any] = Receiver(secret, store=store)
        self.hooks.on(InvoiceCreated)(self._bill)

    def _bill(self, _: Event, delivery: Delivery) -> None:
        self.ran.append(delivery.fingerprint)

    def send(self, made: Any) -> str:
        return str(self.hooks.receive(*made).outcome)


def invoices(count: int) -> list[Any]:
    return [Provider(SECRET).make("invoice.created") for _ in range(count)]


def test_every_repetition_meets_its_delivery(build: Build) -> None:
    shop, provider = Shop(build(), {"new": NEXT_SECRET, "old": SECRET}), Provider(SECRET)
    for made in invoices(6):
        delivery_id = "id-1"
        first = provider.sign("invoice.created", made.body, delivery_id=delivery_id)
        under_other = provider.sign("invoice.created", made.body, delivery_id="another")
        rotated = Provider(NEXT_SECRET).sign("invoice.created", made.body, delivery_id=delivery_id)
        outcomes = [shop.send(each) for each in (first, first, under_other, rotated)]
        assert outcomes == ["processed", "duplicate", "duplicate", "duplicate"]
    assert len(shop.ran) == 6


def test_accepting_is_one_command_of_one_node(build: Build, redis_cluster: Cluster) -> None:
    store = build()
    shop, (one, two, *others) = Shop(store), invoices(20)
    for made in (one, two, *others):
        shop.send(made)
    before = [commands(node) for node in redis_cluster.primaries]
    assert shop.send(one) == "duplicate"
    after = [commands(node) for node in redis_cluster.primaries]
    assert sorted(b - a for a, b in zip(before, after, strict=True)) == [0, 1]


def commands(node: ClusterNode) -> int:
    """Return how many scripts the node has run."""
    found: Any = node.client.info("commandstats")
    return sum(found.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("eval", "evalsha"))


def test_other_process_finds_a_delivery_in_any_lane(build: Build) -> None:
    shop = Shop(build())
    for made in invoices(6):
        shop.send(made)
    other = build()
    records = other.execute(ListRecords()).records
    assert len(records) == 6
    key = bytes.fromhex(records[3].fingerprint)
    assert other.execute(GetRecord(key)) == records[3]
    assert build().execute(ResetRecord(key, ResetMode.ALL)) == "done"
    record = other.execute(GetRecord(key))
    assert record is not None
    assert record.state == "failed"


def test_newest_event_of_an_entity_counts_across_lanes(build: Build) -> None:
    ran, hooks = list[datetime](), Receiver(SECRET, store=build())

    @hooks.on(InvoiceCreated, latest=lambda _: "one of all")
    def bill(event: InvoiceCreated) -> None:
        ran.append(event.timestamp)

    now = datetime.now(UTC)
    for seconds in (30, 60, 10, 5, 40, 20):
        sent_at = now - timedelta(seconds=seconds)
        provider = Provider(SECRET, clock=Clock(sent_at))
        made = provider.make("invoice.created")
        assert hooks.receive(*made).outcome == "processed"
    assert [round((now - each).total_seconds()) for each in ran] == [30, 10, 5]


def test_client_of_a_cluster_says_where_it_is(build: Build, redis_cluster: Cluster) -> None:
    port = redis_cluster.primaries[1].port
    with redis.RedisCluster(host="127.0.0.1", port=port) as client:
        assert Shop(build(client)).send(invoices(1)[0]) == "processed"


def test_other_number_of_lanes_is_refused_before_anything_runs(build: Build) -> None:
    assert Shop(build()).send(invoices(1)[0]) == "processed"
    shop = Shop(build(lanes=5))
    assert shop.send(invoices(1)[0]) == "unavailable"
    assert shop.ran == []
    with pytest.raises(Unavailable, match=r"lanes is 5, but the store .* has 4"):
        shop.hooks.store.execute(GetRecord(bytes(16)))


def other_node(cluster: Cluster, lane: Lane) -> ClusterNode:
    return next(each for each in cluster.primaries if each is not cluster.owner(lane.slot))


def test_moved_lanes_are_followed_by_every_client(build: Build, redis_cluster: Cluster) -> None:
    store = build()
    shop = Shop(store)
    made = invoices(8)
    for each in made[:4]:
        shop.send(each)
    for lane in store.lanes:
        redis_cluster.move_slot(lane.slot, other_node(redis_cluster, lane))
    with ExitStack() as stack:
        for client in store.queue_clients():
            assert stack.enter_context(client).llen("rq:queue:q") == 0
    asyncio.run(receive_all(shop, made[2:6]))
    assert [shop.send(each) for each in made] == ["duplicate"] * 6 + ["processed"] * 2
    assert len(store.execute(ListRecords()).records) == 8


async def receive_all(shop: Shop, made: list[Any]) -> None:
    for each in made:
        await shop.hooks.areceive(*each)


def test_lane_that_moves_key_by_key_refuses_and_then_accepts(
    build: Build, redis_cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "_LONGEST", 0.1)
    store = build(lanes=1)
    shop, (lane,), made = Shop(store), store.lanes, invoices(1)[0]
    source, target = redis_cluster.owner(lane.slot), other_node(redis_cluster, lane)
    target.ask("CLUSTER", "SETSLOT", lane.slot, "IMPORTING", source.name())
    source.ask("CLUSTER", "SETSLOT", lane.slot, "MIGRATING", target.name())
    # The source answers ASK; the target has only some of the keys that a new delivery needs.
    assert store.execute(GetRecord(bytes(16))) is None
    assert asyncio.run(store.aexecute(GetRecord(bytes(16)))) is None
    assert shop.send(made) == "unavailable"
    for node in (target, source):
        node.ask("CLUSTER", "SETSLOT", lane.slot, "NODE", target.name())
    assert [shop.send(made), shop.send(made)] == ["processed", "duplicate"]
    assert len(shop.ran) == 1


def test_dead_node_costs_its_own_lanes_only(
    build: Build, redis_cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "_REST", 3600)
    store = build()
    shop, dead = Shop(store), Node("127.0.0.1", redis_cluster.primaries[0].port)
    store.probe()
    run_sync(store._caller.follower.note_failure(dead, redis.ConnectionError()))
    assert {shop.send(made) for made in invoices(20)} == {"processed", "unavailable"}
    assert store.count_waiting("q", range(4)) == [None, None, 0, 0]
    for writes in (False, True):
        store.probe(writes=writes)  # While one node answers, deliveries are accepted.
    with pytest.raises(Unavailable, match=f"{dead} did not answer"):
        store.execute(ListRecords())


def test_nothing_is_promised_or_run_without_replicas_of_the_node(build: Build) -> None:
    queue = RQQueue("q", receiver="shop.hooks:hooks")
    hooks: Receiver[Any] = Receiver(SECRET, store=build(replicas=1), queue=queue)
    hooks.on(InvoiceCreated)(bill_later)
    one, two = invoices(2)
    assert hooks.receive(*one).outcome == "unavailable"
    assert asyncio.run(hooks.areceive(*two)).outcome == "unavailable"
    shop = Shop(build(replicas=1))
    assert shop.send(invoices(1)[0]) == "unavailable"
    assert not shop.ran


def bill_later(_: Event) -> None:
    """Do nothing, in a worker."""


def test_unreachable_cluster_is_unavailable_within_the_limit() -> None:
    store = RedisStore("redis+cluster://127.0.0.1:1,127.0.0.1:2")
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:2 does not answer"):
        store.execute(GetRecord(bytes(16)))
    shop = Shop(store)
    assert asyncio.run(shop.hooks.areceive(*invoices(1)[0])).outcome == "unavailable"


def test_nodes_say_what_they_are(build: Build, redis_cluster: Cluster) -> None:
    found = build().inspect_all()
    assert sorted(each.address for each in found) == sorted(
        n.address for n in redis_cluster.primaries
    )
    assert {(each.failure, each.denied) for each in found} == {(None, ())}


def test_old_cluster_is_unavailable(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durability, "OLDEST_VERSION", (99, 0))
    shop = Shop(build())
    assert {shop.send(made) for made in invoices(4)} == {"unavailable"}
    with pytest.raises(ConfigurationError, match="which is too old"):
        asyncio.run(shop.hooks.store.aexecute(GetRecord(bytes(16))))
    with pytest.raises(ConfigurationError, match="which is too old"):
        shop.hooks.store.execute(ListRecords())
    assert shop.ran == []


def test_closed_store_has_no_connections_and_opens_them_again(
    build: Build, cluster_url: str, redis_cluster: Cluster
) -> None:
    def has_connections() -> bool:
        return any(
            b"name=closing" in node.ask("CLIENT", "LIST") for node in redis_cluster.primaries
        )

    store = build(f"{cluster_url}?client_name=closing")
    for _ in range(2):
        assert store.execute(ListRecords()).records == ()
        assert has_connections()
        store.close()
        eventually(lambda: not has_connections())
