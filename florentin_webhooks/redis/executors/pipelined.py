"""Carry out calls from an asyncio program, many of them in one round trip.

What waits while a round trip is under way leaves together in the next one. So the cost of a call
falls as load rises, a burst needs one connection and cannot exhaust a pool, and the round trip
runs in a task of its own, which nobody who is cancelled takes along. The end of the event loop
cancels that task as well; it then sends once more what was under way, since a lease that is not
given back keeps everybody waiting.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from redis.exceptions import NoScriptError, RedisError

from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.clients import BOUNDS, unavailable
from florentin_webhooks.redis.durability import check_durability
from florentin_webhooks.redis.executors.resp import round_trip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.redis.clients import AsyncioClient
    from florentin_webhooks.redis.schema import ScriptCall

__all__ = ["PipelinedExecutor"]

MAX_BATCH = 128
"""The most calls of one round trip: about 10 ms of a server's time."""

GROUP_BYTES = 2 << 20
"""About how much they may hold: as much time, where bodies are large."""


class _Waiting(NamedTuple):
    call: ScriptCall
    answer: asyncio.Future[object]
    since: float


class PipelinedExecutor:
    """Send calls through *client*, within the event loop in which it was made."""

    def __init__(self, client: AsyncioClient) -> None:
        self._client = client
        self._waiting: deque[_Waiting] = deque()
        self._sender: asyncio.Task[None] | None = None
        self._looked = False

    async def run(self, call: ScriptCall) -> object:
        """Give the answer; raises :class:`Unavailable` where there was none in time."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(call, loop.create_future(), loop.time())
        self._waiting.append(waiting)
        if self._sender is None or self._sender.done():  # Cancelled before it took a step.
            self._sender = loop.create_task(self._send_all())
        return call.read(await waiting.answer)

    async def aclose(self) -> None:
        """Close the connection once everything that waits has been sent."""
        while self._sender is not None and not self._sender.done():
            await asyncio.wait({self._sender})
        await self._client.aclose()

    async def _send_all(self) -> None:
        group: list[_Waiting] = []
        reason = "an error that is no error of Redis"
        try:
            while self._waiting:
                group = self._next_group()
                try:
                    answers = await self._round_trip([each.call for each in group])
                except asyncio.CancelledError:
                    self._waiting.extendleft(reversed(group))
                    continue
                _settle(group, answers)
                await self._look_once()
        except (RedisError, OSError) as error:
            reason = str(unavailable(error))
        finally:
            # Whoever waits behind a server that does not answer is told at once as well.
            for waiting in (*group, *self._waiting):
                if not waiting.answer.done():
                    waiting.answer.set_exception(Unavailable(reason))
            self._waiting.clear()
            self._sender = None

    def _next_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        size, oldest = 0, asyncio.get_running_loop().time() - BOUNDS.queue
        while self._waiting and len(group) < MAX_BATCH and size < GROUP_BYTES:
            waiting = self._waiting.popleft()
            # Where the caller was cancelled, or handlers have run, the operation still counts.
            if waiting.since < oldest and waiting.call.may_fail and not waiting.answer.done():
                waiting.answer.set_exception(Unavailable("too many deliveries wait for Redis"))
            else:
                group.append(waiting)
                size += waiting.call.size
        return group

    async def _round_trip(self, calls: Sequence[ScriptCall]) -> list[object]:
        pool = self._client.connection_pool
        answers = await round_trip(pool, [call.evalsha() for call in calls])
        unknown = [at for at, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            again = await round_trip(pool, [calls[at].eval() for at in unknown])
            for at, answer in zip(unknown, again, strict=True):
                answers[at] = answer
        return answers

    async def _look_once(self) -> None:
        if self._looked:
            return
        self._looked = True
        try:
            async with asyncio.timeout(BOUNDS.socket):
                check_durability(await self._client.info())
        except (RedisError, OSError):  # A TimeoutError is one.
            check_durability(None)
        except asyncio.CancelledError:
            pass  # The event loop ends; what waits has yet to be sent.


def _settle(group: Sequence[_Waiting], answers: Sequence[object]) -> None:
    for waiting, answer in zip(group, answers, strict=True):
        if waiting.answer.done():
            continue
        if isinstance(answer, RedisError):
            waiting.answer.set_exception(unavailable(answer))
        else:
            waiting.answer.set_result(answer)
