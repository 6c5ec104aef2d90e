"""Execute script calls from asyncio programs over one connection, many of them in flight.

Calls of one turn of the event loop leave together, without waiting for the answers to those before.
So a burst needs one connection, and the cancellation of a caller only ends its waiting. The end of
the event loop closes the connection after all that is pending: a lease that is not released blocks
its delivery until it expires.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.addresses import to_unavailable
from florentin_webhooks.redis.clients import TIMEOUTS
from florentin_webhooks.redis.executors.calls import CallQueue, PendingAnswer, PendingCall
from florentin_webhooks.redis.executors.deadline import AnswerDeadline, timeout_of
from florentin_webhooks.redis.executors.link import Link, open_link
from florentin_webhooks.redis.executors.loop_end import LoopEnd
from florentin_webhooks.redis.executors.resp import encode_command
from florentin_webhooks.redis.failures import UnfitServerError
from florentin_webhooks.redis.refusals import is_wrong_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.redis.durability import ServerCheck
    from florentin_webhooks.redis.executors.calls import PackedCall
    from florentin_webhooks.redis.protocols import AsyncioClient, Pool
    from florentin_webhooks.redis.schema import ScriptCall

__all__ = ["PipelinedExecutor"]


class PipelinedExecutor:
    """Executor over *client*, for the event loop in which it was created.

    Callers get what *to_failure* makes of an error and the pool of *client*. Before the first call
    *check* judges the server; without one, nothing does. *queue* has the calls.
    """

    waits_for_replicas = False

    def __init__(
        self,
        client: AsyncioClient,
        *,
        closes_with_loop: bool = False,
        to_failure: Callable[[Exception, Pool], Exception] = to_unavailable,
        check: ServerCheck | None = None,
        queue: CallQueue | None = None,
    ) -> None:
        self._client = client
        self._convert = to_failure
        self.loop = self._loop = asyncio.get_running_loop()
        self._timeout = timeout_of(client.connection_pool)
        self._loop_end = LoopEnd(self._close) if closes_with_loop else None
        self._queue = CallQueue() if queue is None else queue
        self._deadline = AnswerDeadline(self._loop, self._queue, self._expire)
        self._idle: asyncio.Event | None = None
        self._is_scheduled = False
        self._link: Link | None = None
        self._known_scripts: set[str] = set()
        self._dropped: list[Link] = []
        self._opening: asyncio.Task[None] | None = None
        self._error: Exception | None = None
        self._check = check
        self.is_direct = not (closes_with_loop or self.waits_for_replicas)
        """Whether :meth:`run` only waits, which a caller may do in its place."""

    async def run(self, call: ScriptCall | PackedCall) -> object:
        """Return the decoded answer; raises :class:`Unavailable` without one in time."""
        if (end := self._loop_end) is not None and not end.is_awaited:
            await end.join()
            self.is_direct = not self.waits_for_replicas
        return call.read(await self.add(call).answer)

    async def send(self, call: ScriptCall | PackedCall) -> PendingAnswer:
        """Write *call* to the connection, and return its answer to come.

        Waits for the answer where the server might not get the command, or not know its script.
        """
        pending = self.add(call)
        self._flush()
        link, known = self._link, self._known_scripts
        is_written = pending.attempts and link and not link.has_unwritten()
        if not is_written or call.script.sha not in known:
            await asyncio.wait({pending.answer})
            if link is self._link:  # What another server knows is not known.
                known.add(call.script.sha)
        return PendingAnswer(pending.answer, call.read)

    async def aclose(self) -> None:
        """Close the connection after all pending calls are answered."""
        if (end := self._loop_end) is not None and end.is_awaited:
            await end.aclose()
        else:
            await self._close()

    async def _close(self) -> None:
        idle = self._idle = self._idle or asyncio.Event()
        while not self._queue.is_empty():
            idle.clear()
            await idle.wait()
        if self._opening is not None:
            await asyncio.wait({self._opening})
        self._drop_link()
        await self._close_dropped()
        await self._client.aclose()

    def add(self, call: ScriptCall | PackedCall) -> PendingCall:
        """Return *call* with its answer to come; it leaves at the end of this turn of the loop."""
        loop, waiting = self._loop, self._queue.waiting
        pending = PendingCall(call, loop.create_future(), loop.time())
        # Where others wait, they and this one leave with the next answers.
        if not (waiting or self._is_scheduled):
            self._schedule()
        waiting.append(pending)
        return pending

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._is_scheduled = False
        if self._link is not None:
            commands = self._queue.send(self._loop.time())
            if commands:
                self._link.write(commands)
                if not self._deadline.is_watching:
                    self._deadline.watch(self._timeout)
            if self._idle and self._queue.is_empty():
                self._idle.set()
        elif self._queue.waiting and self._opening is None:
            self._opening = self._loop.create_task(self._open())
            self._opening.add_done_callback(self._end_opening)

    def receive(self, answers: list[object]) -> None:
        """Pass *answers* on to their callers, or send the calls again where that may help."""
        refused: list[PendingCall] = []
        queue, sent, is_plain = self._queue, self._queue.sent, not self.waits_for_replicas
        for answer in answers:
            if not sent:  # More answers than calls: the rest belongs to none.
                self._drop_link()
                break
            pending = sent.popleft()
            queue.size -= len(pending.data)
            if is_plain and type(answer) is bytes:  # As _receive_answer, for nearly all.
                if not pending.answer.done():
                    pending.answer.set_result(answer)
            elif isinstance(answer, RedisError):
                self._receive_error(pending, answer, refused)
            else:
                self._receive_answer(pending, answer)
        if refused:
            # A fail-over has left this connection at a replica.
            self._drop_link()
            self._queue.send_again()
            self._queue.waiting.extendleft(reversed(refused))
        if queue.waiting and queue.has_room():
            self._schedule()
        if self._idle and queue.is_empty():
            self._idle.set()

    def _receive_answer(self, pending: PendingCall, answer: object) -> None:
        if not pending.answer.done():
            pending.answer.set_result(answer)

    def _receive_error(
        self, pending: PendingCall, error: RedisError, refused: list[PendingCall]
    ) -> None:
        if isinstance(error, NoScriptError) and pending.call is not None:
            pending.data = encode_command(pending.call.eval())
            self._queue.waiting.append(pending)
        elif is_wrong_server(error) and not pending.is_refused:
            pending.is_refused = True
            refused.append(pending)
        else:
            pending.fail(self._to_failure(error))

    def lose(self, link: Link) -> None:
        """Send what *link* has not answered over a new one, once; then all pending calls fail."""
        if link is not self._link:
            return
        error, self._error = self._error or RedisConnectionError("The connection was lost."), None
        self._drop_link()
        if self._queue.sent and self._queue.sent[0].attempts > TIMEOUTS.retries:
            self._fail_all(error)
        elif self._queue.sent or self._queue.waiting:
            self._queue.send_again()
            self._schedule()

    def _drop_link(self) -> None:
        if self._link is not None:
            self._link.abort()
            self._dropped.append(self._link)
            self._link = None
            self._known_scripts.clear()
        self._deadline.cancel()

    def _expire(self) -> None:
        if self._link is not None:
            self._error = RedisTimeoutError("no answer in time")
            self._link.abort()

    async def _open(self) -> None:
        self._error = None
        for _ in range(TIMEOUTS.retries + 1):
            try:
                await self._close_dropped()
                pool = self._client.connection_pool
                self._link = await open_link(pool, self, self._timeout, self._check)
            except (RedisError, OSError, UnfitServerError) as error:
                self._error = error
            else:
                self._error = None
                return

    def _end_opening(self, task: asyncio.Task[None]) -> None:
        self._opening = None
        error, self._error = self._error, None
        # At the end of the event loop its tasks are cancelled, but calls are pending.
        if self._link is not None or task.cancelled():
            self._flush()
        else:
            # Callers behind a server that does not answer fail at once as well.
            self._fail_all(error)

    def _fail_all(self, error: Exception | None) -> None:
        for pending in self._queue.clear():
            pending.fail(self._to_failure(error))
        if self._idle:
            self._idle.set()

    def _to_failure(self, error: Exception | None) -> Exception:
        if error is None:
            return Unavailable("The task that connects to Redis failed unexpectedly.")
        return self._convert(error, self._client.connection_pool)

    async def _close_dropped(self) -> None:
        while self._dropped:
            await self._dropped.pop().aclose()
