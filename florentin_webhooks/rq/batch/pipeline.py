"""One connection for script calls whose answers are read later, in the order of sending."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError

from florentin_webhooks.redis.executors.replicas import (
    PATIENCE,
    TooFewReplicasError,
    give_back,
    repeat,
    run_confirmed,
    wait_words,
)
from florentin_webhooks.redis.executors.resp import encode_command
from florentin_webhooks.redis.refusals import find_refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from florentin_webhooks.redis.schema import ScriptCall

__all__ = ["ScriptPipeline"]

_CLAIM_PATIENCE = 2.0
"""Seconds for which a claim is repeated, during which signals wait. Then RQ tries again later."""


class _Sent(NamedTuple):
    """A call without an answer, which counts once so many *replicas* have what it wrote."""

    build: Callable[[], ScriptCall]
    replicas: int


class ScriptPipeline:
    """Calls over a connection of *client*'s pool, each sent again if its answer is lost.

    The scripts bear that: what they have done they do not do again. So is one that too few replicas
    have: their primary may be another server by now.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client: Any = client  # Any: redis-py leaves its types open, also below.
        self._connection: Any = None
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

    def send(self, build: Callable[[], ScriptCall], packed: bytes, replicas: int = 0) -> None:
        """Write into the socket what *build* returns, which is *packed* as a command."""
        self._sent.append(_Sent(build, replicas))
        if replicas:
            packed += encode_command(wait_words(replicas, None))
        try:
            if self._connection is None:
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
            answer = self._connection.read_response()
            has_enough = self._has_enough(self._sent[0].replicas)
        except (RedisError, OSError):  # Also an unknown script, or a server that refuses for now.
            self._repeat()
            return
        except BaseException:  # The alarm of a job.
            self._drop()
            raise
        if not has_enough:
            self._repeat()
            return
        self._sent.popleft()
        self._answers.append(answer)

    def _has_enough(self, replicas: int) -> bool:
        return not replicas or self._connection.read_response() >= replicas

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
                answer = self._run_alone(self._sent[0].build())
                self._sent.popleft()
                self._answers.append(answer)
        except (RedisError, OSError):
            self._sent.clear()
            self._answers.clear()
            raise

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
