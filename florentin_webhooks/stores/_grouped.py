"""Carry out calls from an asyncio program, many of them in one round trip.

What waits while a round trip is under way leaves together in the next one. So the cost of a call
falls as load rises, a burst needs one connection and cannot exhaust a pool, and the round trip
runs in a task of its own, which nobody who is cancelled takes along.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from redis.exceptions import NoScriptError, RedisError

from florentin_webhooks.errors import Unavailable
from florentin_webhooks.stores._clients import BOUNDS, unavailable
from florentin_webhooks.stores._durability import warn_about

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.stores._clients import AsyncioClient
    from florentin_webhooks.stores._scripts import Call, Words

__all__ = ["GroupedExecutor"]

GROUP = 128
"""The most calls of one round trip: about 10 ms of a server's time."""


class _Waiting(NamedTuple):
    call: Call
    answer: asyncio.Future[object]
    since: float


class GroupedExecutor:
    """Send calls through *client*, within the event loop in which it was made."""

    def __init__(self, client: AsyncioClient) -> None:
        self._client = client
        self._waiting: deque[_Waiting] = deque()
        self._sender: asyncio.Task[None] | None = None
        self._looked = False

    async def run(self, call: Call) -> object:
        """Give the answer; raises :class:`Unavailable` where there was none in time."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(call, loop.create_future(), loop.time())
        self._waiting.append(waiting)
        if self._sender is None:
            self._sender = loop.create_task(self._send_all())
        return call.read(await waiting.answer)

    async def aclose(self) -> None:
        """Close the connection once everything that waits has been sent."""
        while self._sender is not None:
            await asyncio.wait({self._sender})
        await self._client.aclose()

    async def _send_all(self) -> None:
        group: list[_Waiting] = []
        reason = "the event loop is shutting down"
        try:
            while self._waiting:
                group = self._next_group()
                _settle(group, await self._round_trip([each.call for each in group]))
                await self._look_once()
        except RedisError as error:
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
        oldest = asyncio.get_running_loop().time() - BOUNDS.queue
        while self._waiting and len(group) < GROUP:
            waiting = self._waiting.popleft()
            if waiting.answer.done():
                group.append(waiting)  # Its caller was cancelled; the operation still counts.
            elif waiting.since < oldest:
                waiting.answer.set_exception(Unavailable("too many deliveries wait for Redis"))
            else:
                group.append(waiting)
        return group

    async def _round_trip(self, calls: Sequence[Call]) -> list[object]:
        answers = await self._pipeline([call.command() for call in calls])
        unknown = [at for at, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            again = await self._pipeline([calls[at].full_command() for at in unknown])
            for at, answer in zip(unknown, again, strict=True):
                answers[at] = answer
        return answers

    async def _pipeline(self, commands: Sequence[Words]) -> list[object]:
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        return await pipeline.execute(raise_on_error=False)

    async def _look_once(self) -> None:
        if self._looked:
            return
        self._looked = True
        try:
            warn_about(await self._client.info())
        except RedisError:
            warn_about(None)


def _settle(group: Sequence[_Waiting], answers: Sequence[object]) -> None:
    for waiting, answer in zip(group, answers, strict=True):
        if waiting.answer.done():
            continue
        if isinstance(answer, RedisError):
            waiting.answer.set_exception(unavailable(answer))
        else:
            waiting.answer.set_result(answer)
