"""Pushed jobs: as RQ would build them, in one round trip, with ids only."""

from __future__ import annotations

import asyncio
import json
import math
import re
import zlib
from collections.abc import Iterator
from itertools import count, islice
from typing import Any, cast

import pytest
import redis
import rq

from florentin_webhooks import Receiver, RedisStore, RQQueue
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.events import Event
from florentin_webhooks.redis.executors.calls import MAX_CALLS
from florentin_webhooks.rq import PROCESS
from tests.support.proxy import Proxy
from tests.support.vectors import CANONICAL, SECRET, T0, delivery
from tests.support.waiting import assert_below
from tests.support.workshop import Workshop, open_workshop, stamped

TIMES = (b"created_at", b"enqueued_at")
AS_RQ_WRITES_IT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.fixture
def shop(redis_url: str, redis_prefix: str) -> Iterator[Workshop]:
    with open_workshop(redis_url, redis_prefix, retries=(5, 30, 120), timeout=45) as opened:
        opened.does("bill")
        opened.does("mail", queue=f"{opened.queue}-other")
        yield opened


def in_rq(shop: Workshop) -> dict[bytes, Any]:  # Any: by the type of the key.
    """Every key of RQ with its value, without times and compression."""
    client: Any = shop.client
    read = {b"hash": client.hgetall, b"set": client.smembers}
    found = {
        key: read.get(client.type(key), lambda each: client.lrange(each, 0, -1))(key)
        for key in client.scan_iter("rq:*", count=500)
    }
    for key, value in found.items():
        if client.type(key) == b"hash":
            found[key] = comparable(value)
    return found


def comparable(fields: dict[bytes, bytes]) -> dict[bytes, object]:
    """Return *fields* as RQ reads them: an empty one as a missing one."""
    assert all(AS_RQ_WRITES_IT.fullmatch(fields[name]) for name in TIMES)
    data = fields[b"data"]
    data = zlib.decompress(data) if data[:1] == b"\x78" else data
    there = {name: value for name, value in fields.items() if value}
    return {**there, b"data": json.loads(data), **dict.fromkeys(TIMES, b"then")}


def built_by_rq(shop: Workshop, fingerprint: str, queue: str) -> None:
    """Build and enqueue the job with RQ's public API only."""
    where = shop.rq(queue)
    where.enqueue(
        PROCESS,
        args=(f"{shop.module.__name__}:hooks", fingerprint, queue),
        job_id=shop.job_id(fingerprint, queue),
        job_timeout=45,
        result_ttl=0,
        failure_ttl=-1,
        description=f"florentin {fingerprint} (serializer json)",
        retry=rq.Retry(max=3, interval=[5, 30, 120]),
    )


def test_job_equals_the_one_that_rq_enqueues(shop: Workshop) -> None:
    fingerprint = shop.accept()
    ours = in_rq(shop)
    shop.client.delete(*ours)
    for queue in (shop.queue, f"{shop.queue}-other"):
        built_by_rq(shop, fingerprint, queue)
    theirs = in_rq(shop)
    assert len(ours) == 5  # Two jobs, two lists, the set of queues.
    assert ours == theirs


def test_rq_reads_a_job_without_empty_fields_as_its_own(shop: Workshop) -> None:
    fingerprint = shop.accept()
    assert b"" not in shop.job(fingerprint).values()
    ours = attributes(shop, fingerprint)
    built_by_rq(shop, fingerprint, shop.queue)
    assert ours == attributes(shop, fingerprint)
    assert b"" in shop.job(fingerprint).values()


def attributes(shop: Workshop, fingerprint: str) -> dict[str, object]:
    """Return what RQ knows of a job, without what is new with each reading."""
    job: Any = rq.job.Job.fetch(shop.job_id(fingerprint), connection=shop.client, serializer="json")
    _ = job.args, job.kwargs, job.func_name
    changing = {"connection", "serializer", "created_at", "enqueued_at", "_data", "log"}
    return {name: value for name, value in vars(job).items() if name not in changing}


def test_jobs_of_two_deliveries_differ_in_the_fingerprint_only(shop: Workshop) -> None:
    first = shop.accept()
    second = shop.accept(delivery(CANONICAL.replace(b"F-0001", b"F-0002"), delivery_id="id-2"))
    texts = [repr(comparable(shop.job(each))).replace(each, "") for each in (first, second)]
    assert texts[0] == texts[1]
    assert shop.listed() == [shop.job_id(first), shop.job_id(second)]


def test_job_enqueued_by_rq_runs(shop: Workshop) -> None:
    fingerprint = shop.accept()
    shop.client.delete(f"rq:job:{shop.job_id(fingerprint)}", shop.rq().key)
    built_by_rq(shop, fingerprint, shop.queue)
    shop.work()
    shop.work(f"{shop.queue}-other")
    assert shop.ran == ["bill", "mail"]
    assert shop.record(fingerprint).state is State.DONE


def test_job_runs_in_a_worker_of_rqs_own(shop: Workshop, redis_url: str) -> None:
    fingerprint = shop.accept()
    for queue in (shop.queue, f"{shop.queue}-other"):
        with redis.Redis.from_url(redis_url) as client:
            where = cast("Any", rq.Queue)(queue, connection=client, serializer="json")
            worker: Any = cast("Any", rq.SimpleWorker)(
                [where], connection=client, serializer="json"
            )
            worker.subscribe = worker.unsubscribe = lambda: None
            worker._install_signal_handlers = lambda: None
            worker.work(burst=True, logging_level="ERROR")
    assert shop.ran == ["bill", "mail"]
    assert shop.record(fingerprint).state is State.DONE
    assert shop.client.keys("rq:job:*") == []


def test_job_holds_path_fingerprint_and_queue_as_json(
    shop: Workshop,
) -> None:
    fingerprint = shop.accept()
    fields = shop.job(fingerprint)
    path = f"{shop.module.__name__}:hooks"
    assert json.loads(fields[b"data"]) == [PROCESS, None, [path, fingerprint, shop.queue], {}]
    assert fields[b"description"] == f"florentin {fingerprint} (serializer json)".encode()
    assert not {b"result", b"meta", b"exc_info"} & fields.keys()


def evalsha(client: redis.Redis) -> int:
    result = client.info("commandstats").get("cmdstat_evalsha", {"calls": 0})
    return int(result["calls"])


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    with Proxy(redis_url) as made:
        yield made


class Site:
    """A receiver behind a proxy that counts, used once before; never imported by a worker."""

    def __init__(self, proxy: Proxy, prefix: str) -> None:
        self.store = RedisStore(proxy.url, prefix=prefix)
        queue = RQQueue(f"{prefix[:40]}q", receiver="nowhere:hooks")
        self.hooks = Receiver(SECRET, store=self.store, queue=queue, clock=lambda: T0)
        self.hooks.on(Event)(handle)
        self.hooks.on(Event, queue=f"{prefix[:40]}other")(handle_elsewhere)


def handle(_event: Event) -> None: ...


def handle_elsewhere(_event: Event) -> None: ...


def test_queued_delivery_is_one_command_and_one_round_trip(
    proxy: Proxy, shop: Workshop, redis_prefix: str
) -> None:
    site = Site(proxy, redis_prefix)
    site.hooks.receive(*stamped(1)[:2])
    before = evalsha(shop.client), proxy.turns
    reply = site.hooks.receive(*delivery(CANONICAL.replace(b"F-", b"G-"), delivery_id="2")[:2])
    assert reply.outcome == "accepted"
    assert (evalsha(shop.client) - before[0], proxy.turns - before[1]) == (1, 1)
    site.store.close()


@pytest.mark.parametrize("deliveries", [1, 2 * MAX_CALLS])
def test_queued_deliveries_share_round_trips_in_asyncio(
    proxy: Proxy, shop: Workshop, redis_prefix: str, deliveries: int
) -> None:
    site = Site(proxy, redis_prefix)

    numbers = count(1)

    async def burst() -> float:
        for second in (1, 2):  # Connected, and the server's settings are known.
            await site.hooks.areceive(*stamped(second)[:2])
        made = [
            delivery(CANONICAL.replace(b"F-0001", b"F-%d" % n), delivery_id=f"id-{n}")
            for n in islice(numbers, deliveries)
        ]
        before = evalsha(shop.client), proxy.turns
        replies = await asyncio.gather(*(site.hooks.areceive(*each[:2]) for each in made))
        await site.store.aclose()
        if "unavailable" in (outcomes := {str(reply.outcome) for reply in replies}):
            return math.inf  # This process, or the server, had to wait for a processor.
        assert outcomes == {"accepted"}
        assert evalsha(shop.client) - before[0] == deliveries
        return proxy.turns - before[1]

    assert_below(deliveries / (MAX_CALLS / 2) + 1.1, lambda: asyncio.run(burst()))


@pytest.mark.parametrize("asynchronous", [False, True])
def test_accept_with_a_lost_answer_pushes_once(
    proxy: Proxy, shop: Workshop, redis_prefix: str, asynchronous: bool
) -> None:
    site = Site(proxy, redis_prefix)
    request = delivery(CANONICAL.replace(b"F-", b"G-"), delivery_id="2")[:2]

    async def both() -> list[str]:
        await site.hooks.areceive(*stamped(1)[:2])
        proxy.lose_answer(b"G-0001")
        outcomes = [(await site.hooks.areceive(*request)).outcome for _ in "ab"]
        await site.store.aclose()
        return [*outcomes]

    if asynchronous:
        outcomes = asyncio.run(both())
    else:
        site.hooks.receive(*stamped(1)[:2])
        proxy.lose_answer(b"G-0001")
        outcomes = [site.hooks.receive(*request).outcome for _ in "ab"]
        site.store.close()
    assert proxy.lost == 1
    assert outcomes == ["accepted", "duplicate"]
    assert shop.client.llen(f"rq:queue:{redis_prefix[:40]}q") == 2
    assert shop.client.llen(f"rq:queue:{redis_prefix[:40]}other") == 2


@pytest.mark.answers("RQ-05")
def test_concurrent_accepts_of_one_delivery_push_it_once(redis_url: str, redis_prefix: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with open_workshop(redis_url, redis_prefix) as shop:
        shop.does("bill")
        with ThreadPoolExecutor(10) as threads:
            for number in range(30):
                body = CANONICAL.replace(b"F-0001", b"F-%d" % number)
                requests = [delivery(body, delivery_id=f"id-{n}") for n in range(10)]
                outcomes = [reply.outcome for reply in threads.map(shop.send, requests)]
                assert sorted(outcomes) == ["accepted", *["duplicate"] * 9]
        assert len(shop.listed()) == 30
