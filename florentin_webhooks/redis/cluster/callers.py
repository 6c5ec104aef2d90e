"""What calls lanes, one or all at once, in synchronous and in asyncio programs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.cluster.follower import Follower

if TYPE_CHECKING:
    from florentin_webhooks.redis.cluster.asyncio_transport import AsyncioTransport
    from florentin_webhooks.redis.cluster.lanes import Lane
    from florentin_webhooks.redis.cluster.sync_transport import SyncTransport
    from florentin_webhooks.redis.cluster.topology import Topology
    from florentin_webhooks.redis.schema import ScriptCall

__all__ = ["AsyncioCaller", "Caller", "SyncCaller"]


class Caller(Protocol):
    """What sends calls, to one lane or to several at once."""

    async def run(self, lane: Lane, call: ScriptCall) -> object:
        """Return the decoded answer of *lane*; raises :class:`Unavailable`."""
        ...

    async def run_all(self, calls: Sequence[tuple[Lane, ScriptCall]]) -> list[object]:
        """Return the decoded answers in the order of *calls*."""
        ...


class SyncCaller:
    """Caller over *transport*; none of its calls suspends."""

    def __init__(self, topology: Topology, transport: SyncTransport) -> None:
        self.follower = Follower(topology, transport)
        self._transport = transport

    async def run(self, lane: Lane, call: ScriptCall) -> object:
        """Return the decoded answer of *lane*; raises :class:`Unavailable`."""
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


class AsyncioCaller:
    """Caller over *transport*, of the event loop that runs."""

    def __init__(self, topology: Topology, transport: AsyncioTransport) -> None:
        self.transport = transport
        self._follower = Follower(topology, transport)

    async def run(self, lane: Lane, call: ScriptCall) -> object:
        """Return the decoded answer of *lane*; raises :class:`Unavailable`."""
        return await self._follower.run(lane.slot, call)

    async def run_all(self, calls: Sequence[tuple[Lane, ScriptCall]]) -> list[object]:
        """Return the answers in the order of *calls*; those for one node leave together."""
        return await asyncio.gather(*(self.run(*call) for call in calls))
