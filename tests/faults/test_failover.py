"""A fail-over in place: the old primary becomes a replica, and its connections stay open."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import redis

from florentin_webhooks.redis.embedded_server import EmbeddedServer
from tests.faults.florentin import Florentin
from tests.faults.program import EFFECTS
from tests.faults.stage import Stage
from tests.support.ports import free_port
from tests.support.waiting import eventually

Failover = Callable[[], None]


def offset(client: redis.Redis) -> object:
    return client.info("replication")["master_repl_offset"]


def fail_over(old: redis.Redis, new: redis.Redis, port: int) -> None:
    """Swap the roles as a planned fail-over does: writes pause until the replica has them all."""
    old.client_pause(5000, all=False)
    eventually(lambda: offset(old) == offset(new))
    new.replicaof("NO", "ONE")
    old.replicaof("127.0.0.1", str(port))
    old.client_unpause()


@contextmanager
def pair(stage: Stage) -> Iterator[Failover]:
    """Yield what makes the other of two servers the primary, behind the name of the proxy."""
    assert stage.proxy is not None
    server, ports = EmbeddedServer(stage.folder / "second"), (free_port(), free_port())
    server.start()
    with redis.Redis.from_url(server.url) as second:
        nodes = [(stage.client, str(stage.server.socket)), (second, str(server.socket))]
        for (client, _), port in zip(nodes, ports, strict=True):
            client.config_set("port", port)
        second.replicaof("127.0.0.1", str(ports[0]))
        roles = [0, 1]

        def swap() -> None:
            old, new = roles
            follower = nodes[new][0]
            eventually(lambda: follower.info("replication")["master_link_status"] == "up")
            fail_over(nodes[old][0], follower, ports[new])
            stage.proxy.redirect(nodes[new][1])  # type: ignore[union-attr]  # checked above.
            roles.reverse()

        try:
            yield swap
        finally:
            stage.client.replicaof("NO", "ONE")
            stage.proxy.redirect(str(stage.server.socket))
            stage.client.config_set("port", 0)
            server.stop()


@pytest.mark.parametrize(
    "seconds",
    [pytest.param(1, id="short"), pytest.param(15, id="long", marks=pytest.mark.long)],
)
def test_failover_in_place_loses_and_repeats_nothing(stage: Stage, seconds: float) -> None:
    sender = Florentin(stage.url)
    before = {name: process.pid for name, process in stage.running.items()}
    with pair(stage) as swap, ThreadPoolExecutor(4) as threads:
        # Twice, so that the first server is the primary again in the end.
        for _ in range(2):
            send_for(sender, threads, seconds)
            swap()
            send_for(sender, threads, seconds)
        stage.wait(lambda: not stage.stuck(), seconds=300)  # A loaded machine is slow.
    running = {name: process.pid for name, process in stage.running.items()}
    assert running == before
    assert {process.poll() for process in stage.running.values()} == {None}, stage.logs()
    effects = sorted((n.business, n.handler) for n in stage.oracle.notes() if n.what == "effect")
    wanted = {(s.business, handler) for s in sender.sent for handler in EFFECTS[s.event]}
    assert effects == sorted(wanted)


def send_for(sender: Florentin, threads: ThreadPoolExecutor, seconds: float) -> None:
    """Send deliveries, each until it is acknowledged."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sendings = [sender.sending() for _ in range(4)]
        list(threads.map(lambda each: until_acknowledged(sender, each), sendings))


def until_acknowledged(sender: Florentin, each: object) -> None:
    eventually(lambda: sender.attempt(each).acknowledged)  # type: ignore[arg-type]  # a Sending.
