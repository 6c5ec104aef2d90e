"""A Redis Cluster of embedded servers, built by its commands alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import redis

from florentin_webhooks.redis.embedded_server import EmbeddedServer
from tests.support.ports import free_ports
from tests.support.waiting import eventually

SLOTS = 16384


class ClusterNode:
    """One server of a cluster, on a TCP *port* of its own."""

    def __init__(self, directory: Path, options: Mapping[str, str] = {}) -> None:
        self.port, bus = free_ports(2)
        self.server = EmbeddedServer(
            directory,
            options={
                "port": str(self.port),
                "bind": "127.0.0.1",
                "cluster-enabled": "yes",
                "cluster-port": str(bus),
                "cluster-node-timeout": "1000",
                "cluster-require-full-coverage": "no",
                "cluster-replica-validity-factor": "0",
                **options,
            },
        )
        self.bus = bus

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def client(self) -> Any:  # Any: redis-py leaves its types open.
        return redis.Redis(host="127.0.0.1", port=self.port, socket_timeout=5, protocol=2)

    def ask(self, *words: str | int) -> Any:
        with self.client as client:
            return client.execute_command(*words)

    def name(self) -> str:
        return str(self.ask("CLUSTER", "MYID").decode())

    def is_ok(self) -> bool:
        return b"cluster_state:ok" in self.ask("CLUSTER", "INFO")


class Cluster:
    """Primaries with equal parts of the slots, in order, and *replicas*, one after the other."""

    def __init__(self, primaries: list[ClusterNode], replicas: list[ClusterNode]) -> None:
        self.primaries, self.replicas = primaries, replicas

    @property
    def nodes(self) -> list[ClusterNode]:
        return [*self.primaries, *self.replicas]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(node.address for node in self.primaries)

    def form(self) -> None:
        count = len(self.primaries)
        for number, node in enumerate(self.primaries):
            start, end = (SLOTS * n // count for n in (number, number + 1))
            node.ask("CLUSTER", "ADDSLOTSRANGE", start, end - 1)
        first = self.nodes[0]
        for node in self.nodes[1:]:
            node.ask("CLUSTER", "MEET", "127.0.0.1", first.port, first.bus)
        for node in self.nodes:
            eventually(lambda node=node: self._knows_all(node))  # type: ignore[misc]
        for replica, primary in zip(self.replicas, self.primaries, strict=False):
            replica.ask("CLUSTER", "REPLICATE", primary.name())
        for node in self.nodes:
            eventually(lambda node=node: node.is_ok())  # type: ignore[misc]

    def owner(self, slot: int) -> ClusterNode:
        """Return the node that owns *slot* now, as any node that answers knows it."""
        for node in self.nodes:
            with suppress(redis.RedisError):
                for start, end, (_, port, *_), *_ in node.ask("CLUSTER", "SLOTS"):
                    if start <= slot <= end:
                        return next(each for each in self.nodes if each.port == port)
        raise AssertionError(f"no node owns slot {slot}")

    def move_slot(self, slot: int, target: ClusterNode, *, pause: float = 0.0) -> None:
        """Move *slot* to *target* key by key, as redis-cli does, with a *pause* after each."""
        source = self.owner(slot)
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.name())
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.name())
        place = ("127.0.0.1", target.port, "", 0, 5000, "KEYS")
        while keys := source.ask("CLUSTER", "GETKEYSINSLOT", slot, 1 if pause else 100):
            source.ask("MIGRATE", *place, *keys)
            time.sleep(pause)
        for node in (target, source):
            node.ask("CLUSTER", "SETSLOT", slot, "NODE", target.name())

    def move_slot_at_once(self, slot: int, target: ClusterNode) -> None:
        """Move *slot* to *target* as Valkey 9 does: all of its keys change sides together."""
        source = self.owner(slot)
        source.ask("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", target.name())
        eventually(lambda: self.owner(slot) is target)

    def flush(self) -> None:
        for node in self.primaries:
            node.ask("FLUSHALL")

    def _knows_all(self, node: ClusterNode) -> bool:
        known = node.ask("CLUSTER", "NODES").decode()
        return known.count("connected") - known.count("disconnected") >= len(self.nodes) and (
            "handshake" not in known
        )


@contextmanager
def running_cluster(
    directory: Path, primaries: int = 1, replicas: int = 0, options: Mapping[str, str] = {}
) -> Iterator[Cluster]:
    """Yield a cluster in *directory*; its servers end with the block."""
    nodes = [ClusterNode(directory / str(n), options) for n in range(primaries + replicas)]
    with ExitStack() as stack:
        for node in nodes:
            stack.enter_context(node.server)
        cluster = Cluster(nodes[:primaries], nodes[primaries:])
        cluster.form()
        yield cluster
