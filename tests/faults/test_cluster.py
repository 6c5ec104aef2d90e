"""A Redis Cluster of three primaries and three replicas, while nodes die and slots move."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import tempfile
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from itertools import cycle
from pathlib import Path
from threading import Event
from typing import Any, cast

import pytest

from florentin_webhooks import Receiver, RedisStore
from florentin_webhooks.redis.cluster.lanes import Lane, choose_lane
from florentin_webhooks.redis.cluster.store import ClusterStore
from florentin_webhooks.senders.florentin.envelope import retry_content
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.faults.florentin import Attempt, Florentin, Sending, Ways
from tests.faults.program import EFFECTS
from tests.faults.stage import Endless, Stage, stuck_in
from tests.support.cluster import Cluster, ClusterNode, running_cluster
from tests.support.waiting import eventually

pytestmark = pytest.mark.long

SECRET = "a-made-up-secret-of-a-cluster-that-dies"
_RETRIES = 0.5
TIMEOUT = 2000
"""Milliseconds without an answer after which a node is replaced."""


class ClusterStage(Stage):
    """A web process and two workers of *cluster*, which outlives them."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        super().__init__(folder)
        self.cluster = cluster
        self.server = cast("Any", Endless(cluster.url))
        store = RedisStore(cluster.url)
        assert isinstance(store, ClusterStore)
        self.store = store
        self.clients = store.queue_clients()

    def stuck(self) -> dict[str, int]:
        lanes = zip(self.store.lanes, self.clients, strict=True)
        found = (stuck_in(client, f"{lane.tag}:") for lane, client in lanes)
        return next((each for each in found if each), {})

    def lane_of(self, attempt: Attempt) -> Lane:
        return lane_of(self.store, attempt.made.body)


def lane_of(store: RedisStore, body: bytes) -> Lane:
    content = retry_content("", body)
    assert content
    assert isinstance(store, ClusterStore)
    return choose_lane(store.lanes, sha256(content).digest())


@contextmanager
def clustered(replicas: int) -> Generator[ClusterStage]:
    """Start a cluster of three primaries and so many *replicas*, and what uses it."""
    with tempfile.TemporaryDirectory(prefix="fw-") as path:
        options = {"cluster-node-timeout": str(TIMEOUT), "repl-diskless-sync-delay": "0"}
        folder = Path(path)
        with running_cluster(folder, 3, replicas, options) as cluster:
            eventually(lambda: _replicas(cluster) == replicas, seconds=30)
            with ClusterStage(folder, cluster) as stage:
                yield stage


@contextmanager
def sending(stage: ClusterStage) -> Iterator[Florentin]:
    """Send deliveries from four threads until the block ends, each until it is acknowledged.

    One that is refused is sent again later, in between others.
    """
    sender, ended = Florentin(stage.url), Event()

    def send() -> None:
        draw, late = random.Random(), deque[Sending]()  # noqa: S311 - spreads retries.
        while not ended.is_set() or late:
            is_retry = late and (ended.is_set() or draw.random() < _RETRIES)
            one = late.popleft() if is_retry else sender.sending()
            one.work = 0.005
            one.ways = one.ways if is_retry else Ways(True, draw.random() < _RETRIES)
            if not sender.attempt(one).acknowledged:
                late.append(one)

    with ThreadPoolExecutor(4) as threads:
        running = [threads.submit(send) for _ in range(4)]
        try:
            yield sender
        finally:
            ended.set()
    for each in running:
        each.result()


def assert_each_effect_once(stage: ClusterStage, sender: Florentin) -> None:
    stage.settle(seconds=90)
    effects = sorted((n.business, n.handler) for n in stage.oracle.notes() if n.what == "effect")
    wanted = {(one.business, handler) for one in sender.sent for handler in EFFECTS[one.event]}
    assert effects == sorted(wanted)


@pytest.fixture
def replicated(monkeypatch: pytest.MonkeyPatch) -> Iterator[ClusterStage]:
    """Two replicas for each primary, one of which must have what is acknowledged."""
    monkeypatch.setenv("FAULTS_REPLICAS", "1")
    with clustered(6) as stage:
        yield stage


def test_primary_dies_loses_and_repeats_nothing(
    replicated: ClusterStage, record_property: Callable[[str, object], None]
) -> None:
    stage, victim = replicated, replicated.cluster.primaries[0]
    before = {name: process.pid for name, process in stage.running.items()}
    slots = [lane.slot for lane in stage.store.lanes if stage.cluster.owner(lane.slot) is victim]
    with sending(stage) as sender:
        eventually(lambda: len(sender.sent) > 100, seconds=60)
        killed = time.time()
        os.kill(victim.server.pid(), signal.SIGKILL)
        eventually(lambda: _has_other_owner(stage.cluster, slots, victim))
        replaced = time.time()
        eventually(lambda: len(sender.sent) > 400, seconds=60)
    assert_each_effect_once(stage, sender)
    attempts = [each for one in sender.sent for each in one.attempts]
    away = [each for each in attempts if killed < each.began < replaced]
    others = [each for each in away if stage.lane_of(each).slot not in slots]
    refused = [each for each in attempts if not each.acknowledged]
    assert {each.acknowledged for each in others} == {True}
    assert {stage.lane_of(each).slot for each in refused} <= {*slots}
    assert {name: process.pid for name, process in stage.running.items()} == before
    record_property(
        "figures",
        f"cluster, primary killed: {len(sender.sent)} deliveries, 0 lost, 0 doubled; its lanes "
        f"away for {replaced - killed:.1f} s, {len(refused)} refused, "
        f"{len(others)} to other lanes answered",
    )


@pytest.mark.parametrize("way", ["key by key", "at once"])
def test_slots_that_move_under_load_lose_and_repeat_nothing(
    way: str, record_property: Callable[[str, object], None]
) -> None:
    with clustered(3) as stage:
        refused, number = _move_slots(stage, way)
    record_property(
        "figures",
        f"cluster, 4 slots moved {way}: {number} deliveries, 0 lost, 0 doubled, "
        f"{refused} refused meanwhile",
    )


def _move_slots(stage: ClusterStage, way: str) -> tuple[int, int]:
    """Move the slots of four lanes; return the attempts that were refused, and the deliveries."""
    targets = cycle(stage.cluster.primaries)
    with sending(stage) as sender:
        eventually(lambda: len(sender.sent) > 100, seconds=60)
        for lane in stage.store.lanes[::4]:
            source = stage.cluster.owner(lane.slot)
            target = next(each for each in targets if each is not source)
            if way == "at once":
                stage.cluster.move_slot_at_once(lane.slot, target)
            else:
                stage.cluster.move_slot(lane.slot, target, pause=0.002)
        moved = len(sender.sent)
        eventually(lambda: len(sender.sent) > moved + 100, seconds=60)
    assert_each_effect_once(stage, sender)
    refused = sum(not each.acknowledged for one in sender.sent for each in one.attempts)
    return refused, len(sender.sent)


@pytest.mark.parametrize("way", ["blocking", "asyncio"])
def test_record_of_a_dead_primary_reaches_its_heir(directory: Path, way: str) -> None:
    """Of two replicas, so that one is left to confirm what its heir records."""
    options = {"cluster-node-timeout": str(TIMEOUT), "repl-diskless-sync-delay": "0"}
    made, ran = Provider(SECRET).make("invoice.created"), list[float]()
    with running_cluster(directory, 3, 6, options) as cluster:
        store = RedisStore(cluster.url, replicas=1, lease=30)
        hooks: Receiver[Any] = Receiver(SECRET, store=store)

        def kill_its_primary(_: object) -> None:
            ran.append(time.monotonic())
            os.kill(cluster.owner(lane_of(store, made[1]).slot).server.pid(), signal.SIGKILL)

        hooks.on("invoice.created", inline=True)(kill_its_primary)
        eventually(lambda: _replicas(cluster) == 6, seconds=30)
        outcomes = asyncio.run(_retries(hooks, made, is_asyncio=way == "asyncio"))
    assert (outcomes[0], outcomes[-1]) == ("unavailable", "duplicate")
    assert len(ran) == 1


def _replicas(cluster: Cluster) -> int:
    """Return how many replicas have all that their primaries have."""
    facts = [str(node.client.info("replication")) for node in cluster.primaries]
    return sum(each.count("'state': 'online'") for each in facts)


async def _retries(hooks: Receiver[Any], made: SignedDelivery, *, is_asyncio: bool) -> list[str]:
    """Return the outcomes of a delivery and its retries, before its lease ends."""
    outcomes, end = list[str](), time.monotonic() + 25
    while time.monotonic() < end and "duplicate" not in outcomes:
        receiving = hooks.areceive(*made) if is_asyncio else asyncio.to_thread(hooks.receive, *made)
        outcomes.append(str((await receiving).outcome))
        await asyncio.sleep(0.5)
    await hooks.aclose()
    return outcomes


def _has_other_owner(cluster: Cluster, slots: list[int], victim: ClusterNode) -> bool:
    living = [node for node in cluster.nodes if node is not victim]
    ranges = living[0].ask("CLUSTER", "SLOTS")
    owners = [
        port for slot in slots for start, end, (_, port, *_), *_ in ranges if start <= slot <= end
    ]
    return victim.port not in owners and all(node.is_ok() for node in living)
