"""Connections of one event loop to the nodes of a cluster, one to each, with many calls in flight.

Calls of one turn of the event loop leave together, for each node.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from redis.exceptions import TimeoutError as RedisTimeoutError

from florentin_webhooks.redis.clients import TIMEOUTS, create_asyncio_client
from florentin_webhooks.redis.cluster.topology import SLOTS_COMMAND
from florentin_webhooks.redis.executors.pipelined import PipelinedExecutor
from florentin_webhooks.redis.executors.replicated import ReplicatedExecutor

if TYPE_CHECKING:
    from florentin_webhooks.redis.cluster.address import ClusterAddress, Node
    from florentin_webhooks.redis.cluster.node_checks import NodeChecks
    from florentin_webhooks.redis.schema import ScriptCall

__all__ = ["AsyncioTransport"]

_LONGEST = 2 * TIMEOUTS.socket


class AsyncioTransport:
    """The connections to the nodes at *address*, of the event loop that runs.

    Each node passes its one of *checks* first. *replicas* of a node have what is promised.
    """

    def __init__(self, address: ClusterAddress, checks: NodeChecks, replicas: int = 0) -> None:
        self._replicas, self._checks = replicas, checks
        self.loop = asyncio.get_running_loop()
        self._address = address
        self._nodes: dict[Node, PipelinedExecutor] = {}
        self._asking: dict[Node, asyncio.Future[list[Any]]] = {}

    async def send(self, node: Node, call: ScriptCall) -> object:
        """Return the decoded answer of *node*; raises RedisError or OSError."""
        executor = self._nodes.get(node) or self._open(node)
        return await executor.run(call)

    async def send_asking(self, node: Node, call: ScriptCall) -> object:
        """Return the decoded answer of a *node* that is taking a slot over."""
        answers = await self._once(node, [("ASKING",), call.eval()])
        return call.read(answers[1])

    async def ask_owners(self, node: Node) -> Any:
        """Return the answer of *node* to CLUSTER SLOTS; raises RedisError or OSError."""
        asking = self._asking.get(node)
        if asking is None or asking.done():
            asking = asyncio.ensure_future(self._once(node, [SLOTS_COMMAND]))
            asking.add_done_callback(_retrieve)
            self._asking[node] = asking
        # All callers share one question, also where one of them is cancelled.
        return (await asyncio.shield(asking))[0]

    async def pause(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def aclose(self) -> None:
        """Close all connections after their pending calls are answered."""
        while self._nodes:
            await self._nodes.popitem()[1].aclose()

    def _open(self, node: Node) -> PipelinedExecutor:
        client = create_asyncio_client(self._address.url(node))
        check = self._checks.find(node)
        # Any: each option has its own type.
        options: Any = {"closes_with_loop": True, "to_failure": _keep, "check": check}
        executor = (
            ReplicatedExecutor(client, replicas=self._replicas, **options)
            if self._replicas
            else PipelinedExecutor(client, **options)
        )
        self._nodes[node] = executor
        return executor

    async def _once(self, node: Node, commands: list[Any]) -> list[Any]:
        """Return the answers to *commands* over a connection of their own."""
        client = cast("Any", create_asyncio_client(self._address.url(node)))
        try:
            async with asyncio.timeout(_LONGEST), client.pipeline(transaction=False) as pipeline:
                for command in commands:
                    pipeline.execute_command(*command)
                return cast("list[Any]", await pipeline.execute())
        except TimeoutError:
            raise RedisTimeoutError("no answer in time") from None
        finally:
            await client.aclose()


def _retrieve(asking: asyncio.Future[list[Any]]) -> None:
    """Read the error that a cancelled caller leaves unread."""
    if not asking.cancelled():
        asking.exception()


def _keep(error: Exception, _: object) -> Exception:
    return error
