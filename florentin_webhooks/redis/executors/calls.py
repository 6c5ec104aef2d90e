"""Calls on their way to a server: those that wait, and those that are in flight."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.clients import TIMEOUTS
from florentin_webhooks.redis.codec.encode import encode
from florentin_webhooks.redis.executors.resp import encode_command

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Generator

    from florentin_webhooks.core.stores.base import Operation
    from florentin_webhooks.redis.schema import KeySchema, Script, ScriptCall, Words

__all__ = ["MAX_BYTES", "MAX_CALLS", "CallQueue", "PackedCall", "PendingAnswer", "PendingCall"]

MAX_CALLS = 128
"""The most calls in flight: about 10 ms of a server's time."""

MAX_BYTES = 2 << 20
"""The size at which no more calls are sent: as much of a server's time, with large bodies."""


class PackedCall(NamedTuple):
    """A call of *operation* whose command is *packed* already. Waits for no replica."""

    packed: bytes
    schema: KeySchema
    operation: Operation[Any]
    script: Script
    read: Callable[[Any], object]  # Any: what a RESP parser returns.
    may_fail: bool

    def eval(self) -> Words:
        """Return the command for any server, which then caches the script."""
        return self.unpack().eval()

    def unpack(self) -> ScriptCall:
        """Return all of the call."""
        return encode(self.schema, self.operation)


class PendingCall:
    """A call, its command in *data*, and the future of its answer; WAIT has no *call*."""

    __slots__ = ("answer", "attempts", "call", "data", "is_refused", "sent_at", "since")

    def __init__(
        self,
        call: ScriptCall | PackedCall | None,
        answer: asyncio.Future[object],
        since: float,
    ) -> None:
        self.call = call
        if isinstance(call, PackedCall):
            self.data = call.packed
        else:
            self.data = encode_command(call.evalsha()) if call else b""
        self.answer = answer
        self.since = since
        self.sent_at = 0.0
        self.attempts = 0
        self.is_refused = False

    def fail(self, error: Exception) -> None:
        """Answer with *error*, unless the caller has gone."""
        if not self.answer.done():
            self.answer.set_exception(error)

    def is_dispensable(self) -> bool:
        """Return whether it may fail after a long wait.

        After a cancellation, or when handlers have run, the operation still counts.
        """
        return (self.call is None or self.call.may_fail) and not self.answer.done()


class PendingAnswer:
    """The answer to come of a call that was sent."""

    __slots__ = ("_future", "_read")

    def __init__(self, future: asyncio.Future[object], read: Callable[[Any], object]) -> None:
        self._future = future
        self._read = read
        # A cancelled caller asks for no answer.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())

    def done(self) -> bool:
        """Return whether it has arrived."""
        return self._future.done()

    def __await__(self) -> Generator[Any, None, object]:
        """Return the decoded answer; raises :class:`Unavailable` without one in time."""
        return self._read((yield from self._future.__await__()))


class CallQueue:
    """The calls of one connection, in order: *sent* ones, of *size* bytes, then *waiting* ones."""

    def __init__(self) -> None:
        self.waiting: deque[PendingCall] = deque()
        self.sent: deque[PendingCall] = deque()
        self.size = 0

    def is_empty(self) -> bool:
        """Return whether each call has its answer."""
        return not self.sent and not self.waiting

    def has_room(self) -> bool:
        """Return whether enough answers have arrived for another write."""
        return len(self.sent) <= MAX_CALLS // 2 and self.size <= MAX_BYTES // 2

    def send(self, now: float) -> bytes:
        """Move as many calls as may be in flight to the sent ones; return their commands."""
        waiting, sent, size = self.waiting, self.sent, self.size
        oldest, room = now - TIMEOUTS.queue, MAX_CALLS - len(sent)
        commands: list[bytes] = []
        while waiting and room > 0 and size < MAX_BYTES:
            pending = waiting.popleft()
            if pending.since < oldest and pending.is_dispensable():
                pending.fail(Unavailable("Too many deliveries wait for Redis."))
                continue
            pending.sent_at = now
            pending.attempts += 1
            room -= 1
            sent.append(pending)
            data = pending.data
            size += len(data)
            commands.append(data)
        self.size = size
        return b"".join(commands)

    def send_again(self) -> None:
        """Move all sent calls to the front of the waiting ones."""
        self.waiting.extendleft(reversed(self.sent))
        self.sent.clear()
        self.size = 0

    def clear(self) -> list[PendingCall]:
        """Remove and return all calls."""
        self.send_again()
        calls = list(self.waiting)
        self.waiting.clear()
        return calls
