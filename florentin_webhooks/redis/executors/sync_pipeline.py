"""Script calls of a synchronous program that are sent before the answers to earlier ones arrive."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from redis.exceptions import RedisError

from florentin_webhooks.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Generator

    from florentin_webhooks.redis.protocols import RecordConnection, RecordPool
    from florentin_webhooks.redis.schema import Script, ScriptCall

__all__ = ["SyncAnswer", "SyncPipeline"]


class Executor(Protocol):
    """What executes one call in one round trip."""

    def run(self, call: ScriptCall) -> object:
        """Return the decoded answer; raises :class:`Unavailable` without one in time."""
        ...

    def knows(self, script: Script) -> bool:
        """Return whether the server has executed *script*, unless it has lost it since."""
        ...


class SyncAnswer:
    """The answer to come of *call*, which was sent by *pipeline*."""

    __slots__ = ("_pipeline", "_value", "call", "is_read")

    def __init__(self, pipeline: SyncPipeline, call: ScriptCall) -> None:
        self._pipeline = pipeline
        self._value: object = None
        self.call = call
        self.is_read = False

    def done(self) -> bool:
        """Return whether it was read: to look for it would take as long."""
        return self.is_read

    def set(self, value: object) -> None:
        """Keep the decoded answer."""
        self._value, self.is_read = value, True

    def __await__(self) -> Generator[Any, None, object]:
        """Return the decoded answer, without an event loop; raises :class:`Unavailable`."""
        yield from ()
        if not self.is_read:
            self._pipeline.read_until(self)
        if not self.is_read:  # Its pipeline was closed, or failed at an earlier answer.
            message = "The answer of Redis to a record was not read."
            raise Unavailable(message, may_pass=True)
        return self._value


class SyncPipeline:
    """The calls of one run on a connection of *pool*, with *executor* for all that goes wrong.

    A call may be executed twice: with the token of its lease it counts once.
    """

    def __init__(self, executor: Executor, pool: RecordPool) -> None:
        self._executor = executor
        self._pool = pool
        self._connection: RecordConnection | None = None
        self._sent: deque[SyncAnswer] = deque()

    def send(self, call: ScriptCall) -> SyncAnswer:
        """Write *call* to the connection.

        Executes it where the server may not know its script, or replicas must have it.
        """
        answer = SyncAnswer(self, call)
        if call.replicas or not self._executor.knows(call.script):
            answer.set(self._executor.run(call))
            return answer
        self._sent.append(answer)
        try:
            if self._connection is None:
                self._connection = self._pool.get_connection()
            self._connection.send_command(*call.evalsha(), check_health=False)
        except (RedisError, OSError):  # Also where all connections of the pool are taken.
            self._execute_again()
        return answer

    def read_until(self, answer: SyncAnswer) -> None:
        """Read the answers up to *answer*; raises :class:`Unavailable`."""
        while not answer.is_read and self._connection is not None:
            try:
                raw = self._connection.read_response()
            except (RedisError, OSError):
                self._execute_again()
            else:
                first = self._sent.popleft()
                first.set(first.call.read(raw))

    def close(self) -> None:
        """Return the connection to the pool, closed where an answer was not read."""
        if self._connection is None:
            return
        if self._sent:
            self._connection.disconnect()
            self._sent.clear()
        self._pool.release(self._connection)
        self._connection = None

    def _execute_again(self) -> None:
        """Execute what has no answer; raises :class:`Unavailable` where that fails as well."""
        sent = list(self._sent)
        self.close()
        for answer in sent:
            answer.set(self._executor.run(answer.call))
