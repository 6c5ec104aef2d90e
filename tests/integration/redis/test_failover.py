"""Stores behind Sentinel, and deliveries that count as accepted when a replica has them."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.sentinel import Sentinel

from florentin_webhooks import Receiver, RedisStore, Reply, RQQueue
from florentin_webhooks.cli.doctor.redis_server import check_server
from florentin_webhooks.core.job import process_job
from florentin_webhooks.core.stores.queries import GetRecord, ListRecords
from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.events import Event
from florentin_webhooks.redis.clients import new_client
from florentin_webhooks.rq.worker import WorkerKind, build_worker
from florentin_webhooks.testing import Provider
from tests.support.sentinel import RECOMMENDED, SERVICE, Server, Watched, watched_pair
from tests.support.waiting import assert_below, eventually, seconds_of

SECRET = "a-made-up-secret-behind-sentinel"
UNKNOWN = GetRecord(bytes(16))
Send = Callable[[Receiver[Any], Any], Reply]
Build = Callable[..., Receiver[Any]]


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    with TemporaryDirectory(prefix="fw-") as path, watched_pair(Path(path)) as watched:
        yield watched


@pytest.fixture
def build(watched: Watched, redis_prefix: str) -> Iterator[Build]:
    with ExitStack() as stack:

        def built(url: str = watched.url, **options: Any) -> Receiver[Any]:
            store = RedisStore(url, prefix=redis_prefix, **options)
            stack.callback(store.close)
            hooks: Receiver[Any] = Receiver(
                SECRET, store=store, queue=RQQueue(redis_prefix[:-1], receiver="shop.hooks:hooks")
            )
            hooks.on("invoice.created", queue=None)(bill)
            hooks.on("user.login", inline=True)(greet)
            hooks.on("tos.accepted", inline=True)(greet)
            hooks.on("tos.accepted")(bill)
            return hooks

        yield built


def bill(_: Event) -> None:
    during_bill()


def during_bill() -> None: ...


def greet(_: Event) -> None: ...


def receive(hooks: Receiver[Any], made: Any) -> Reply:
    return hooks.receive(*made)


def receive_asyncio(hooks: Receiver[Any], made: Any) -> Reply:
    return asyncio.run(hooks.areceive(*made))


def settled(send: Send, hooks: Receiver[Any], made: Any) -> str:
    """Return the outcome once the replica, which may have been busy, confirms in time."""
    outcomes = list[str]()

    def is_settled() -> bool:
        outcomes.append(str(send(hooks, made).outcome))
        return outcomes[-1] != "unavailable"

    eventually(is_settled)
    return outcomes[-1]


BOTH = pytest.mark.parametrize("send", [receive, receive_asyncio], ids=["sync", "asyncio"])


def made(event: str = "invoice.created") -> Any:
    return Provider(SECRET).make(event)


def queued(hooks: Receiver[Any], server: Server) -> int:
    (name,) = hooks.queue_names
    return int(server.client.llen(f"rq:queue:{name}"))


@BOTH
def test_sentinel_leads_to_the_primary(build: Build, watched: Watched, send: Send) -> None:
    hooks, delivery = build(), made()
    assert send(hooks, delivery).outcome == "accepted"
    assert send(hooks, delivery).outcome == "duplicate"
    assert queued(hooks, watched.primary) == 1
    store = hooks.store
    assert isinstance(store, RedisStore)
    with store.client() as client:
        assert client.info("replication")["role"] == "master"


@pytest.mark.parametrize(
    ("replaced", "message", "hint"),
    [
        (("/shop/", "/shup/"), "know no primary of the service", "Correct its name"),
        (("127.0.0.1:", "127.0.0.1:1,127.0.0.1:2/shop#"), "none of its Sentinels", "Start them"),
    ],
)
def test_failure_of_sentinel_names_its_cause(
    watched: Watched, replaced: tuple[str, str], message: str, hint: str
) -> None:
    url = watched.url.replace("redis+sentinel://", "redis+sentinel://:hidden@")
    store = RedisStore(url.replace(*replaced))

    def refuse(ask: Callable[[GetRecord], object]) -> None:
        with pytest.raises(Unavailable) as failure:
            ask(UNKNOWN)
        assert message in failure.value.message
        assert hint in failure.value.hint
        assert "hidden" not in str(failure.value)

    for ask in (store.execute, lambda each: asyncio.run(store.aexecute(each))):
        assert_below(2, lambda ask=ask: seconds_of(lambda: refuse(ask)))  # type: ignore[misc]  # a bound value.


@BOTH
@pytest.mark.parametrize("event", ["invoice.created", "tos.accepted"])
def test_acceptance_waits_until_a_replica_has_the_delivery(
    build: Build, watched: Watched, send: Send, event: str
) -> None:
    hooks, delivery = build(replicas=1), made(event)
    with watched.replica.hanging():
        refused = [send(hooks, delivery) for _ in range(2)]
    assert [reply.outcome for reply in refused] == ["unavailable"] * 2
    # The retry finds it, and waits once more before it is promised.
    eventually(lambda: send(hooks, delivery).outcome == "duplicate")
    assert queued(hooks, watched.primary) == 1
    assert queued(hooks, watched.replica) == 1


@BOTH
def test_inline_handler_starts_only_with_a_replica(
    build: Build, watched: Watched, send: Send
) -> None:
    hooks, delivery, runs = build(replicas=1), made("account.created"), list[Event]()
    hooks.on("account.created", inline=True)(runs.append)
    with watched.replica.hanging():
        assert send(hooks, delivery).outcome == "unavailable"
    assert not runs
    # The lease was given back: the retry runs at once.
    assert settled(send, hooks, delivery) == "processed"
    assert len(runs) == 1


@BOTH
def test_record_of_an_inline_handler_reaches_the_replica_later(
    build: Build, watched: Watched, send: Send
) -> None:
    hooks, delivery, pauses = build(replicas=1), made("account.created"), ExitStack()
    runs = list[Event]()

    def stop_replica(event: Event) -> None:
        runs.append(event)
        pauses.enter_context(watched.replica.hanging())

    hooks.on("account.created", inline=True)(stop_replica)

    async def send_until_recorded() -> list[Any]:
        replies = list[Any]()
        while not runs:  # The replica may be too slow for the lease.
            replies = [(await hooks.areceive(*delivery)).outcome]
        pauses.close()
        while replies[-1] != "duplicate":
            await asyncio.sleep(0.01)
            replies.append((await hooks.areceive(*delivery)).outcome)
        return replies

    with pauses:
        if send is receive_asyncio:
            replies = asyncio.run(send_until_recorded())
        else:
            replies = list[Any]()
            while not runs:  # As above.
                replies = [receive(hooks, delivery).outcome]
            pauses.close()
            eventually(lambda: receive(hooks, delivery).outcome == "duplicate")
    assert replies[0] == "unavailable"
    eventually(lambda: state_at(watched.replica, hooks) == b"done")


def test_job_that_no_replica_has_stays_queued(
    build: Build, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = list[int]()
    monkeypatch.setitem(globals(), "during_bill", lambda: runs.append(1))
    with working(build(replicas=1)) as (hooks, client, worker):
        with watched.replica.hanging(), pytest.raises(RedisConnectionError, match="only 0 of 1"):
            worker.queues[0].source(worker.queues[0], None)
        assert queued(hooks, watched.primary) == 1
        with watched.replica.hanging(), pytest.raises(Unavailable, match="only 0 of 1"):
            run_alone(hooks, client)
        assert not runs
        eventually(lambda: runs_alone(hooks, client))  # Each lease was given back.
    assert runs == [1]


@pytest.mark.parametrize("in_batch", [True, False], ids=["batch", "alone"])
def test_record_of_a_job_waits_for_the_replica(
    build: Build, watched: Watched, monkeypatch: pytest.MonkeyPatch, in_batch: bool
) -> None:
    runs, pauses = list[int](), ExitStack()

    def stop_replica() -> None:
        runs.append(1)
        pauses.enter_context(watched.replica.hanging())
        threading.Timer(0.5, pauses.close).start()  # Longer than one WAIT.

    monkeypatch.setitem(globals(), "during_bill", stop_replica)
    with working(build(replicas=1)) as (hooks, client, worker), pauses:
        if in_batch:
            worker.work(burst=True)
        else:
            eventually(lambda: runs_alone(hooks, client))
        assert state_at(watched.replica, hooks) == b"done"
    assert runs == [1]


@contextmanager
def working(hooks: Receiver[Any]) -> Iterator[tuple[Receiver[Any], Any, Any]]:
    """Yield *hooks* with a delivery in the queue, a client of its Redis, and a worker."""
    assert settled(receive, hooks, made()) in ("accepted", "duplicate")
    (queue,) = hooks.queue_names
    with cast("RedisStore", hooks.store).client() as client:
        before = [(each, signal.getsignal(each)) for each in (signal.SIGINT, signal.SIGTERM)]
        try:
            yield hooks, client, build_worker(hooks, client, queue=queue, kind=WorkerKind.SIMPLE)
        finally:
            for number, handler in before:  # RQ's worker has replaced them.
                signal.signal(number, handler)


def run_alone(hooks: Receiver[Any], client: Any) -> None:
    """Run the job of the only delivery as a worker does outside a batch."""
    store, key, (queue,) = (
        cast("RedisStore", hooks.store),
        only_fingerprint(hooks),
        hooks.queue_names,
    )
    since = time.monotonic()
    process_job(hooks, store.with_client(client), key, queue, last=False, since=since)


def runs_alone(hooks: Receiver[Any], client: Any) -> bool:
    """Run that job, unless the replica is too busy to confirm its lease."""
    with suppress(Unavailable):
        run_alone(hooks, client)
        return True
    return False


def only_fingerprint(hooks: Receiver[Any]) -> str:
    (record,) = hooks.store.execute(ListRecords()).records
    return record.fingerprint


def state_at(server: Server, hooks: Receiver[Any]) -> Any:
    key = cast("RedisStore", hooks.store).record_key(only_fingerprint(hooks))
    return server.client.hget(key, "s")


def test_missing_replicas_are_named_with_the_remedy(build: Build) -> None:
    hooks, errors = build(replicas=2), []
    execute = hooks.store.execute

    def recorded(operation: Any) -> Any:
        try:
            return execute(operation)
        except Unavailable as error:
            errors.append(error)
            raise

    hooks.store.execute = recorded  # type: ignore[method-assign]  # spied on.

    def is_named() -> bool:
        assert hooks.receive(*made()).status == 503
        assert "RedisStore(replicas)" in errors[-1].hint
        return "only 1 of 2 replicas confirmed it." in errors[-1].message

    eventually(is_named)  # Not 0, as where the replica is busy.


def test_burst_waits_for_replicas_together(build: Build, watched: Watched) -> None:
    hooks, server = build(replicas=1), watched.primary.client

    async def burst(count: int) -> list[str]:
        replies = await asyncio.gather(*(hooks.areceive(*made()) for _ in range(count)))
        return [str(reply.outcome) for reply in replies]

    def waits() -> int:
        found = server.info("commandstats").get("cmdstat_wait", {"calls": 0})
        return int(found["calls"])

    def waits_of_burst() -> float:
        before = waits()
        replies = asyncio.run(burst(50))
        assert waits() > before
        return waits() - before if replies == ["accepted"] * 50 else float("inf")

    assert_below(13, waits_of_burst)  # None is too late, where the replica is not busy.


def test_store_without_replicas_never_waits(build: Build, watched: Watched) -> None:
    before = watched.primary.client.info("commandstats").get("cmdstat_wait")
    assert build().receive(*made()).outcome == "accepted"
    assert watched.primary.client.info("commandstats").get("cmdstat_wait") == before


def test_risk_of_a_failover_is_logged_and_found_by_doctor(
    build: Build, watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    assert "440 of 1,200" in first_log(build(), caplog)
    store = build().store
    assert "redis-replicas" in doctor_finds(store)
    for name, value in RECOMMENDED.items():
        watched.primary.client.config_set(name, value)
    try:
        eventually(lambda: "min_slaves_good_slaves" in watched.primary.replication())
        assert "440 of 1,200" not in first_log(build(), caplog)
        assert "redis-replicas" not in doctor_finds(store)
    finally:
        watched.primary.client.config_set("min-replicas-to-write", 0)


def first_log(hooks: Receiver[Any], caplog: pytest.LogCaptureFixture) -> str:
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        receive(hooks, made())
        receive_asyncio(hooks, made())
    return caplog.text


def doctor_finds(store: object) -> set[str]:
    assert isinstance(store, RedisStore)
    return {check.name for facts in store.inspect_all() for check in check_server(facts)}


def test_worker_of_class_spawn_is_refused(build: Build) -> None:
    hooks = build()
    assert isinstance(hooks.store, RedisStore)
    with hooks.store.client() as client, pytest.raises(ConfigurationError, match="spawn"):
        build_worker(hooks, client, queue=hooks.queue_names[0], kind=WorkerKind.SPAWN)


@pytest.mark.parametrize("is_own", [True, False], ids=["url", "client"])
def test_interrupted_answer_is_not_that_of_the_next_command(watched: Watched, is_own: bool) -> None:
    hosts = [("127.0.0.1", watched.port)]
    manager = cast("Any", Sentinel)(hosts)
    theirs = manager.master_for(SERVICE, socket_timeout=0.9)
    with theirs, manager.sentinels[0], new_client(watched.url if is_own else theirs) as client:
        with pytest.raises(Interrupted), alarm():
            client.blpop(["florentin-webhooks.none"], timeout=0.3)
        assert client.echo("this") == b"this"


class Interrupted(Exception):
    """What an alarm raises."""


@contextmanager
def alarm() -> Iterator[None]:
    """Raise Interrupted in the middle of what runs, as the alarm of a job does."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
