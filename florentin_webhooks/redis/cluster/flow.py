"""The way of an operation to its lane, or to all of them: one flow for both kinds of programs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from florentin_webhooks.core.stores.accept import Accept
from florentin_webhooks.core.stores.queries import GetRecord
from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.redis.cluster.lanes import choose_lane, create_lanes, create_marker
from florentin_webhooks.redis.cluster.memo import LaneMemo
from florentin_webhooks.redis.cluster.routing import MERGES, find_digest, fixed_digest
from florentin_webhooks.redis.codec.encode import encode
from florentin_webhooks.redis.codec.follow_up import follow_up
from florentin_webhooks.redis.schema import ScriptCall, load_script

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.base import Operation
    from florentin_webhooks.redis.cluster.callers import Caller
    from florentin_webhooks.redis.cluster.lanes import Lane
    from florentin_webhooks.redis.schema import KeySchema

__all__ = ["LaneFlow"]

A = TypeVar("A")
_CHECK_LANES = load_script("check_lanes")


class LaneFlow:
    """The way of operations to *lanes*, which are those of a store with *schema*."""

    def __init__(self, schema: KeySchema, count: int) -> None:
        self.lanes = create_lanes(schema, count)
        self._memo = LaneMemo()
        self._marker = create_marker(schema)
        self._check = ScriptCall(_CHECK_LANES, (self._marker.tag,), (count,), int)
        self._is_checked = False

    async def run(self, caller: Caller, operation: Operation[A]) -> A:
        """Return the answer of *operation*, by way of *caller*; raises :class:`Unavailable`."""
        if not self._is_checked:
            await self._check_lanes(caller)
        merge = MERGES.get(type(operation))
        if merge is not None:
            return cast("A", merge(operation, await self._ask_all(caller, operation)))
        lane = self._known_lane(operation)
        if lane is None:
            lane = await self._find_lane(caller, _key_of(operation))
        first = await caller.run(lane, encode(lane.schema, operation))
        answer: Any = await follow_up(first, operation, lane.schema, partial(caller.run, lane))
        if isinstance(operation, Accept):
            self._memo.add(answer.key, lane)
        return cast("A", answer)

    async def _check_lanes(self, caller: Caller) -> None:
        """Raise :class:`Unavailable` if the store was created with another number of lanes.

        Its deliveries would be searched for, and not found, in other lanes.
        """
        try:
            created = await caller.run(self._marker, self._check)
        except Unavailable:
            return  # Its node is away: other lanes may answer.
        if created != len(self.lanes):
            raise Unavailable(
                f"lanes is {len(self.lanes)}, but the store in the Redis Cluster has {created}.",
                f"Pass lanes={created}, or delete the key {self._marker.tag} once it is empty.",
            )
        self._is_checked = True

    async def _ask_all(self, caller: Caller, operation: Operation[Any]) -> list[Any]:
        """Return the answers of all lanes, in their order."""
        calls = [(lane, encode(lane.schema, operation)) for lane in self.lanes]
        answers = zip(self.lanes, await caller.run_all(calls), strict=True)
        return [
            await follow_up(answer, operation, lane.schema, partial(caller.run, lane))
            for lane, answer in answers
        ]

    def _known_lane(self, operation: Operation[Any]) -> Lane | None:
        """Return the lane of *operation*, None where only a fingerprint is known."""
        if isinstance(operation, Accept):
            digest = find_digest(operation)
        else:
            digest = fixed_digest(operation)
        if digest is not None:
            return choose_lane(self.lanes, digest)
        return self._memo.get(_key_of(operation))

    async def _find_lane(self, caller: Caller, key: bytes) -> Lane:
        """Return the lane that has a record under *key*; any where none has."""
        lanes = self.lanes
        found = zip(lanes, await self._ask_all(caller, GetRecord(key)), strict=True)
        lane = next((lane for lane, record in found if record), None)
        if lane is None:  # Not remembered: another process may accept it into another lane.
            return choose_lane(lanes, key)
        self._memo.add(key, lane)
        return lane


def _key_of(operation: Any) -> bytes:  # Any: an operation on one delivery.
    if not hasattr(operation, "key"):
        raise ConfigurationError(
            f"RedisStore does not support {type(operation).__name__}.", "Use another store."
        )
    return cast("bytes", operation.key)
