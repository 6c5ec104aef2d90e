"""Execute script calls from asyncio programs, and wait for replicas once for each write.

The calls of one turn of the event loop and one WAIT leave together. The next ones leave when it is
answered: a connection that waits executes nothing else, and the time for an answer runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.addresses import display_pool
from florentin_webhooks.redis.executors.calls import CallQueue, PackedCall, PendingCall
from florentin_webhooks.redis.executors.deadline import timeout_of
from florentin_webhooks.redis.executors.pipelined import PipelinedExecutor
from florentin_webhooks.redis.executors.replicas import (
    PATIENCE,
    give_back,
    needs_replicas,
    too_few_replicas,
    wait_words,
)
from florentin_webhooks.redis.executors.resp import encode_command
from florentin_webhooks.redis.refusals import is_wrong_server
from florentin_webhooks.redis.schema import ScriptCall

if TYPE_CHECKING:
    import asyncio

    from florentin_webhooks.redis.protocols import AsyncioClient

__all__ = ["ReplicatedExecutor"]

_PAUSE = 0.3
"""Seconds between two attempts to record what handlers have done."""


def _waits(pending: PendingCall) -> bool:
    return isinstance(pending.call, ScriptCall) and pending.call.replicas > 0


def _lacks_replicas(call: ScriptCall, answer: object, found: object) -> bool:
    has_enough = isinstance(found, int) and found >= call.replicas
    return not has_enough and needs_replicas(call, answer)


class _WaitingQueue(CallQueue):
    """The calls of one connection, of which *held* are answered when the one *wait* is."""

    def __init__(self, wait: bytes) -> None:
        super().__init__()
        self.wait: PendingCall | None = None
        self.held: list[tuple[PendingCall, object]] = []
        self._command = wait

    def send(self, now: float) -> bytes:
        """Do as the base does, with a WAIT at the end; send nothing while one is under way."""
        if self.wait is not None:
            return b""
        commands = super().send(now)
        promises = [each for each in self.sent if _waits(each)]
        if not promises:
            return commands
        last = promises[-1]
        self.wait = PendingCall(None, last.answer.get_loop().create_future(), now)
        self.wait.data, self.wait.sent_at = self._command, now
        self.wait.attempts = max(each.attempts for each in promises)
        self.sent.append(self.wait)
        self.size += len(self._command)
        return commands + self._command

    def send_again(self) -> None:
        """Move all calls whose answer was not passed on to the front of the waiting ones."""
        if self.wait is not None and self.wait in self.sent:
            self.sent.remove(self.wait)
        self.wait = None
        self.sent.extendleft(pending for pending, _ in reversed(self.held))
        self.held.clear()
        super().send_again()


class ReplicatedExecutor(PipelinedExecutor):
    """Executor whose promises *replicas* replicas have."""

    waits_for_replicas = True

    def __init__(self, client: AsyncioClient, *, replicas: int, **options: Any) -> None:
        words = wait_words(replicas, timeout_of(client.connection_pool))
        self._held = _WaitingQueue(encode_command(words))
        super().__init__(client, queue=self._held, **options)

    async def run(self, call: ScriptCall | PackedCall) -> object:
        """Do as the base does; record what handlers have done also after the caller has gone."""
        try:
            return await super().run(call)
        except Unavailable:
            if isinstance(call, ScriptCall) and call.is_record:
                self._send_later(call, self._loop.time() + PATIENCE)
            raise

    def _send_later(self, call: ScriptCall, end: float = 0) -> None:
        """Send *call*, again and again until *end*; nothing waits for its answer."""

        def check(answer: asyncio.Future[object]) -> None:
            is_missing = not answer.cancelled() and answer.exception() is not None
            if is_missing and self._loop.time() < end:
                self._loop.call_later(_PAUSE, self._send_later, call, end)

        self.add(call).answer.add_done_callback(check)

    def _receive_answer(self, pending: PendingCall, answer: object) -> None:
        if pending is self._held.wait:
            self._answer_held(answer)
        elif pending.call is not None and _waits(pending):
            self._held.held.append((pending, answer))
        else:
            super()._receive_answer(pending, answer)

    def _receive_error(
        self, pending: PendingCall, error: RedisError, refused: list[PendingCall]
    ) -> None:
        if pending is not self._held.wait:
            super()._receive_error(pending, error, refused)
        elif is_wrong_server(error):
            # It became a replica meanwhile, so the others are sent to the new primary.
            again, self._held.wait = [each for each, _ in self._held.held], None
            self._held.held.clear()
            for each in again:
                super()._receive_error(each, error, refused)
        else:
            self._answer_held(error)

    def _answer_held(self, found: object) -> None:
        held, self._held.wait = list(self._held.held), None
        self._held.held.clear()
        is_short = False
        for pending, answer in held:
            call = pending.call
            if not isinstance(call, ScriptCall) or not _lacks_replicas(call, answer, found):
                super()._receive_answer(pending, answer)
                continue
            is_short = True
            give_back(self._send_later, call, answer)
            pending.fail(self._to_shortage(found, call.replicas))
        if is_short and self._link is not None:
            # Its replica may be the primary by now: a new connection looks for it.
            self._link.abort()

    def _to_shortage(self, found: object, wanted: int) -> Exception:
        if isinstance(found, RedisError):
            return self._to_failure(found)
        address = display_pool(self._client.connection_pool)
        return too_few_replicas(address, int(str(found)), wanted)
