"""Remember deliveries in Redis or Valkey, for any number of processes and machines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import copy
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakKeyDictionary

import redis
import redis.asyncio

from florentin_webhooks.core.stores.accept import Accept, Finish
from florentin_webhooks.core.stores.guards import Latest, Once
from florentin_webhooks.core.stores.jobs import ClaimJob, ListPendingJobs, RequeueLostJob
from florentin_webhooks.core.stores.queries import (
    FindFingerprints,
    GetRecord,
    ListDeadLetters,
    ListRecords,
    ResetRecord,
)
from florentin_webhooks.core.stores.retention import (
    UNFINISHED_RETENTION,
    milliseconds,
    resolve_keep,
    validate_unfinished_retention,
)
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.redis.clients import (
    Client,
    asyncio_client,
    blocking_client,
    display_url,
    new_client,
    validate_server,
)
from florentin_webhooks.redis.codec.accept import accept, finish
from florentin_webhooks.redis.codec.guards import latest, once
from florentin_webhooks.redis.codec.jobs import begin, sweep, waiting
from florentin_webhooks.redis.codec.queries import dead, find, list_, reopen, search
from florentin_webhooks.redis.executors.blocking import BlockingExecutor
from florentin_webhooks.redis.executors.pipelined import PipelinedExecutor
from florentin_webhooks.redis.schema import KeySchema, ScriptCall

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.base import Operation

__all__ = ["RedisStore"]

A = TypeVar("A")

_CALLS: dict[
    type, Callable[[KeySchema, Any], ScriptCall]
] = {  # Any: the operation of the key's type.
    Accept: accept,
    Finish: finish,
    ClaimJob: begin,
    RequeueLostJob: sweep,
    ListPendingJobs: waiting,
    Once: once,
    Latest: latest,
    GetRecord: find,
    ListRecords: list_,
    ResetRecord: reopen,
    FindFingerprints: search,
    ListDeadLetters: dead,
}


class RedisStore:
    """Remember deliveries in the Redis (7.0 or newer) or Valkey (7.2 or newer) at a URL.

    *server* is a URL (``redis://``, ``rediss://``, ``unix://``) or a client of your own; then its
    time-outs are yours to keep, an asyncio one serves asyncio programs of one event loop only,
    and a blocking one costs asyncio programs a thread per step. A delivery that is done stays known
    for *retention*, the newest *history* of them with body and handlers; one that is not done for
    *unfinished_retention*, and one that waits in a queue for as long as it takes. Whoever runs
    inline handlers has *lease*. All keys begin with *prefix*.

    Each operation is one round trip; none waits longer than 2 seconds.
    """

    def __init__(
        self,
        server: str | Client,
        *,
        retention: timedelta = timedelta(hours=24),
        lease: timedelta = timedelta(seconds=60),
        unfinished_retention: timedelta = UNFINISHED_RETENTION,
        history: int = 1000,
        prefix: str = "fl:",
        keep: timedelta | None = None,
    ) -> None:
        unfinished_retention = resolve_keep(keep, unfinished_retention)
        validate_unfinished_retention(unfinished_retention, retention)
        self.retention = retention
        self.lease = lease
        self.unfinished_retention = unfinished_retention
        self.supports_jobs = True
        self.supports_transactions = False
        validate_server(server)
        self._server = server
        self._layout = KeySchema(
            prefix.encode(),
            milliseconds(retention),
            milliseconds(lease),
            milliseconds(unfinished_retention),
            history,
        )
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, PipelinedExecutor] = (
            WeakKeyDictionary()
        )
        self._blocking = (
            None
            if isinstance(server, redis.asyncio.Redis)
            else BlockingExecutor(blocking_client(server))
        )

    def execute(self, operation: Operation[A]) -> A:
        """Carry out *operation*; raises :class:`Unavailable` where there is no answer in time."""
        if self._blocking is None:
            message = (
                "this RedisStore has an asyncio client, which a blocking program cannot use; "
                "pass it a URL, which serves both"
            )
            raise ConfigurationError(message)
        return cast("A", self._blocking.run(self._call(operation)))

    async def aexecute(self, operation: Operation[A]) -> A:
        """Carry out *operation*, together with all others that wait in this event loop."""
        call = self._call(operation)
        if self._blocking is not None and not isinstance(self._server, str):
            thread = asyncio.get_running_loop().run_in_executor(None, self._blocking.run, call)
            return cast("A", await asyncio.shield(thread))  # One that waits runs all the same.
        return cast("A", await self._grouped().run(call))

    def close(self) -> None:
        """Close the blocking connections; they open again when they are needed."""
        if self._blocking is not None:
            self._blocking.close()

    async def aclose(self) -> None:
        """Close the connection of this event loop; it opens again when it is needed."""
        executor = self._loops.pop(asyncio.get_running_loop(), None)
        if executor is not None:
            await executor.aclose()

    @property
    def address(self) -> str:
        """Where the server is, without user and password."""
        return display_url(self._server)

    def client(self) -> redis.Redis:
        """Give a blocking client of the same server for somebody else's own, such as a worker."""
        return new_client(self._server)

    def with_client(self, client: redis.Redis) -> RedisStore:
        """Give this store as seen through another client of the same server, as a worker has."""
        seen = copy(self)
        seen._server = client  # noqa: SLF001 - one of this class.
        # A job is short: looking at the server's settings would be a third of its round trips.
        seen._blocking = BlockingExecutor(blocking_client(client), look=False)  # noqa: SLF001
        return seen

    def _call(
        self, operation: Operation[Any]
    ) -> ScriptCall:  # Any: the answer is read by the call.
        describe = _CALLS.get(type(operation))
        if describe is None:
            message = f"RedisStore cannot carry out {type(operation).__name__}"
            raise ConfigurationError(message)
        return describe(self._layout, operation)

    def _grouped(self) -> PipelinedExecutor:
        # A connection belongs to the event loop that opened it: one for each, never shared.
        loop = asyncio.get_running_loop()
        executor = self._loops.get(loop)
        if executor is None:
            self._forget_closed_loops()
            executor = self._loops[loop] = PipelinedExecutor(asyncio_client(self._server))
        return executor

    def _forget_closed_loops(self) -> None:
        # A connection refers to its loop, so that no loop here ever leaves by itself.
        for loop in list(self._loops):
            if loop.is_closed():
                del self._loops[loop]
        if self._loops and not isinstance(self._server, str):
            message = (
                "this RedisStore has an asyncio client, which belongs to one event loop; "
                "pass it a URL, which serves any number"
            )
            raise ConfigurationError(message)
