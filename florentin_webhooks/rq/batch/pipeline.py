"""One connection for script calls whose answers are read later, in the order of sending."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Self, cast

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError

from florentin_webhooks.redis.executors.resp import AnswerReader, encode_command

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from florentin_webhooks.redis.schema import ScriptCall

__all__ = ["ScriptPipeline"]

_MOST_BYTES = 65536


class ScriptPipeline:
    """Calls over a connection of *client*'s pool, each sent again if its answer is lost.

    The scripts bear that: what they have done they do not do again.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client: Any = client  # Any: redis-py leaves its types open, also below.
        self._connection: Any = None
        self._reader = AnswerReader()
        self._sent: deque[Callable[[], ScriptCall]] = deque()
        self._answers: deque[object] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            if self._sent:  # An answer that nothing reads would answer the next command.
                connection.disconnect()
            self._client.connection_pool.release(connection)

    def run(self, call: ScriptCall) -> object:
        """Return the answer of *call*, after those of all earlier ones have been received."""
        self.send(lambda: call, encode_command(call.evalsha()))
        return call.read(self.receive())

    def send(self, build: Callable[[], ScriptCall], packed: bytes) -> None:
        """Write into the socket what *build* returns, which is *packed* as a command."""
        self._sent.append(build)
        try:
            if self._connection is None:
                self._reader = AnswerReader()
                self._connection = self._client.connection_pool.get_connection()
            self._connection.send_packed_command([packed], check_health=False)
        except (RedisError, OSError):
            self._repeat()

    def receive(self) -> object:
        """Return the raw answer of the earliest call that has none. Raises RedisError."""
        if not self._answers:
            self._read()
        return self._answers.popleft()

    def _read(self) -> None:
        if self._connection is None:
            self._repeat()
            return
        try:
            while not self._take(self._reader.feed(_receive_from(self._connection))):
                pass  # Answers arrive in pieces.
        except (RedisError, OSError):
            self._repeat()
        except BaseException:  # The alarm of a job.
            self._drop()
            raise

    def _take(self, answers: list[object]) -> bool:
        """Keep *answers*, and return whether there are any."""
        for answer in answers:
            if isinstance(answer, RedisError):  # An unknown script, or a server that refuses.
                raise answer
            self._sent.popleft()
            self._answers.append(answer)
        return bool(answers)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()
            self._client.connection_pool.release(connection)

    def _repeat(self) -> None:
        """Drop the connection, and run all calls without an answer, one by one.

        If one fails, the others are forgotten: their answers would be those of later calls.
        """
        self._drop()
        try:
            while self._sent:
                answer = self._run_alone(self._sent[0]())
                self._sent.popleft()
                self._answers.append(answer)
        except (RedisError, OSError):
            self._sent.clear()
            self._answers.clear()
            raise

    def _run_alone(self, call: ScriptCall) -> object:
        # The client of a worker waits while the server refuses commands.
        try:
            return self._client.execute_command(*call.evalsha())
        except NoScriptError:
            return self._client.execute_command(*call.eval())


def _receive_from(connection: Any) -> bytes:  # Any: redis-py's.
    """Return what has arrived over *connection*, at least one byte.

    redis-py reads one answer at a time, in a tenth of the CPU of a whole event. Its private
    attribute is used in no other way; every test of a batch fails when redis-py renames it.
    """
    socket = connection._sock  # noqa: SLF001 - see above.
    data = b"" if socket is None else cast("bytes", socket.recv(_MOST_BYTES))
    if not data:
        raise RedisConnectionError("Redis has closed the connection.")
    return data
