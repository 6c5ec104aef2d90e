"""The store in a Redis Cluster: its lanes as one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.redis.addresses import unavailable_at
from florentin_webhooks.redis.clients import TIMEOUTS, RedisError, validate_server
from florentin_webhooks.redis.cluster.address import parse_cluster
from florentin_webhooks.redis.cluster.asyncio_transport import AsyncioTransport
from florentin_webhooks.redis.cluster.callers import AsyncioCaller, SyncCaller
from florentin_webhooks.redis.cluster.flow import LaneFlow
from florentin_webhooks.redis.cluster.lane_client import LaneClient, create_lane_client
from florentin_webhooks.redis.cluster.lane_store import LaneStore
from florentin_webhooks.redis.cluster.lanes import (
    DEFAULT_LANES,
    validate_lanes,
)
from florentin_webhooks.redis.cluster.node_checks import NodeChecks
from florentin_webhooks.redis.cluster.sync_transport import SyncTransport
from florentin_webhooks.redis.cluster.topology import Topology
from florentin_webhooks.redis.codec.queries import probe
from florentin_webhooks.redis.executors.loop_local import LoopLocal
from florentin_webhooks.redis.schema import RQ_PREFIX, ScriptCall, load_script
from florentin_webhooks.redis.store import RedisStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    import redis

    from florentin_webhooks.core.stores.base import Operation, PendingAnswer
    from florentin_webhooks.redis.cluster.lanes import Lane
    from florentin_webhooks.redis.inspection import ServerFacts

__all__ = ["ClusterStore"]

A = TypeVar("A")
_COUNT_WAITING = load_script("count_waiting")


class ClusterStore(RedisStore):
    """What :class:`RedisStore` is for the URL or a client of a Redis Cluster.

    Each delivery belongs to one of its lanes, with all of its keys, its queue and its jobs. An
    operation on a delivery is one round trip to the node of its lane; those that name no delivery,
    or one that this process does not know, ask all nodes at once.
    """

    is_cluster = True

    def _connect(self, server: Any, lanes: int | None) -> None:
        self._address = parse_cluster(server)
        validate_server(self._address.url(self._address.nodes[0]))
        self._count = _choose_count(lanes, self._address.lanes)
        validate_lanes(self._count, self._schema.prefix.decode())
        self._flow = LaneFlow(self._schema, self._count)
        self._topology = Topology(self._address.nodes)
        self._checks = NodeChecks()
        self._transport = SyncTransport(self._address, self._checks, self._schema.replicas)
        self._caller = SyncCaller(self._topology, self._transport)
        self._asking: tuple[redis.Redis, ...] = ()
        self._loop_callers = LoopLocal[AsyncioCaller]()

    def extend_retention(self, least: timedelta) -> None:
        """Remember finished deliveries for *least*, unless ``retention`` was set."""
        super().extend_retention(least)
        self._flow = LaneFlow(self._schema, self._count)

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Its lanes."""
        return self._flow.lanes

    @property
    def address(self) -> str:
        """Address of the cluster, without user and password."""
        return str(self._address)

    @property
    def location(self) -> tuple[str, bytes]:
        """The nodes that are named, lanes and prefix, by which two stores are the same one."""
        named = replace(self._address, nodes=tuple(sorted(self._address.nodes)))
        return f"{named}?lanes={self._count}", self._schema.prefix

    def execute(self, operation: Operation[A]) -> A:
        """Execute *operation*; raises :class:`Unavailable` without an answer in time."""
        return run_sync(self._flow.run(self._caller, operation))

    async def aexecute(self, operation: Operation[A]) -> A:
        """Execute *operation*, in one round trip with all others pending for its node."""
        caller = self._loop_callers.find(asyncio.get_running_loop(), self._create_caller)
        return await self._flow.run(caller, operation)

    async def asend(self, operation: Operation[A]) -> PendingAnswer[A]:
        """Return once *operation* is executed."""
        answer = asyncio.ensure_future(self.aexecute(operation))
        await asyncio.wait({answer})
        return answer

    def open_pipeline(self) -> None:
        """Return None: each record waits for its answer."""
        return

    def close(self) -> None:
        """Close the synchronous connections; the next operation opens them again."""
        self._transport.close()
        for client in self._asking:
            client.close()

    async def aclose(self) -> None:
        """Close the connections of this event loop; the next operation opens them again."""
        caller = self._loop_callers.pop()
        if caller is not None:
            await caller.aclose()

    def queue_clients(self, longest: float | None = None) -> tuple[redis.Redis, ...]:
        """Return a new synchronous client of each lane, on which RQ's keys begin with its tag.

        With *longest* each waits at most that many seconds for an answer.
        """
        follower = self._caller.follower
        return tuple(
            create_lane_client(self._address, lane, follower, longest) for lane in self.lanes
        )

    def client(self, longest: float | None = None) -> NoReturn:  # noqa: ARG002 - as its base.
        """Raise :class:`ConfigurationError`: there is no client of all lanes."""
        raise ConfigurationError(
            "A RedisStore in a Redis Cluster has no client of one server.", "Use queue_clients()."
        )

    def ask(self, question: Callable[[Any], A]) -> NoReturn:  # noqa: ARG002 - as its base.
        """Raise :class:`ConfigurationError`: there is no client of all lanes."""
        self.client()

    def ask_queues(self, question: Callable[[Any], A]) -> Sequence[A]:
        """Return the answers to *question* of a client of each lane, in their order.

        Raises :class:`Unavailable` without all of them in time.
        """
        if not self._asking:
            self._asking = self.queue_clients(TIMEOUTS.socket)
        try:
            return [question(client) for client in self._asking]
        except (RedisError, OSError) as error:
            raise unavailable_at(self.address, error) from None

    def probe(self, *, writes: bool = False) -> None:
        """Raise :class:`Unavailable` if no lane answers; while one does, it accepts.

        With *writes*, a node that refuses to write does not answer.
        """
        calls = [(lane, probe(lane.schema, writes=writes)) for lane in self._flow.lanes]
        answers = run_sync(self._caller.run_each(calls))
        failed = [each for each in answers if isinstance(each, Unavailable)]
        if len(failed) == len(answers):
            raise failed[0]

    def count_waiting(self, queue: str, numbers: Sequence[int]) -> list[int | None]:
        """Return how many jobs wait in *queue* in the lanes *numbers*, None where none answers."""
        lanes = [self._flow.lanes[number] for number in numbers]
        key = f"{RQ_PREFIX}queue:{queue}"
        calls = [(lane, ScriptCall(_COUNT_WAITING, (lane.tag + key,), (), int)) for lane in lanes]
        answers = run_sync(self._caller.run_each(calls))
        return [None if isinstance(each, Unavailable) else cast("int", each) for each in answers]

    def _first_server(self) -> str:
        return self._address.url(self._address.nodes[0])

    def inspect(self) -> ServerFacts:
        """Return what the first of its nodes says about itself."""
        return self.inspect_all()[0]

    def inspect_all(self) -> tuple[ServerFacts, ...]:
        """Return what each node that owns a lane says about itself.

        The caller reports it, so the log of a synchronous program does not.
        """
        self._checks.skip()
        slots = {lane.slot: lane for lane in self._flow.lanes}
        try:
            owners = run_sync(self._caller.follower.find_owners(slots))
        except Unavailable:
            owners = list(self._address.nodes)
        lanes = dict(zip(owners, slots.values(), strict=False))
        return tuple(self._transport.inspect(node, lane) for node, lane in lanes.items())

    def with_client(self, client: redis.Redis) -> RedisStore:
        """Return the store of one lane over its *client*, such as a worker's.

        This store itself for a client of RQ's own, which has the keys of no lane.
        """
        if not isinstance(client, LaneClient):
            return self
        return LaneStore.over(self, self._flow.lanes[client.lane], client)

    def _create_caller(self) -> AsyncioCaller:
        transport = AsyncioTransport(self._address, self._checks, self._schema.replicas)
        return AsyncioCaller(self._topology, transport)


def _choose_count(argument: int | None, in_url: int | None) -> int:
    if argument is not None and in_url is not None and argument != in_url:
        raise ConfigurationError(
            f"lanes is {argument}, but {in_url} in the URL of the Redis Cluster.",
            "Drop one of them.",
        )
    return next((each for each in (argument, in_url) if each is not None), DEFAULT_LANES)
