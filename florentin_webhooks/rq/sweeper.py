"""Put back jobs that RQ has lost, and drop what has been dead for too long."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import rq

from florentin_webhooks.core.log import logger
from florentin_webhooks.core.replay import NotReplayable, drop
from florentin_webhooks.core.stores.jobs import ListPendingJobs, RequeueLostJob
from florentin_webhooks.core.stores.queries import ListDeadLetters
from florentin_webhooks.redis.store import RedisStore

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver

__all__ = [
    "LOST_AFTER",
    "drop_expired",
    "requeue_lost",
]

LOST_AFTER = 120.0
"""Seconds after which a job that stands nowhere is taken for lost: RQ moves jobs within one."""


def drop_expired(hooks: Receiver) -> int:
    """Drop what has been dead for longer than the store keeps it, and give the number."""
    until = datetime.now(UTC) - cast("RedisStore", hooks.store).unfinished_retention
    dropped = 0
    for fingerprint in {job.fingerprint for job in hooks.store.execute(ListDeadLetters(until))}:
        with suppress(NotReplayable):  # It was revived meanwhile, or another worker was faster.
            drop(hooks, fingerprint)
            dropped += 1
    return dropped


def requeue_lost(hooks: Receiver, queue: rq.Queue, older_than: float = LOST_AFTER) -> int:
    """Put back the jobs that *queue* has lost, and give their number.

    Candidates are chosen by reading the lists once; the script then decides atomically.
    """
    client = queue.connection
    store = cast("RedisStore", hooks.store).with_client(client)
    lists = (queue.key, queue.intermediate_queue_key)
    listed = {job_id for name in lists for job_id in client.lrange(name, 0, -1)}
    listed.update(cast("Any", client).zrange(queue.scheduled_job_registry.key, 0, -1))
    put_back = 0
    before = datetime.now(UTC) - timedelta(seconds=older_than)
    for job_id in store.execute(ListPendingJobs(queue.name, before)):
        if job_id.encode() in listed:
            continue
        fingerprint = job_id[:32]
        part, _ = hooks.build_job(fingerprint, queue.name)
        found = store.execute(RequeueLostJob(bytes.fromhex(fingerprint), part))
        if found != "fine":
            logger.warning("job %s of queue %s: %s", job_id, queue.name, found)
        put_back += found == "lost"
    return put_back
