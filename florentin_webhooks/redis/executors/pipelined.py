"""Execute script calls from asyncio programs, many of them in one round trip.

Calls that arrive during a round trip leave together in the next one. So the cost of a call falls
as load rises, a burst needs one connection and cannot exhaust a pool, and the round trip runs in a
task of its own, which the cancellation of a caller does not reach. The end of the event loop
cancels that task as well; it then sends the current batch once more, since a lease that is not
released blocks the delivery until it expires. After that the connection is closed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from redis.exceptions import NoScriptError, RedisError

from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.addresses import to_unavailable
from florentin_webhooks.redis.clients import TIMEOUTS
from florentin_webhooks.redis.durability import check_durability
from florentin_webhooks.redis.executors.resp import round_trip
from florentin_webhooks.redis.refusals import is_wrong_server

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from florentin_webhooks.redis.protocols import AsyncioClient
    from florentin_webhooks.redis.schema import ScriptCall

__all__ = ["PipelinedExecutor"]

MAX_BATCH = 128
"""The most calls of one round trip: about 10 ms of a server's time."""

MAX_BATCH_BYTES = 2 << 20
"""The size at which a batch is full: as much of a server's time, with large bodies."""


class _PendingCall(NamedTuple):
    call: ScriptCall
    answer: asyncio.Future[object]
    since: float


class PipelinedExecutor:
    """Executor over *client*, for the event loop in which it was created."""

    def __init__(self, client: AsyncioClient, *, closes_with_loop: bool = False) -> None:
        self._client = client
        self._closer = self._close_at_end() if closes_with_loop else None
        self._watched = False
        self._pending: deque[_PendingCall] = deque()
        self._sender: asyncio.Task[None] | None = None
        self._checked = False

    async def run(self, call: ScriptCall) -> object:
        """Return the decoded answer; raises :class:`Unavailable` without one in time."""
        loop = asyncio.get_running_loop()
        if self._closer is not None and not self._watched:
            self._watched = True
            await anext(self._closer)  # From here on the loop knows it.
        pending = _PendingCall(call, loop.create_future(), loop.time())
        self._pending.append(pending)
        if self._sender is None or self._sender.done():  # Cancelled before its first step.
            self._sender = loop.create_task(self._send_all())
        return call.read(await pending.answer)

    async def aclose(self) -> None:
        """Close the connection after all pending calls are sent."""
        if self._closer is not None and self._watched:
            await self._closer.aclose()
        else:
            await self._close()

    async def _close_at_end(self) -> AsyncGenerator[None]:
        """Close the connection with its event loop.

        asyncio.run, and all that ends a loop as it does, closes the generators of the loop.
        """
        try:
            yield
        finally:
            await self._close()

    async def _close(self) -> None:
        while self._sender is not None and not self._sender.done():
            await asyncio.wait({self._sender})
        await self._client.aclose()

    async def _send_all(self) -> None:
        batch: list[_PendingCall] = []
        error: Exception | None = None
        try:
            while self._pending:
                batch = self._next_batch()
                try:
                    answers = await self._round_trip([each.call for each in batch])
                except asyncio.CancelledError:
                    self._pending.extendleft(reversed(batch))
                    continue
                self._resolve(batch, answers)
                await self._check_once()
        except (RedisError, OSError) as caught:
            error = caught
        finally:
            # Callers behind a server that does not answer fail at once as well.
            for pending in (*batch, *self._pending):
                if not pending.answer.done():
                    pending.answer.set_exception(self._to_failure(error))
            self._pending.clear()
            self._sender = None

    def _next_batch(self) -> list[_PendingCall]:
        batch: list[_PendingCall] = []
        size, oldest = 0, asyncio.get_running_loop().time() - TIMEOUTS.queue
        while self._pending and len(batch) < MAX_BATCH and size < MAX_BATCH_BYTES:
            pending = self._pending.popleft()
            # After a cancellation, or when handlers have run, the operation still counts.
            if pending.since < oldest and pending.call.may_fail and not pending.answer.done():
                pending.answer.set_exception(_overload())
            else:
                batch.append(pending)
                size += pending.call.size
        return batch

    async def _round_trip(self, calls: Sequence[ScriptCall]) -> list[object]:
        answers = await self._send(calls)
        refused = [at for at, answer in enumerate(answers) if _is_refused(answer)]
        if refused:
            # A fail-over has left this connection at a replica.
            await self._client.connection_pool.disconnect(inuse_connections=False)
            with suppress(RedisError, OSError):  # The other calls have their answers.
                again = await self._send([calls[at] for at in refused])
                for at, answer in zip(refused, again, strict=True):
                    answers[at] = answer
        return answers

    async def _send(self, calls: Sequence[ScriptCall]) -> list[object]:
        pool = self._client.connection_pool
        answers = await round_trip(pool, [call.evalsha() for call in calls])
        unknown = [at for at, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            again = await round_trip(pool, [calls[at].eval() for at in unknown])
            for at, answer in zip(unknown, again, strict=True):
                answers[at] = answer
        return answers

    def _resolve(self, batch: Sequence[_PendingCall], answers: Sequence[object]) -> None:
        for pending, answer in zip(batch, answers, strict=True):
            if pending.answer.done():
                continue
            if isinstance(answer, RedisError):
                pending.answer.set_exception(self._to_failure(answer))
            else:
                pending.answer.set_result(answer)

    def _to_failure(self, error: Exception | None) -> Unavailable:
        if error is None:
            return Unavailable("The task that sends commands to Redis failed unexpectedly.")
        return to_unavailable(error, self._client.connection_pool)

    async def _check_once(self) -> None:
        if self._checked:
            return
        self._checked = True
        try:
            async with asyncio.timeout(TIMEOUTS.socket):
                check_durability(await self._client.info())
        except (RedisError, OSError):  # A TimeoutError is an OSError.
            check_durability(None)
        except asyncio.CancelledError:
            pass  # The event loop ends; pending calls have yet to be sent.


def _is_refused(answer: object) -> bool:
    return isinstance(answer, RedisError) and is_wrong_server(answer)


def _overload() -> Unavailable:
    return Unavailable("Too many deliveries wait for Redis.")
