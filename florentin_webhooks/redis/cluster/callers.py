"""What calls lanes, one or all at once, in synchronous and in asyncio programs.

A record of what handlers have done that its node has not confirmed is sent again in the background,
to the owner of its lane by then: without it another run would repeat them. So a store does that
waits for replicas; without them a fail-over may lose it in any case.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from contextvars import Context
from threading import BoundedSemaphore, Thread
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.cluster.follower import Follower
from florentin_webhooks.redis.executors.replicas import PATIENCE

if TYPE_CHECKING:
    from florentin_webhooks.redis.cluster.asyncio_transport import AsyncioTransport
    from florentin_webhooks.redis.cluster.follower import Transport
    from florentin_webhooks.redis.cluster.lanes import Lane
    from florentin_webhooks.redis.cluster.sync_transport import SyncTransport
    from florentin_webhooks.redis.cluster.topology import Topology
    from florentin_webhooks.redis.schema import ScriptCall

__all__ = ["AsyncioCaller", "Caller", "SyncCaller"]

_MOST_THREADS = 32
_PAUSE = 0.3
"""Seconds between two attempts to record what handlers have done."""


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
        self._threads = BoundedSemaphore(_MOST_THREADS)

    async def run(self, lane: Lane, call: ScriptCall) -> object:
        """Return the decoded answer of *lane*; raises :class:`Unavailable`."""
        try:
            return await self.follower.run(lane.slot, call)
        except Unavailable as error:
            if _must_arrive(call) and self._threads.acquire(blocking=False):
                Thread(target=self._record, args=(lane, call), daemon=True).start()
                error.may_pass = False  # It is being sent again.
            raise

    def _record(self, lane: Lane, call: ScriptCall) -> None:
        try:
            run_sync(_repeat(self.follower, self._transport, lane, call))
        finally:
            self._threads.release()

    async def run_all(self, calls: Sequence[tuple[Lane, ScriptCall]]) -> list[object]:
        """Return the answers in the order of *calls*, in one round trip to each node."""
        answers = await self.run_each(calls)
        for answer in answers:
            if isinstance(answer, Unavailable):
                raise answer
        return answers

    async def run_each(self, calls: Sequence[tuple[Lane, ScriptCall]]) -> list[object]:
        """Return the answers in the order of *calls*; :class:`Unavailable` for a missing one."""
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
        self._transport = transport
        self._follower = Follower(topology, transport)
        self._records: set[asyncio.Task[None]] = set()

    async def run(self, lane: Lane, call: ScriptCall) -> object:
        """Return the decoded answer of *lane*; raises :class:`Unavailable`."""
        try:
            return await self._follower.run(lane.slot, call)
        except Unavailable as error:
            if _must_arrive(call):
                self._record_later(lane, call)
                error.may_pass = False  # It is being sent again.
            raise

    def _record_later(self, lane: Lane, call: ScriptCall) -> None:
        work = _repeat(self._follower, self._transport, lane, call)
        # Without the context of the request that waits for it no more.
        task = asyncio.get_running_loop().create_task(work, context=Context())
        self._records.add(task)
        task.add_done_callback(self._records.discard)

    async def aclose(self) -> None:
        """Close all connections; records that did not arrive by now do not."""
        for task in tuple(self._records):
            task.cancel()
        await self._transport.aclose()

    async def run_all(self, calls: Sequence[tuple[Lane, ScriptCall]]) -> list[object]:
        """Return the answers in the order of *calls*; those for one node leave together."""
        return await asyncio.gather(*(self.run(*call) for call in calls))


def _must_arrive(call: ScriptCall) -> bool:
    return call.is_record and call.replicas > 0


async def _repeat(follower: Follower, transport: Transport, lane: Lane, call: ScriptCall) -> None:
    """Send *call* to the owner of *lane*, again and again, until it has arrived or time is over."""
    end = monotonic() + PATIENCE
    while monotonic() < end:
        await transport.pause(_PAUSE)
        with suppress(Unavailable):
            await follower.run(lane.slot, call)
            return
