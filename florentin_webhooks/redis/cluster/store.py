"""The store in a Redis Cluster: its lanes as one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar, cast
from weakref import WeakKeyDictionary

from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.core.stores.accept import Accept
from florentin_webhooks.core.stores.queries import GetRecord
from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.redis.addresses import unavailable_at
from florentin_webhooks.redis.clients import TIMEOUTS, RedisError, validate_server
from florentin_webhooks.redis.cluster.address import parse_cluster
from florentin_webhooks.redis.cluster.asyncio_transport import AsyncioTransport
from florentin_webhooks.redis.cluster.follower import Follower
from florentin_webhooks.redis.cluster.lane_client import RQ_PREFIX, LaneClient, create_lane_client
from florentin_webhooks.redis.cluster.lane_store import LaneStore
from florentin_webhooks.redis.cluster.lanes import (
    DEFAULT_LANES,
    choose_lane,
    create_lanes,
    create_marker,
    validate_lanes,
)
from florentin_webhooks.redis.cluster.memo import LaneMemo
from florentin_webhooks.redis.cluster.routing import MERGES, find_digest, fixed_digest
from florentin_webhooks.redis.cluster.sync_transport import SyncTransport
from florentin_webhooks.redis.cluster.topology import Topology
from florentin_webhooks.redis.codec.encode import encode
from florentin_webhooks.redis.codec.follow_up import FollowUp
from florentin_webhooks.redis.schema import ScriptCall, load_script
from florentin_webhooks.redis.store import RedisStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    import redis

    from florentin_webhooks.core.stores.base import Operation, PendingAnswer
    from florentin_webhooks.redis.cluster.address import ClusterAddress
    from florentin_webhooks.redis.cluster.lanes import Lane
    from florentin_webhooks.redis.inspection import ServerFacts

__all__ = ["ClusterStore"]

A = TypeVar("A")
_UNKNOWN = bytes(16)
_COUNT_WAITING = load_script("count_waiting")
_CHECK_LANES = load_script("check_lanes")


class _Sender(Protocol):
    """What sends calls, to one lane or to several at once."""

    async def run(self, lane: Lane, call: ScriptCall) -> object: ...

    async def run_all(self, calls: Sequence[tuple[Lane, ScriptCall]]) -> list[object]: ...


class ClusterStore(RedisStore):
    """What :class:`RedisStore` is for the URL or a client of a Redis Cluster.

    Each delivery belongs to one of its lanes, with all of its keys, its queue and its jobs. An
    operation on a delivery is one round trip to the node of its lane; those that name no delivery,
    or one that this process does not know, ask all nodes at once.
    """

    is_cluster = True

    def _connect(self, server: Any, lanes: int | None) -> None:
        if self._schema.replicas:
            raise ConfigurationError(
                f"replicas is {self._schema.replicas}, but the store is in a Redis Cluster.",
                "Drop it, and set min-replicas-to-write 1 on each node.",
            )
        self._address = parse_cluster(server)
        validate_server(self._address.url(self._address.nodes[0]))
        self._count = _choose_count(lanes, self._address.lanes)
        validate_lanes(self._count, self._schema.prefix.decode())
        self._lanes = create_lanes(self._schema, self._count)
        self._marker = create_marker(self._schema)
        self._check = ScriptCall(_CHECK_LANES, (self._marker.tag,), (self._count,), int)
        self._is_checked = False
        self._topology = Topology(self._address.nodes)
        self._transport = SyncTransport(self._address)
        self._sender = _SyncSender(self._topology, self._transport)
        self._memo = LaneMemo()
        self._asking: tuple[redis.Redis, ...] = ()
        self._senders: WeakKeyDictionary[asyncio.AbstractEventLoop, _AsyncioSender] = (
            WeakKeyDictionary()
        )

    def extend_retention(self, least: timedelta) -> None:
        """Remember finished deliveries for *least*, unless ``retention`` was set."""
        super().extend_retention(least)
        self._lanes = create_lanes(self._schema, self._count)

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Its lanes."""
        return self._lanes

    @property
    def address(self) -> str:
        """Address of the cluster, without user and password."""
        return str(self._address)

    def execute(self, operation: Operation[A]) -> A:
        """Execute *operation*; raises :class:`Unavailable` without an answer in time."""
        return run_sync(self._run(self._sender, operation))

    async def aexecute(self, operation: Operation[A]) -> A:
        """Execute *operation*, in one round trip with all others pending for its node."""
        return await self._run(self._loop_sender(), operation)

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
        sender = self._senders.pop(asyncio.get_running_loop(), None)
        if sender is not None:
            await sender.transport.aclose()

    def queue_clients(self, longest: float | None = None) -> tuple[redis.Redis, ...]:
        """Return a new synchronous client of each lane, on which RQ's keys begin with its tag.

        With *longest* each waits at most that many seconds for an answer.
        """
        follower = self._sender.follower
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

    def probe(self) -> None:
        """Raise :class:`Unavailable` if no lane answers; while one does, it accepts."""
        calls = [(lane, encode(lane.schema, GetRecord(_UNKNOWN))) for lane in self._lanes]
        answers = run_sync(self._sender.run_each(calls))
        failed = [each for each in answers if isinstance(each, Unavailable)]
        if len(failed) == len(answers):
            raise failed[0]

    def count_waiting(self, queue: str, numbers: Sequence[int]) -> list[int | None]:
        """Return how many jobs wait in *queue* in the lanes *numbers*, None where none answers."""
        lanes = [self._lanes[number] for number in numbers]
        key = f"{RQ_PREFIX}queue:{queue}"
        calls = [(lane, ScriptCall(_COUNT_WAITING, (lane.tag + key,), (), int)) for lane in lanes]
        answers = run_sync(self._sender.run_each(calls))
        return [None if isinstance(each, Unavailable) else cast("int", each) for each in answers]

    def inspect(self) -> ServerFacts:
        """Return what the first of its nodes says about itself."""
        return self.inspect_all()[0]

    def inspect_all(self) -> tuple[ServerFacts, ...]:
        """Return what each node that owns a lane says about itself.

        The caller reports it, so the log of a synchronous program does not.
        """
        self._transport.skip_check()
        slots = {lane.slot: lane for lane in self._lanes}
        try:
            owners = run_sync(self._sender.follower.find_owners(slots))
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
        return LaneStore.over(self, self._lanes[client.lane], client)

    async def _run(self, sender: _Sender, operation: Operation[A]) -> A:
        if not self._is_checked:
            await self._check_lanes(sender)
        merge = MERGES.get(type(operation))
        if merge is not None:
            return cast("A", merge(operation, await self._ask_all(sender, operation)))
        lane = self._known_lane(operation)
        if lane is None:
            lane = await self._find_lane(sender, _key_of(operation))
        first = await sender.run(lane, encode(lane.schema, operation))
        answer = await self._follow_up(sender, lane, first, operation)
        if isinstance(operation, Accept):
            self._memo.add(answer.key, lane)
        return cast("A", answer)

    async def _check_lanes(self, sender: _Sender) -> None:
        """Raise :class:`Unavailable` if the store was created with another number of lanes.

        Its deliveries would be searched for, and not found, in other lanes.
        """
        try:
            created = await sender.run(self._marker, self._check)
        except Unavailable:
            return  # Its node is away: other lanes may answer.
        if created != self._count:
            raise Unavailable(
                f"lanes is {self._count}, but the store in the Redis Cluster has {created}.",
                f"Pass lanes={created}, or delete the key {self._marker.tag} once it is empty.",
            )
        self._is_checked = True

    async def _ask_all(self, sender: _Sender, operation: Operation[Any]) -> list[Any]:
        """Return the answers of all lanes, in their order."""
        calls = [(lane, encode(lane.schema, operation)) for lane in self._lanes]
        answers = zip(self._lanes, await sender.run_all(calls), strict=True)
        return [await self._follow_up(sender, *each, operation) for each in answers]

    @staticmethod
    async def _follow_up(
        sender: _Sender, lane: Lane, answer: Any, operation: Operation[Any]
    ) -> Any:
        """Return *answer*, or that of the calls which it asks for."""
        while isinstance(answer, FollowUp):
            follow_up = answer
            try:
                answer = await sender.run(lane, follow_up.encode(lane.schema, operation))
            except Unavailable:
                if follow_up.answer is None:
                    raise
                answer = follow_up.answer
        return answer

    def _known_lane(self, operation: Operation[Any]) -> Lane | None:
        """Return the lane of *operation*, None where only a fingerprint is known."""
        if isinstance(operation, Accept):
            digest = find_digest(operation)
        else:
            digest = fixed_digest(operation)
        if digest is not None:
            return choose_lane(self._lanes, digest)
        return self._memo.get(_key_of(operation))

    async def _find_lane(self, sender: _Sender, key: bytes) -> Lane:
        """Return the lane that has a record under *key*; any where none has."""
        lanes = self._lanes
        found = zip(lanes, await self._ask_all(sender, GetRecord(key)), strict=True)
        lane = next((lane for lane, record in found if record), None) or choose_lane(lanes, key)
        self._memo.add(key, lane)
        return lane

    def _loop_sender(self) -> _AsyncioSender:
        loop = asyncio.get_running_loop()
        sender = self._senders.get(loop)
        if sender is None:
            for each in [each for each in self._senders if each.is_closed()]:
                del self._senders[each]
            sender = self._senders[loop] = _AsyncioSender(self._topology, self._address)
        return sender


class _SyncSender:
    def __init__(self, topology: Topology, transport: SyncTransport) -> None:
        self.follower = Follower(topology, transport)
        self._transport = transport

    async def run(self, lane: Lane, call: ScriptCall) -> object:
        return await self.follower.run(lane.slot, call)

    async def run_all(self, calls: Sequence[tuple[Lane, ScriptCall]]) -> list[object]:
        """Return the answers in the order of *calls*, in one round trip to each node."""
        answers = await self.run_each(calls)
        for answer in answers:
            if isinstance(answer, Unavailable):
                raise answer
        return answers

    async def run_each(self, calls: Sequence[tuple[Lane, ScriptCall]]) -> list[object]:
        """Do the same, with an :class:`Unavailable` in the place of an answer that is missing."""
        answers: dict[int, object] = {}
        owners = await self.follower.find_owners([lane.slot for lane, _ in calls])
        for node in dict.fromkeys(owners):
            positions = [n for n, owner in enumerate(owners) if owner == node]
            if self.follower.is_resting(node):
                continue
            sent = self._transport.send_all(node, [calls[n][1] for n in positions])
            await self.follower.note_failure(node, sent[0])
            answers.update(zip(positions, sent, strict=True))
        return [
            answers[n]
            if n in answers and not isinstance(answers[n], Exception)
            else await self._try(*call)
            for n, call in enumerate(calls)
        ]

    async def _try(self, lane: Lane, call: ScriptCall) -> object:
        try:
            return await self.run(lane, call)
        except Unavailable as error:
            return error


class _AsyncioSender:
    def __init__(self, topology: Topology, address: ClusterAddress) -> None:
        self.transport = AsyncioTransport(address)
        self._follower = Follower(topology, self.transport)

    async def run(self, lane: Lane, call: ScriptCall) -> object:
        return await self._follower.run(lane.slot, call)

    async def run_all(self, calls: Sequence[tuple[Lane, ScriptCall]]) -> list[object]:
        return await asyncio.gather(*(self.run(*call) for call in calls))


def _key_of(operation: Any) -> bytes:  # Any: an operation on one delivery.
    if not hasattr(operation, "key"):
        raise ConfigurationError(
            f"RedisStore does not support {type(operation).__name__}.", "Use another store."
        )
    return cast("bytes", operation.key)


def _choose_count(argument: int | None, in_url: int | None) -> int:
    if argument is not None and in_url is not None and argument != in_url:
        raise ConfigurationError(
            f"lanes is {argument}, but {in_url} in the URL of the Redis Cluster.",
            "Drop one of them.",
        )
    return next((each for each in (argument, in_url) if each is not None), DEFAULT_LANES)
