"""Fail-overs by Sentinel: what was acknowledged and forgotten, and what was done twice."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Self, cast

import pytest

from florentin_webhooks import Receiver, RedisStore, Reply, RQQueue
from florentin_webhooks.core.stores.queries import GetRecord
from florentin_webhooks.events import Event
from florentin_webhooks.testing import Provider
from tests.faults.florentin import Florentin, Sending, Ways
from tests.faults.stage import Endless, Stage
from tests.support.proxy import Proxy
from tests.support.sentinel import RECOMMENDED, Watched, watched_pair
from tests.support.waiting import eventually, seconds_of, spent

SECRET = "a-made-up-secret-of-a-fail-over"
EVENT = "invoice.created"
LAG = 2.0
MOMENT = 10
"""How many deliveries and effects may be under way while a replica is promoted."""


def test_failover_forgets_nothing_that_a_replica_confirmed() -> None:
    with TemporaryDirectory(prefix="fw-") as path, watched_pair(Path(path)) as watched:
        store = RedisStore(watched.url, replicas=1)
        hooks: Receiver[Any] = Receiver(SECRET, store=store, queue=RQQueue(receiver="a.b:c"))
        hooks.on(EVENT)(bill)
        before, replies = watched.primary, list[Reply]()

        def is_accepted() -> bool:
            replies.append(hooks.receive(*Provider(SECRET).make(EVENT)))
            return replies[-1].outcome == "accepted"

        eventually(is_accepted)
        watched.begin_failover()
        while watched.primary is before:
            is_accepted()
        store.close()
        accepted = [
            json.loads(each.body)["data"]["delivery"] for each in replies if each.status == 202
        ]
        assert accepted
        assert {str(reply.outcome) for reply in replies} <= {"accepted", "unavailable"}
        client = watched.primary.client
        assert all(client.hget(b"fl:d" + bytes.fromhex(each), "s") for each in accepted)


def bill(_: Event) -> None: ...


def test_new_primary_is_found_within_two_seconds() -> None:
    unknown = GetRecord(bytes(16))
    with (
        TemporaryDirectory(prefix="fw-") as path,
        watched_pair(Path(path), patience=2000) as watched,
        closing(RedisStore(watched.url)) as store,
        store.client() as client,
        asyncio.Runner() as runner,
    ):
        questions: list[Callable[[], object]] = [
            lambda: store.execute(unknown),
            lambda: runner.run(store.aexecute(unknown)),
            client.ping,
        ]
        for ask in questions:
            ask()
        dead = watched.primary
        dead.kill()
        watched.wait_for_promotion(dead)
        # redis-py asks for all services, where the new primary appears a moment later.
        eventually(lambda: watched.listed_port() != dead.port, seconds=60)
        for ask in questions:
            busy = spent()
            assert seconds_of(ask) - (spent() - busy) < 2


class Setting(NamedTuple):
    """How a pair is configured: the *options* of both servers, and the store's *replicas*."""

    options: Mapping[str, str] = {}
    replicas: int = 0


SETTINGS = {
    "neither": Setting(),
    "min-replicas": Setting(RECOMMENDED),
    "replicas=1": Setting(replicas=1),
    "both": Setting(RECOMMENDED, replicas=1),
}


class Losses(NamedTuple):
    """What became of the deliveries that were *acknowledged*."""

    acknowledged: int
    lost: int
    repeated: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.acknowledged} acknowledged, {self.lost} forgotten, "
            f"{self.repeated} effects twice, {self.seconds:.1f} s without an acknowledgement"
        )


class Traffic:
    """Deliveries to *stage* from several threads; each is retried until it is acknowledged."""

    def __init__(self, stage: Stage, event: str, threads: int = 4) -> None:
        self.sender = Florentin(stage.url)
        self._event = event
        self.times: list[float] = []
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def count(self) -> int:
        return len(self.times)

    def wait(self, more: int) -> None:
        """Wait until so many *more* are acknowledged."""
        wanted = self.count() + more
        eventually(lambda: self.count() >= wanted, seconds=120)

    def longest_gap(self) -> float:
        return max(after - before for before, after in pairwise(sorted(self.times)))

    def _send(self) -> None:
        while not self._is_over.is_set():
            self._until_acknowledged(self.sender.sending(self._event))
            time.sleep(0.1)  # The rate of deliveries, which two workers can handle.

    def _until_acknowledged(self, sending: Sending) -> None:
        sending.work = 0.001
        if not any(sending.ways):  # What nobody can recognise as a retry runs again.
            sending.ways = Ways(same_id=True, same_body=False)
        while not self.sender.attempt(sending).acknowledged:
            time.sleep(0.2)  # As above.
        self.times.append(time.monotonic())


class SentinelStage(Stage):
    """A web process and two workers of the servers in *watched*, which outlive them."""

    def __init__(self, folder: Path, watched: Watched) -> None:
        super().__init__(folder)
        self.server = cast("Any", Endless(watched.url))
        self.client = watched.primary.client


def plan_failover(watched: Watched, traffic: Traffic) -> None:
    traffic.wait(50)
    watched.fail_over()


def kill_primary(watched: Watched, _: Traffic) -> None:
    """Kill the primary while its replica receives everything LAG seconds late."""
    old, replica = watched.primary, watched.replica
    with Proxy(old.server.url, latency=LAG) as slow:
        replica.client.replicaof("127.0.0.1", slow.url.rpartition(":")[2])
        eventually(lambda: replica.replication()["master_link_status"] == "up", seconds=60)
        wait_for_lag()
        old.kill()
    watched.wait_for_promotion(old)
    old.server.start()


def wait_for_lag() -> None:
    """Wait until the replica lacks all that was accepted for LAG seconds."""
    end = time.monotonic() + LAG
    eventually(lambda: time.monotonic() > end)


@pytest.mark.long
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("fail", [plan_failover, kill_primary])
def test_failover_by_sentinel_loses_what_is_documented(
    setting: str,
    fail: Callable[[Watched, Traffic], None],
    record_property: Callable[[str, object], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FAULTS_REPLICAS", str(SETTINGS[setting].replicas))
    losses = measure(SETTINGS[setting], fail)
    record_property("figures", f"{fail.__name__}, {setting}: {losses}")
    if SETTINGS[setting].replicas:
        assert (losses.lost, losses.repeated) == (0, 0)
    if fail is plan_failover and SETTINGS[setting].options:
        # The primary learns that its replica has left a moment after the promotion.
        assert losses.lost + losses.repeated <= MOMENT


@pytest.mark.long
@pytest.mark.parametrize("fail", [plan_failover, kill_primary])
def test_inline_handlers_run_once_through_a_failover(
    fail: Callable[[Watched, Traffic], None],
    record_property: Callable[[str, object], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FAULTS_REPLICAS", "1")
    losses = measure(SETTINGS["both"], fail, "user.login")
    record_property("figures", f"{fail.__name__}, inline: {losses}")
    assert (losses.lost, losses.repeated) == (0, 0)


def measure(
    setting: Setting, fail: Callable[[Watched, Traffic], None], event: str = EVENT
) -> Losses:
    with ExitStack() as stack:
        path = Path(stack.enter_context(TemporaryDirectory(prefix="fw-")))
        watched = stack.enter_context(watched_pair(path, setting.options, patience=3000))
        stage = stack.enter_context(SentinelStage(path, watched))
        with Traffic(stage, event) as traffic:
            traffic.wait(50)
            fail(watched, traffic)
            eventually(lambda: watched.replica.replication()["role"] == "slave", seconds=60)
            eventually(watched.is_ready, seconds=60)
            traffic.wait(50)
        stage.client = watched.primary.client
        stage.settle(seconds=120)
        return count_losses(stage, traffic)


def count_losses(stage: Stage, traffic: Traffic) -> Losses:
    effects = Counter((n.business, n.handler) for n in stage.oracle.notes() if n.what == "effect")
    acknowledged = [each for each in traffic.sender.sent if each.acknowledged]
    lost = sum(not each.expected <= effects.keys() for each in acknowledged)
    repeated = sum(count > 1 for count in effects.values())
    return Losses(len(acknowledged), lost, repeated, traffic.longest_gap())
