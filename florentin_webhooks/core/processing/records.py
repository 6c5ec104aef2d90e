"""Record how inline handlers ended without waiting: the next handler runs until the answer comes.

Each record is written to the connection before the next handler starts, so a process that is killed
repeats only the handler that was running. And a handler starts only within a lease that the store
has confirmed for all of its time, so no other process can take the delivery over meanwhile.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.base import PipeliningStore, SendingStore, State
from florentin_webhooks.errors import Unavailable

if TYPE_CHECKING:
    from florentin_webhooks.core.processing.lease import Lease
    from florentin_webhooks.core.stores.accept import Finish
    from florentin_webhooks.core.stores.base import PendingAnswer, Pipeline

__all__ = ["PendingRecords"]


class PendingRecords:
    """The records of a run under *lease* that were sent by *sender*, in order."""

    def __init__(
        self, lease: Lease, sender: SendingStore, pipeline: Pipeline | None = None
    ) -> None:
        self._lease = lease
        self._sender = sender
        self._pipeline = pipeline
        self._pending: deque[tuple[float, Finish, PendingAnswer[State]]] = deque()
        self._lease_ends_at = lease.claimed_at + lease.seconds
        self._state = State.RUNNING

    @classmethod
    def of(cls, lease: Lease) -> PendingRecords | None:
        """Return those of *lease*, or None where each record has to be awaited."""
        store = lease.store
        # Where each is immediate, none is pending; and to look for a protocol takes 7 us.
        if lease.part is not None or getattr(store, "is_immediate", False):
            return None
        if lease.runtime.is_blocking:
            pipeline = store.open_pipeline() if isinstance(store, PipeliningStore) else None
            return None if pipeline is None else cls(lease, pipeline, pipeline)
        return cls(lease, store) if isinstance(store, SendingStore) else None

    def close(self) -> None:
        """End the pipeline of a synchronous program."""
        if self._pipeline is not None:
            self._pipeline.close()

    async def add(self, finish: Finish, seconds: float) -> State:
        """Send *finish*, and return whether the next handler may run for *seconds*.

        LOST and DONE: it may not, since another run has the lease, or has finished them all.
        Waits only where no confirmed lease lasts as long. A record that is known to be missing is
        sent again, for some seconds; then raises :class:`Unavailable`.
        """
        sent_at = time.monotonic()
        try:
            self._pending.append((sent_at, finish, await self._sender.asend(finish)))
        except Unavailable as error:
            await self.settle()
            await self._repeat(finish, error)
        while self._pending and (self._pending[0][2].done() or not self._covers(seconds)):
            await self._settle_oldest()
        return self._state

    async def settle(self) -> State:
        """Wait for all answers; return the state LOST if another run has the lease."""
        while self._pending:
            await self._settle_oldest()
        return self._state

    def _covers(self, seconds: float) -> bool:
        return time.monotonic() + seconds <= self._lease_ends_at

    async def _settle_oldest(self) -> None:
        sent_at, finish, answer = self._pending[0]
        try:
            self._keep(sent_at, await answer)
        except Unavailable as error:
            await self._repeat(finish, error)
        self._pending.popleft()

    async def _repeat(self, finish: Finish, error: Unavailable) -> None:
        self._keep(time.monotonic(), await self._lease.repeat(finish, error))

    def _keep(self, sent_at: float, state: State) -> None:
        if state in (State.LOST, State.DONE):
            self._state = state
        self._lease_ends_at = sent_at + self._lease.seconds
