"""The jobs of queued deliveries, for stores that push jobs."""

from __future__ import annotations

import json
from typing import Any

import redis

from florentin_webhooks.core.queue import Job, JobKeys
from florentin_webhooks.protocol.fingerprint import fingerprint


class Jobs:
    """The view of a queueing library: its jobs in Redis, for a store with *prefix*."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self.client: Any = client  # Any: redis-py leaves its types open.
        self.prefix = prefix

    def listed(self, queue: str, /) -> list[str]:
        """Return the ids of the jobs that workers can take, in order."""
        return [each.decode() for each in self.client.lrange(_keys(queue, "").list, 0, -1)]

    def fields(self, job: Job, /) -> dict[str, str]:
        found = self.client.hgetall(job.keys.hash)
        return {name.decode(): value.decode() for name, value in found.items()}

    def take(self, job: Job, /, status: str | None, *, killed: bool = False) -> None:
        """Take a job as a worker: it then has *status*, or is deleted for None.

        *killed*: the worker dies before it has added a ``scheduled`` job to the schedule.
        """
        assert self.client.lrem(job.keys.list, 1, job.id) == 1
        if status == "scheduled" and not killed:
            self.client.zadd(job.keys.scheduled, {job.id: 1})
        if status is None:
            self.client.delete(job.keys.hash)
        else:
            self.client.hset(job.keys.hash, "status", status)

    def life(self, key: bytes, /) -> float:
        """Return the seconds until a record expires; infinity if it does not."""
        left = self.client.pttl(f"{self.prefix}d".encode() + key)
        return left / 1000 if left >= 0 else float("inf")


def job(body: bytes, queue: str = "q", handlers: tuple[str, ...] = ("m:bill",)) -> Job:
    """Return the job for a delivery of *body*; without *handlers*, the part it waits for."""
    key = fingerprint(body).hex()
    words = json.dumps(["status", "queued", "queue", queue])
    return Job(f"{key}-{queue}", queue, handlers, _keys(queue, key), "test:queues", words)


def _keys(queue: str, key: str) -> JobKeys:
    names = {field: f"test:{queue}:{field}" for field in JobKeys._fields}
    return JobKeys(**{**names, "hash": f"test:job:{key}-{queue}"})
