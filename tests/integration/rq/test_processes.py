"""Worker processes: every class, RQ's own command, and the data they leave."""

from __future__ import annotations

import base64
import binascii
import os
import pickle
import pickletools
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
import redis
import rq

from florentin_webhooks import Delivery, Discard, Receiver, RedisStore, RetryLater, RQQueue
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import GetRecord
from florentin_webhooks.events import Event, InvoiceCreated
from tests.support.vectors import CANONICAL, SECRET, T0, Request, delivery, sign
from tests.support.waiting import eventually
from tests.support.workshop import told_in

PRIVATE = "ada@adabooks.example"
"""A word in every event and in every error of a handler."""


def build(url: str, prefix: str, queue: str) -> Receiver:
    """Return the receiver, which workers import as ``hooks`` of this module."""
    made = Receiver(
        SECRET,
        store=RedisStore(url, prefix=prefix),
        queue=RQQueue(queue, retries=(1,), receiver=f"{__name__}:hooks"),
        clock=lambda: T0,
    )
    made.on("invoice.created")(bill)
    made.on(Event)(count)
    return made


def bill(event: InvoiceCreated, delivery: Delivery) -> object:
    word = event.data.invoice.number.rpartition(" ")[2]
    times = _client().rpush(f"{_prefix()}ran", f"{delivery.fingerprint} {word}")
    with delivery.once("effect") as first:
        if first:
            _client().incr(f"{_prefix()}effects")
    if word == "fails" or (word == "twice" and runs(_client(), _prefix()).count(word) == 1):
        raise ValueError(f"{PRIVATE}\n{event!r} {delivery.body!r} {SECRET} {times}")
    if word == "later" and runs(_client(), _prefix()).count(word) == 1:
        raise RetryLater(1)
    if word == "discards":
        raise Discard("unwanted")  # A reason is kept: it is written for the operator.
    return {PRIVATE: object()}


async def count(_event: Event, delivery: Delivery) -> str:
    async with delivery.once("counted"):
        return PRIVATE


def runs(client: redis.Redis, prefix: str) -> list[str]:
    """Return the word of each run, in order."""
    noted = client.lrange(f"{prefix}ran", 0, -1)
    return [each.decode().rpartition(" ")[2] for each in noted]  # type: ignore[union-attr]  # bytes.


def _prefix() -> str:
    return os.environ["FW_PREFIX"]


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(os.environ["FW_URL"])


if "FW_URL" in os.environ:
    hooks = build(os.environ["FW_URL"], os.environ["FW_PREFIX"], os.environ["FW_QUEUE"])


ROOT = Path(__file__).parents[3]
PROGRAM = """
import logging, os, sys, redis
from florentin_webhooks.core.loader import load_receiver
from florentin_webhooks.rq.worker import WorkerKind, build_worker
logging.basicConfig(level=logging.INFO)
worker = build_worker(
    load_receiver("tests.integration.rq.test_processes:hooks"),
    redis.Redis.from_url(os.environ["FW_URL"]),
    queue=os.environ["FW_QUEUE"],
    kind=WorkerKind(sys.argv[1]),
)
worker.work(burst="--stay" not in sys.argv, with_scheduler=True)
"""
OUR_WORKER = (sys.executable, "-c", PROGRAM)
WORDS = ("runs", "discards", "later", "twice", "fails")


class Site:
    """A web process, a queue, and workers as processes."""

    def __init__(self, url: str, prefix: str) -> None:
        self.url, self.prefix, self.queue = url, prefix, f"q{uuid4().hex[:8]}"
        self.hooks: Receiver = build(url, prefix, self.queue)
        self.client = redis.Redis.from_url(url)
        self.sent: list[Request] = []
        self.output = ""

    @property
    def environment(self) -> dict[str, str]:
        result = {"FW_URL": self.url, "FW_PREFIX": self.prefix, "FW_QUEUE": self.queue}
        return {**os.environ, **result}

    def accept(self, word: str) -> str:
        body = CANONICAL.replace(b"F-0001", f"{PRIVATE} {word}".encode())
        self.sent.append(delivery(body, delivery_id=f"id-{word}"))
        return told_in(self.hooks.receive(self.sent[-1].headers, body))

    def state(self, fingerprint: str) -> State:
        record = self.hooks.store.execute(GetRecord(bytes.fromhex(fingerprint)))
        assert record is not None
        return record.state

    def run(self, *command: str) -> None:
        """Run all waiting jobs in a worker."""
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        self.output += done.stdout
        assert done.returncode == 0, done.stdout

    def hurry(self) -> bool:
        """Make every retry due; return whether there is one."""
        queue: Any = cast("Any", rq.Queue)(self.queue, connection=self.client, serializer="json")
        waiting = cast("list[bytes]", self.client.zrange(queue.scheduled_job_registry.key, 0, -1))
        for job_id in waiting:
            self.client.zadd(queue.scheduled_job_registry.key, {job_id: 1})
        return bool(waiting)

    def work_it_off(self, *command: str) -> None:
        self.run(*command)
        while self.hurry():
            self.run(*command)


@pytest.fixture
def site(redis_url: str, redis_prefix: str) -> Iterator[Site]:
    made = Site(redis_url, redis_prefix)
    yield made
    made.hooks.close()
    made.client.close()


def plain_rq(site: Site) -> tuple[str, ...]:
    rq_command = str(Path(sys.executable).with_name("rq"))
    options = ("--url", site.url, "--serializer", "json", "--burst", "--with-scheduler")
    return (rq_command, "worker", site.queue, *options, "--path", str(ROOT))


WORKERS = {
    "fork": lambda _: (*OUR_WORKER, "fork"),
    "simple": lambda _: (*OUR_WORKER, "simple"),
    "spawn": lambda _: (*OUR_WORKER, "spawn"),
    "rq": plain_rq,
}


@pytest.mark.answers("RQ-04")
@pytest.mark.parametrize(
    "worker", ["fork", "simple", "rq", pytest.param("spawn", marks=pytest.mark.long)]
)
def test_every_worker_class_finishes_all_deliveries_and_leaks_nothing(
    site: Site, worker: str
) -> None:
    words = WORDS if worker in ("fork", "simple") else WORDS[-2:]  # The others start slowly.
    sent = {word: site.accept(word) for word in words}
    assert_clean(site)
    site.work_it_off(*WORKERS[worker](site))
    ends = {word: site.state(fingerprint) for word, fingerprint in sent.items()}
    assert ends == {**dict.fromkeys(words, State.DONE), "fails": State.DEAD}
    again = [word for word in words if word in {"later", "twice", "fails"}]
    assert sorted(runs(site.client, site.prefix)) == sorted([*words, *again])
    assert int(cast("bytes", site.client.get(f"{site.prefix}effects"))) == len(words)
    assert_clean(site)


def assert_clean(site: Site) -> None:
    """Find nothing private in any key but the records' own bodies, nor in the output; no pickle."""
    private = [PRIVATE, SECRET, "inv_1", "amount_due", *(sign(each.body)[7:] for each in site.sent)]
    values = [*everything(site.client, f"{site.prefix}d".encode())]
    assert len(values) > 30
    for where, value in values:
        assert not is_pickle(value), where
        for word in private:
            assert word.encode() not in value, (where, word)
    for word in private:
        assert word not in site.output


def everything(client: redis.Redis, records: bytes) -> Iterator[tuple[str, bytes]]:
    """Every key and value of a server, also as it is when it is unpacked, but bodies in records."""
    for key in client.scan_iter(count=500):
        for field, value in [(b"", key), *parts(client, key)]:
            if not (key.startswith(records) and field == b"b"):
                for unpacked in unfolded(value):
                    yield f"{key!r} {field!r}", unpacked


def parts(client: redis.Redis, key: bytes) -> list[tuple[bytes, bytes]]:
    any_client: Any = client
    kind = any_client.type(key)
    if kind == b"hash":
        found = any_client.hgetall(key)
        return [*found.items(), *((b"", name) for name in found)]
    if kind == b"stream":
        return [pair for _, entry in any_client.xrange(key) for pair in entry.items()]
    values: dict[bytes, Any] = {
        b"string": lambda: [any_client.get(key)],
        b"list": lambda: any_client.lrange(key, 0, -1),
        b"set": lambda: any_client.smembers(key),
        b"zset": lambda: any_client.zrange(key, 0, -1),
    }
    return [(b"", value) for value in values[kind]()]


def unfolded(value: bytes) -> Iterator[bytes]:
    """A value, and what it is compressed or encoded from."""
    yield value
    with suppress(zlib.error):
        yield from unfolded(zlib.decompress(value))
    with suppress(binascii.Error):
        if len(value) >= 8:
            yield from unfolded(base64.b64decode(value, validate=True))


def is_pickle(value: bytes) -> bool:
    """Whether a value reads as a pickle from its first to its last byte."""
    try:
        *_, (_, _, last) = pickletools.genops(value)
    except Exception:  # noqa: BLE001 - the reader of foreign bytes raises anything.
        return False
    return len(value) > 2 and last == len(value) - 1


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_search_would_find_a_pickle(site: Site, protocol: int) -> None:
    result = pickle.dumps(("tests", None, (1,), {}), protocol)
    site.client.hset("rq:job:x", "data", zlib.compress(result))
    assert any(is_pickle(value) for _, value in everything(site.client, b"no record"))


def test_search_would_find_private_data(site: Site) -> None:
    folded = base64.b64encode(zlib.compress(PRIVATE.encode()))
    site.client.xadd("rq:results:x", {"exc_string": folded})
    assert any(PRIVATE.encode() in value for _, value in everything(site.client, b"no record"))


@contextmanager
def staying(site: Site, kind: str) -> Iterator[subprocess.Popen[str]]:
    """A worker that waits for jobs until it is stopped."""
    with subprocess.Popen(
        (*OUR_WORKER, kind, "--stay"),
        cwd=ROOT,
        env=site.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=120)


def done(site: Site, fingerprints: Sequence[str]) -> bool:
    return all(site.state(each) is State.DONE for each in fingerprints)


def test_retries_run_while_a_worker_waits(site: Site) -> None:
    sent = [site.accept("twice"), site.accept("later")]
    with staying(site, "fork"):
        eventually(lambda: done(site, sent))
    assert sorted(runs(site.client, site.prefix)) == ["later", "later", "twice", "twice"]
