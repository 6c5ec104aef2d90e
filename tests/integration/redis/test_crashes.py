"""Crashes: of a web process at every point of a delivery, and of the server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from florentin_webhooks import Receiver, RedisStore
from florentin_webhooks.events import InvoiceCreated
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.redis.embedded_server import EmbeddedServer
from florentin_webhooks.testing import SignedDelivery
from tests.support.shop import SECRET, Shop, retry_after
from tests.support.waiting import eventually

LEASE = timedelta(seconds=0.6)
TIMEOUT = timedelta(seconds=0.5)

DIES = """
import json, os, signal, sys
from datetime import timedelta
import redis
from florentin_webhooks import Receiver, RedisStore
from florentin_webhooks.events import InvoiceCreated
from florentin_webhooks.core.stores.accept import Accept, Finish

url, secret, lease, timeout, where = *sys.argv[1:3], *map(float, sys.argv[3:5]), sys.argv[5]
client = redis.Redis.from_url(url)
headers, body = json.loads(sys.stdin.readline())

def crash_at(point):
    if point == where:
        os.kill(os.getpid(), signal.SIGKILL)

class Mortal(RedisStore):
    def execute(self, operation):
        name = type(operation).__name__
        crash_at(f"before {name}")
        answer = super().execute(operation)
        crash_at(f"after {name}")
        return answer

store = Mortal(url, lease=timedelta(seconds=lease))
receiver = Receiver(secret, store=store, timeout=timedelta(seconds=timeout))

@receiver.on(InvoiceCreated)
def count(event):
    client.incr("runs")
    crash_at("in the handler")

print(receiver.receive(headers, body.encode()).outcome)
"""


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as made:
        yield made


@pytest.fixture
def store(redis_url: str) -> Iterator[RedisStore]:
    with closing(RedisStore(redis_url, lease=LEASE)) as made:
        yield made


@pytest.fixture
def receiver(store: RedisStore, client: redis.Redis) -> Receiver:
    """The web process that goes on: its handler counts in Redis, as the other one's does."""
    made = Receiver(SECRET, store=store, timeout=TIMEOUT)

    @made.on(InvoiceCreated)
    def count(_: InvoiceCreated) -> None:
        client.incr("runs")

    return made


def die(url: str, made: SignedDelivery, where: str) -> None:
    """Kill a web process at the point *where* while it receives *made*."""
    words = [url, SECRET, str(LEASE.total_seconds()), str(TIMEOUT.total_seconds()), where]
    result = subprocess.run(
        [sys.executable, "-c", DIES, *words],
        input=json.dumps([made.headers, made.body.decode()]) + "\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == -signal.SIGKILL, result.stderr


@pytest.mark.parametrize(
    ("where", "runs"),
    [
        ("before Accept", 1),
        ("after Accept", 1),
        ("in the handler", 2),  # The one exception: an effect that could not be recorded.
        ("before Finish", 2),  # The same.
        ("after Finish", 1),
    ],
)
def test_killed_process_loses_nothing(
    redis_url: str, client: redis.Redis, receiver: Receiver, where: str, runs: int
) -> None:
    made = Shop().make()
    die(redis_url, made, where)
    eventually(lambda: receiver.receive(*made).status == 200)
    assert int(client.get("runs") or 0) == runs
    assert receiver.receive(*made).outcome is Outcome.DUPLICATE


def test_killed_process_is_in_progress_until_its_lease_expires(
    redis_url: str, receiver: Receiver
) -> None:
    made = Shop().make()
    die(redis_url, made, "in the handler")
    reply = receiver.receive(*made)
    assert (reply.outcome, retry_after(reply)) == (Outcome.IN_PROGRESS, 1)
    eventually(lambda: receiver.receive(*made).outcome is Outcome.PROCESSED)


def test_killed_server_keeps_every_acknowledged_delivery(
    directory: Path,
) -> None:
    with EmbeddedServer(directory) as server, closing(RedisStore(server.url)) as store:
        shop = Shop(store)
        acknowledged: list[SignedDelivery] = []

        def deliver() -> None:
            while (reply := shop.receive(made := shop.make())).outcome is Outcome.PROCESSED:
                acknowledged.append(made)
            assert reply.outcome is Outcome.UNAVAILABLE

        for _ in range(3):
            wanted = len(acknowledged) + 200
            with ThreadPoolExecutor(4) as threads:
                senders = [threads.submit(deliver) for _ in range(4)]
                eventually(lambda enough=wanted: len(acknowledged) >= enough)  # type: ignore[misc]  # a bound value.
                os.kill(server.pid(), signal.SIGKILL)
                for sender in senders:
                    sender.result(timeout=120)
            server.start()
        outcomes = {shop.receive(made).outcome for made in acknowledged}
    assert outcomes == {Outcome.DUPLICATE}
    assert set(shop.ran.values()) == {1}


def test_emptied_server_serves_on(client: redis.Redis, receiver: Receiver) -> None:
    shop = Shop()
    made = shop.make()
    assert receiver.receive(*made).outcome is Outcome.PROCESSED
    client.flushall()
    assert receiver.receive(*made).outcome is Outcome.PROCESSED
    assert receiver.receive(*made).outcome is Outcome.DUPLICATE


def test_server_emptied_during_a_handler_makes_the_reply_unavailable(
    client: redis.Redis, store: RedisStore
) -> None:
    shop = Shop(store, timeout=TIMEOUT, on_run=client.flushall)
    made = shop.make()
    assert shop.receive(made).outcome is Outcome.IN_PROGRESS


FEW_FILES = """
import os, resource, sys
from florentin_webhooks import RedisStore
from tests.support.shop import Shop

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
shop, taken = Shop(RedisStore(sys.argv[1])), []
try:
    while True:
        taken.append(os.dup(0))
except OSError:
    pass
print(shop.receive().outcome)
for each in taken:
    os.close(each)
print(shop.receive().outcome)
"""


def test_process_without_descriptors_is_unavailable_and_recovers(redis_url: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", FEW_FILES, redis_url],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.stdout.split() == ["unavailable", "processed"], result.stderr
