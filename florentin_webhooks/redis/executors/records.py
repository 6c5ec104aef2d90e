"""The records of one run of handlers in a blocking program."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from florentin_webhooks.redis.codec.encode import encode
from florentin_webhooks.redis.executors.sync_pipeline import SyncPipeline
from florentin_webhooks.redis.schema import KeySchema

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.base import Operation, PendingAnswer

__all__ = ["RecordPipeline"]

A = TypeVar("A")


class RecordPipeline(NamedTuple):
    """The operations of one run, sent before earlier answers arrive."""

    schema: KeySchema
    pipeline: SyncPipeline

    async def asend(self, operation: Operation[A]) -> PendingAnswer[A]:
        """Write *operation* to a connection; suspends nowhere."""
        return cast("PendingAnswer[A]", self.pipeline.send(encode(self.schema, operation)))

    def close(self) -> None:
        """Return the connection."""
        self.pipeline.close()
