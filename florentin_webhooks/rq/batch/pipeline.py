"""One connection for script calls whose answers are read later, in the order of sending."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self, cast

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError, ResponseError

from florentin_webhooks.redis.executors.replicas import (
    PATIENCE,
    TooFewReplicasError,
    give_back,
    repeat,
    run_confirmed,
    wait_words,
)
from florentin_webhooks.redis.executors.resp import AnswerReader, encode_command
from florentin_webhooks.redis.refusals import find_refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from florentin_webhooks.redis.schema import ScriptCall, Words

__all__ = ["ScriptPipeline"]

_MOST_BYTES = 65536

_CLAIM_PATIENCE = 2.0
"""Seconds for which a claim is repeated, during which signals wait. Then RQ tries again later."""


class _Sent(NamedTuple):
    """A call without an answer, which counts once so many *replicas* have what it wrote.

    *build* is None for a question whose answer may get lost.
    """

    build: Callable[[], ScriptCall] | None
    replicas: int


_QUESTION = _Sent(None, 0)


class ScriptPipeline:
    """Calls over *connection*, or one of *client*'s pool, each sent again if its answer is lost.

    The scripts bear that: what they have done they do not do again. So is one that too few replicas
    have: their primary may be another server by now.
    """

    # Any: redis-py leaves its types open, also below.
    def __init__(self, client: redis.Redis, connection: Any = None) -> None:
        self._client: Any = client
        self._connection: Any = connection
        self._reader = AnswerReader()
        self._unconfirmed: list[object] = []
        self._sent: deque[_Sent] = deque()
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
        self.send(lambda: call, encode_command(call.evalsha()), call.replicas)
        return call.read(self.receive())

    def run_and_ask(self, call: ScriptCall, question: Words) -> tuple[object, Any]:
        """Return the answers of *call* and of the command *question*, None if that got lost."""
        packed = encode_command(call.evalsha())
        self.send(lambda: call, packed, call.replicas, encode_command(question))
        if self._sent:
            self._sent.append(_QUESTION)
        else:  # The call was repeated, without it.
            self._answers.append(None)
        return call.read(self.receive()), self.receive()

    def send(
        self, build: Callable[[], ScriptCall], packed: bytes, replicas: int = 0, after: bytes = b""
    ) -> None:
        """Write into the socket what *build* returns, which is *packed* as a command.

        *after* is what comes after it.
        """
        self._sent.append(_Sent(build, replicas))
        if self._connection is None and len(self._sent) > 1:  # Those before come first.
            self._repeat()
            return
        if replicas:
            packed += encode_command(wait_words(replicas, None))
        packed += after
        try:
            if self._connection is None:
                self._reader, self._unconfirmed = AnswerReader(), []
                self._connection = self._client.connection_pool.get_connection()
            self._connection.send_packed_command([packed], check_health=False)
        except (RedisError, OSError):
            self._repeat()

    def receive(self) -> object:
        """Return the raw answer of the earliest call that has none. Raises RedisError."""
        if not self._answers:
            self._read()
        if not self._answers:
            raise RedisConnectionError("the call was forgotten after an error.")
        return self._answers.popleft()

    def _read(self) -> None:
        if self._connection is None:
            self._repeat()
            return
        try:
            while not self._take(self._reader.feed(_receive_from(self._connection))):
                pass  # Answers arrive in pieces.
        except (RedisError, OSError):
            self._drop()
            if not self._answers:  # Else those before it are received first.
                self._repeat()
        except BaseException:  # The alarm of a job.
            self._drop()
            raise

    def _take(self, answers: list[object]) -> bool:
        """Keep *answers* that enough replicas have, and return whether there are any."""
        for answer in answers:
            if isinstance(answer, RedisError):  # An unknown script, or a server that refuses.
                raise answer
            self._take_one(answer, self._sent[0].replicas)
        return bool(self._answers)

    def _take_one(self, answer: Any, replicas: int) -> None:
        if replicas and not self._unconfirmed:  # That of its WAIT comes next.
            self._unconfirmed.append(answer)
            return
        if replicas:
            found, answer = answer, self._unconfirmed.pop()
            if found < replicas:
                raise TooFewReplicasError(answer, found, replicas)
        self._sent.popleft()
        self._answers.append(answer)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()
            self._client.connection_pool.release(connection)

    def _repeat(self) -> None:
        """Drop the connection, and run all calls without an answer, one by one.

        One that the server refuses keeps none after it from running: it may record what has run.
        Then, or without a server, all are forgotten: their answers would be those of later calls.
        """
        self._drop()
        try:
            refused = [error for error in map(self._run_first, range(len(self._sent))) if error]
        except (RedisError, OSError):
            self._sent.clear()
            self._answers.clear()
            raise
        if refused:
            self._answers.clear()
            raise refused[0]

    def _run_first(self, _: int) -> ResponseError | None:
        """Run the first call without an answer, and return why it was refused."""
        refused, build = None, self._sent[0].build
        try:
            self._answers.append(None if build is None else self._run_alone(build()))
        except ResponseError as error:
            refused = error
        self._sent.popleft()
        return refused

    def _run_alone(self, call: ScriptCall) -> object:
        if call.replicas:
            return self._run_confirmed(call)
        # The client of a worker waits while the server refuses commands.
        try:
            return self._client.execute_command(*call.evalsha())
        except NoScriptError:
            return self._client.execute_command(*call.eval())

    def _run_confirmed(self, call: ScriptCall) -> object:
        patience = PATIENCE if call.is_record else _CLAIM_PATIENCE
        try:
            return repeat(partial(self._confirm, call), patience)
        except RedisError as error:
            if (code := find_refusal(error)) is None:
                raise
            # RQ's worker waits for a lost connection, and ends because of a refusal.
            raise RedisConnectionError(code) from None

    def _confirm(self, call: ScriptCall) -> object:
        try:
            return run_confirmed(self._client, call)
        except RedisError as error:
            if isinstance(error, TooFewReplicasError):
                give_back(self._send_alone, call, error.answer)
            # Another server may be the primary by now: a new connection looks for it.
            self._client.connection_pool.disconnect(inuse_connections=False)
            raise

    def _send_alone(self, call: ScriptCall) -> object:
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
