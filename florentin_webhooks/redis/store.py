"""The store in Redis or Valkey, for any number of processes and machines."""

from __future__ import annotations

import asyncio
from copy import copy
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import redis
import redis.asyncio

from florentin_webhooks.core.durations import Duration, positive_duration
from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.core.stores.retention import (
    UNFINISHED_RETENTION,
    milliseconds,
    resolve_retention,
    resolve_unfinished_retention,
    validate_count,
)
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.redis.access import ServerAccess
from florentin_webhooks.redis.addresses import ClusterClient, is_cluster
from florentin_webhooks.redis.clients import (
    Client,
    create_record_pool,
    create_sync_client,
    validate_server,
)
from florentin_webhooks.redis.codec.encode import encode
from florentin_webhooks.redis.codec.follow_up import FollowUp, follow_up
from florentin_webhooks.redis.durability import ServerCheck
from florentin_webhooks.redis.executors.calls import PackedCall
from florentin_webhooks.redis.executors.loops import LoopExecutors
from florentin_webhooks.redis.executors.packed import PackedCalls
from florentin_webhooks.redis.executors.records import RecordPipeline
from florentin_webhooks.redis.executors.sync import SyncExecutor
from florentin_webhooks.redis.executors.sync_replicated import (
    SyncReplicatedExecutor,
    create_job_executor,
)
from florentin_webhooks.redis.schema import KeySchema, ScriptCall

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.base import Operation, PendingAnswer

__all__ = ["RedisStore"]

A = TypeVar("A")


class RedisStore(ServerAccess):
    """Store in the Redis (7.0 or newer) or Valkey (7.2 or newer) at a URL.

    Each operation is one round trip, but for searches; none waits longer than 2 seconds.

    Args:
        server: A URL (``redis://``, ``rediss://``, ``unix://``; ``redis+sentinel://`` with the
            hosts of Sentinels and the name of a service; ``redis+cluster://`` with several hosts)
            or a client of your own, whose timeouts you set. An asyncio client serves one event
            loop only, and lends the store one connection of its pool. A synchronous one costs
            asyncio programs a thread for each operation. Of a client of a cluster only the nodes
            and the login are used.
        retention: How long a finished delivery is remembered: a day, or as long as its senders
            need. A queued one is remembered until its handlers have run.
        lease: How long inline handlers have a delivery to themselves.
        unfinished_retention: How long an unfinished delivery is remembered.
        history: How many finished deliveries keep their bodies and handlers.
        prefix: What all keys begin with.
        keep: The old name of *unfinished_retention*.
        lanes: Over how many slots of a cluster deliveries are spread, 16 by default. It must not
            change while deliveries are remembered.
        replicas: How many replicas must have a delivery before it counts as accepted, and its
            lease before a handler starts, so that a fail-over forgets none and repeats none. Until
            then the reply is ``unavailable``, and a job stays in the queue.
    """

    def __new__(cls, server: Any = "", **_: Any) -> Self:  # Any: as __init__ takes.
        # Without a docstring, which editors would show in place of the one above.
        kind: Any = cls
        if cls is RedisStore and is_cluster(server):
            kind = import_module("florentin_webhooks.redis.cluster.store").ClusterStore
        return cast("Self", object.__new__(kind))

    def __init__(  # pyright: ignore[reportInconsistentConstructor]  # copy() passes nothing.
        self,
        server: str | Client | ClusterClient,
        *,
        retention: Duration | None = None,
        lease: Duration = timedelta(seconds=60),
        unfinished_retention: Duration = UNFINISHED_RETENTION,
        history: int = 1000,
        prefix: str = "fl:",
        keep: Duration | None = None,
        lanes: int | None = None,
        replicas: int = 0,
    ) -> None:
        self._follows_senders = retention is None
        self.retention = resolve_retention(retention)
        self.lease = positive_duration("lease", lease)
        self.unfinished_retention = resolve_unfinished_retention(
            unfinished_retention, keep, self.retention
        )
        validate_count("history", history, 0)
        validate_count("replicas", replicas, 0)
        self.supports_jobs = True
        self.supports_transactions = False
        self._schema = KeySchema(
            _encode_prefix(prefix),
            milliseconds(self.retention),
            milliseconds(self.lease),
            milliseconds(self.unfinished_retention),
            history,
            replicas=replicas,
        )
        self._packed = PackedCalls(self._schema)
        self._connect(server, lanes)

    setattr(__new__, "__wrapped__", __init__)  # noqa: B010 - where tools read the parameters.

    def _connect(self, server: Any, lanes: int | None) -> None:
        """Prepare the connections to *server*, which was not checked yet."""
        if is_cluster(server):
            raise ConfigurationError(
                f"{type(self).__name__} is a subclass of RedisStore, which is in no cluster.",
                "Derive it from florentin_webhooks.redis.cluster.store.ClusterStore.",
            )
        validate_server(server)
        if lanes is not None:
            raise ConfigurationError(
                f"lanes is {lanes}, but the store is in one server.",
                "Drop it, or pass a redis+cluster:// URL.",
            )
        self._server: str | Client = server
        self._check = ServerCheck()
        self._loops = LoopExecutors(server, self._schema.replicas, self._check)
        self._sync = (
            None if isinstance(server, redis.asyncio.Redis) else self._create_executor(server)
        )

    def _create_executor(self, server: str | redis.Redis) -> SyncExecutor:
        kind = SyncReplicatedExecutor if self._schema.replicas else SyncExecutor
        pool = create_record_pool(server)
        return kind(create_sync_client(server), check=self._check, pool=pool)

    def extend_retention(self, least: timedelta) -> None:
        """Remember finished deliveries for *least*, unless ``retention`` was set."""
        if self._follows_senders and least > self.retention:
            self.retention = least
            self.unfinished_retention = max(least, self.unfinished_retention)
            self._schema = replace(
                self._schema,
                retention=milliseconds(least),
                unfinished_retention=milliseconds(self.unfinished_retention),
            )
            self._packed = PackedCalls(self._schema)

    def execute(self, operation: Operation[A]) -> A:
        """Execute *operation*; raises :class:`Unavailable` without an answer in time."""
        executor = self._sync or self._require_blocking()
        packs = executor.packs_calls
        call = self._packed.encode(operation) if packs else encode(self._schema, operation)
        run = executor.run
        answer = executor.run_packed(call) if isinstance(call, PackedCall) else run(call)
        if isinstance(answer, FollowUp):

            async def run_next(call: ScriptCall) -> object:
                return run(call)

            answer = run_sync(follow_up(answer, operation, self._schema, run_next))
        return cast("A", answer)

    async def aexecute(self, operation: Operation[A]) -> A:
        """Execute *operation*, in one round trip with all others pending in this event loop."""
        if self._sync is not None and not isinstance(self._server, str):
            thread = asyncio.get_running_loop().run_in_executor(None, self.execute, operation)
            return await asyncio.shield(thread)  # A cancelled operation runs anyway.
        loop, executor = asyncio.get_running_loop(), self._loops.latest
        if executor is None or executor.loop is not loop:
            executor = self._loops.find(loop)
        call = self._packed.encode(operation)
        if executor.is_direct:  # As executor.run, without its coroutine.
            answer: Any = call.read(await executor.add(call).answer)  # Any: of any operation.
        else:
            answer = await executor.run(call)
        if isinstance(answer, FollowUp):
            answer = await follow_up(answer, operation, self._schema, executor.run)
        found: A = answer  # A call of typing.cast takes as long as three of these lines.
        return found

    async def asend(self, operation: Operation[A]) -> PendingAnswer[A]:
        """Return once *operation* is written to the connection, before its answer."""
        if self._sync is not None and not isinstance(self._server, str):
            answer = asyncio.ensure_future(self.aexecute(operation))
            await asyncio.wait({answer})
            return answer
        executor = self._loops.find(asyncio.get_running_loop())
        return cast("PendingAnswer[A]", await executor.send(self._packed.encode(operation)))

    def open_pipeline(self) -> RecordPipeline | None:
        """Return what sends the records of one run in a synchronous program, if there is one."""
        pipeline = None if self._sync is None else self._sync.open_pipeline()
        return None if pipeline is None else RecordPipeline(self._schema, pipeline)

    def close(self) -> None:
        """Close the synchronous connections; the next operation opens them again."""
        if self._sync is not None:
            self._sync.close()

    async def aclose(self) -> None:
        """Close the connection of this event loop; the next operation opens it again."""
        await self._loops.aclose()

    def with_client(self, client: redis.Redis) -> RedisStore:
        """Return this store over another client of the same server, such as a worker's."""
        store = copy(self)
        store._server = client  # noqa: SLF001 - one of this class.
        sync = create_sync_client(client)
        store._sync = create_job_executor(sync, store.schema.replicas)  # noqa: SLF001
        return store


def _encode_prefix(prefix: object) -> bytes:
    if not isinstance(prefix, str):
        raise ConfigurationError(f"prefix is {prefix!r}.", "Set prefix to a text, such as fl:.")
    return prefix.encode()
