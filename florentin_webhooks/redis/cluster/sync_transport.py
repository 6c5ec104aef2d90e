"""Connections of synchronous programs to the nodes of a cluster, for any thread and any fork."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from redis.exceptions import RedisError

from florentin_webhooks.redis.clients import create_sync_client
from florentin_webhooks.redis.cluster.topology import SLOTS_COMMAND
from florentin_webhooks.redis.executors.sync import SyncExecutor
from florentin_webhooks.redis.executors.sync_replicated import SyncReplicatedExecutor
from florentin_webhooks.redis.failures import UnfitServerError
from florentin_webhooks.redis.inspection import inspect_server

if TYPE_CHECKING:
    from florentin_webhooks.redis.cluster.address import ClusterAddress, Node
    from florentin_webhooks.redis.cluster.lanes import Lane
    from florentin_webhooks.redis.cluster.node_checks import NodeChecks
    from florentin_webhooks.redis.inspection import ServerFacts
    from florentin_webhooks.redis.protocols import SyncClient
    from florentin_webhooks.redis.schema import ScriptCall

__all__ = ["SyncTransport"]


class SyncTransport:
    """The clients of the nodes at *address*, each with a pool of connections; none suspends.

    Each node passes its one of *checks* first. *replicas* of a node have what is promised.
    """

    def __init__(self, address: ClusterAddress, checks: NodeChecks, replicas: int = 0) -> None:
        self._address, self._checks = address, checks
        # A record that was not confirmed may belong to another node by now.
        self._kind = partial(SyncReplicatedExecutor, patience=None) if replicas else SyncExecutor
        self._nodes: dict[Node, tuple[SyncClient, SyncExecutor]] = {}

    async def send(self, node: Node, call: ScriptCall) -> object:
        """Return the decoded answer of *node*; raises RedisError or OSError."""
        _, executor = self._node(node)
        executor.check_once()
        return call.read(executor.send(call))

    async def send_asking(self, node: Node, call: ScriptCall) -> object:
        """Return the decoded answer of a *node* that is taking a slot over."""
        with self._pipeline(node) as pipeline:
            pipeline.execute_command("ASKING")
            pipeline.execute_command(*call.eval())
            return call.read(pipeline.execute()[1])

    def send_all(self, node: Node, calls: Sequence[ScriptCall]) -> list[object]:
        """Return the decoded answers of *node*, or errors in their places, in one round trip."""
        try:
            self._node(node)[1].check_once()
            with self._pipeline(node) as pipeline:
                for call in calls:
                    pipeline.execute_command(*call.evalsha())
                answers = pipeline.execute(raise_on_error=False)
        except (RedisError, OSError, UnfitServerError) as error:
            return [error] * len(calls)
        return [
            answer if isinstance(answer, Exception) else call.read(answer)
            for call, answer in zip(calls, answers, strict=True)
        ]

    async def ask_owners(self, node: Node) -> Any:
        """Return the answer of *node* to CLUSTER SLOTS; raises RedisError or OSError."""
        return self._node(node)[0].execute_command(*SLOTS_COMMAND)

    async def pause(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)  # noqa: ASYNC251 - in a program without an event loop.

    def inspect(self, node: Node, lane: Lane) -> ServerFacts:
        """Return what *node*, which owns *lane*, says about itself."""
        prefix, replicas = lane.schema.prefix.decode(), lane.schema.replicas
        client = self._node(node)[0]
        return inspect_server(client, f"{node}", prefix, lane.tag, replicas=replicas)

    def close(self) -> None:
        """Close all connections."""
        for _, executor in self._nodes.values():
            executor.close()

    def _pipeline(self, node: Node) -> Any:
        return cast("Any", self._node(node)[0]).pipeline(transaction=False)

    def _node(self, node: Node) -> tuple[SyncClient, SyncExecutor]:
        found = self._nodes.get(node)
        if found is None:
            client = create_sync_client(self._address.url(node))
            # Of two threads that are first at once, both use the same.
            executor = self._kind(client, check=self._checks.find(node))
            found = self._nodes.setdefault(node, (client, executor))
        return found
