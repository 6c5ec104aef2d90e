"""The jobs of queued deliveries, for stores that push jobs."""

from __future__ import annotations

from typing import Any

import redis

from florentin_webhooks.core.queue import Job, JobKeys
from florentin_webhooks.protocol.fingerprint import fingerprint
from florentin_webhooks.redis.cluster.store import ClusterStore
from florentin_webhooks.redis.codec.message_pack import pack_texts


class Jobs:
    """The view of a queueing library: its jobs in Redis, for a store with *prefix*."""

    def __init__(self, client: redis.Redis, prefix: str, tag: str = "") -> None:
        self.client: Any = client  # Any: redis-py leaves its types open.
        self.prefix, self.tag = prefix, tag

    def listed(self, queue: str, /) -> list[str]:
        """Return the ids of the jobs that workers can take, in order."""
        return [
            each.decode() for each in self.client.lrange(self.tag + _keys(queue, "").list, 0, -1)
        ]

    def fields(self, job: Job, /) -> dict[str, str]:
        found = self.client.hgetall(self.tag + job.keys.hash)
        return {name.decode(): value.decode() for name, value in found.items()}

    def take(self, job: Job, /, status: str | None, *, killed: bool = False) -> None:
        """Take a job as a worker: it then has *status*, or is deleted for None.

        *killed*: the worker dies before it has added a ``scheduled`` job to the schedule.
        """
        assert self.client.lrem(self.tag + job.keys.list, 1, job.id) == 1
        if status == "scheduled" and not killed:
            self.client.zadd(self.tag + job.keys.scheduled, {job.id: 1})
        if status is None:
            self.client.delete(self.tag + job.keys.hash)
        else:
            self.client.hset(self.tag + job.keys.hash, "status", status)

    def life(self, key: bytes, /) -> float:
        """Return the seconds until a record expires; infinity if it does not."""
        left = self.client.pttl(f"{self.prefix}d".encode() + key)
        return left / 1000 if left >= 0 else float("inf")


class ClusterJobs:
    """The same view of the lanes of *store*, as one."""

    def __init__(self, store: ClusterStore) -> None:
        clients = store.queue_clients()
        self.lanes = [
            Jobs(client, f"{lane.tag}:", lane.tag)
            for client, lane in zip(clients, store.lanes, strict=True)
        ]

    def close(self) -> None:
        for lane in self.lanes:
            lane.client.close()

    def listed(self, queue: str, /) -> list[str]:
        return [job_id for lane in self.lanes for job_id in lane.listed(queue)]

    def fields(self, job: Job, /) -> dict[str, str]:
        return next((fields for lane in self.lanes if (fields := lane.fields(job))), {})

    def take(self, job: Job, /, status: str | None, *, killed: bool = False) -> None:
        (lane,) = [each for each in self.lanes if job.id in each.listed(job.queue)]
        lane.take(job, status, killed=killed)

    def life(self, key: bytes, /) -> float:
        known = [
            lane for lane in self.lanes if lane.client.exists(f"{lane.prefix}d".encode() + key)
        ]
        return known[0].life(key)


def job(body: bytes, queue: str = "q", handlers: tuple[str, ...] = ("m:bill",)) -> Job:
    """Return the job for a delivery of *body*; without *handlers*, the part it waits for."""
    key = fingerprint(body).hex()
    words = pack_texts(("status", "queued", "queue", queue))
    return Job(f"{key}-{queue}", queue, handlers, _keys(queue, key), "rq:queues", words)


def _keys(queue: str, key: str) -> JobKeys:
    names = {field: f"test:{queue}:{field}" for field in JobKeys._fields}
    names |= {"hash": f"test:job:{key}-{queue}", "list": f"rq:queue:{queue}"}
    return JobKeys(**names)
