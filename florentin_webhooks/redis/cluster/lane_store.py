"""One lane of a cluster's store, over a client of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from florentin_webhooks.redis.clients import create_sync_client
from florentin_webhooks.redis.cluster.routing import fixed_digest
from florentin_webhooks.redis.executors.sync_replicated import create_job_executor
from florentin_webhooks.redis.store import RedisStore

if TYPE_CHECKING:
    from typing import Self

    from florentin_webhooks.core.stores.base import Operation, Store
    from florentin_webhooks.redis.cluster.lane_client import LaneClient
    from florentin_webhooks.redis.cluster.lanes import Lane

__all__ = ["LaneStore"]

A = TypeVar("A")


class LaneStore(RedisStore):
    """The store of the deliveries of one lane, for a worker; *_whole* does what is about none."""

    _whole: Store

    @classmethod
    def over(cls, whole: RedisStore, lane: Lane, client: LaneClient) -> Self:
        """Return the store of *lane*, over *client*, of the store *whole*."""
        store = object.__new__(cls)
        store.__dict__.update(
            {name: getattr(whole, name) for name in ("retention", "lease", "unfinished_retention")}
        )
        store.supports_jobs, store.supports_transactions = True, False
        store._server, store._schema, store._whole = client, lane.schema, whole
        store._follows_senders = False
        store._sync = create_job_executor(create_sync_client(client), lane.schema.replicas)
        return store

    def execute(self, operation: Operation[A]) -> A:
        """Execute *operation*; raises :class:`Unavailable` without an answer in time."""
        if fixed_digest(operation) is not None:
            return self._whole.execute(operation)
        return super().execute(operation)
