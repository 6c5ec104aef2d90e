"""Workers whose server refuses commands for a while, and what ends a worker."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
import redis
from redis.exceptions import NoPermissionError

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.redis.embedded_server import EmbeddedServer
from tests.support.waiting import eventually
from tests.support.workshop import Workshop, ended_by_signal, open_workshop

Refusal = tuple[str, Callable[[redis.Redis], object], Callable[[redis.Redis], object]]


def demand_replicas(client: redis.Redis) -> object:
    return client.config_set("min-replicas-to-write", 1)


def demand_no_replicas(client: redis.Redis) -> object:
    return client.config_set("min-replicas-to-write", 0)


def demote(client: redis.Redis) -> object:
    return client.replicaof("127.0.0.1", "1")


def promote(client: redis.Redis) -> object:
    return client.replicaof("NO", "ONE")


REFUSALS: list[Refusal] = [
    ("NOREPLICAS", demand_replicas, demand_no_replicas),
    ("READONLY", demote, promote),
]
refusals = pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal[0])


@pytest.fixture
def shop(directory: Path) -> Iterator[Workshop]:
    """Yield a workshop with a server of its own."""
    with EmbeddedServer(directory) as server, open_workshop(server.url, "fl:") as opened:
        yield opened


@pytest.fixture
def lift(shop: Workshop, caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[Refusal], None]]:
    """Yield what ends a refusal as soon as a worker waits for that."""
    threads: list[Thread] = []

    def start(refusal: Refusal) -> None:
        code, _, end = refusal

        def work() -> None:
            eventually(lambda: f"refuses a command ({code})" in caplog.text)
            end(shop.client)

        threads.append(Thread(target=work))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join()


@refusals
def test_idle_worker_waits_until_redis_accepts_commands(
    shop: Workshop,
    refusal: Refusal,
    lift: Callable[[Refusal], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop.does("bill")
    fingerprint = shop.accept()
    refusal[1](shop.client)
    lift(refusal)
    shop.work()
    assert shop.ran == ["bill"]
    assert shop.record(fingerprint).state is State.DONE
    assert "accepts commands again" in caplog.text
    assert str(shop.client.connection_pool.connection_kwargs["path"]) in caplog.text


@refusals
def test_worker_keeps_a_handler_result_until_redis_takes_it(
    shop: Workshop, refusal: Refusal, lift: Callable[[Refusal], None]
) -> None:
    @shop.handles("bill")
    def bill(_event: object) -> None:
        shop.ran.append("bill")
        refusal[1](shop.client)
        lift(refusal)

    fingerprint = shop.accept()
    shop.work()
    assert shop.ran == ["bill"]
    assert shop.record(fingerprint).state is State.DONE


def test_idle_worker_ends_on_sigterm_while_redis_refuses(
    shop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    client = shop.connect()
    worker = shop.worker(client)
    worker.subscribe = lambda: None

    def refuse_and_end() -> None:
        eventually(lambda: worker.get_state() == "idle")
        demote(shop.client)
        eventually(lambda: "refuses a command" in caplog.text)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = Thread(target=refuse_and_end)
    with ended_by_signal():
        thread.start()
        assert worker.work(logging_level="ERROR") is False
    thread.join()
    client.close()


def test_worker_that_a_lasting_refusal_ends_raises_it(shop: Workshop) -> None:
    shop.does("bill")
    shop.accept()
    shop.client.acl_setuser("default", enabled=True, commands=["-blmove", "-lmove"])
    with pytest.raises(NoPermissionError):
        shop.work()
